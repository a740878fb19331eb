"""A Message out of the body of `POST /v1/messages`. Pure."""

from typing import Any

from gateway.access import Source
from gateway.ingress.http_models import Consent as ClaimedConsent
from gateway.ingress.http_models import File, NewMessage, Recipient
from gateway.ingress.http_party import flat, identify, read_time
from gateway.message import base64_text, compose
from gateway.message.content import Content
from gateway.message.envelope import Consent, Identifier, Message, Sender
from gateway.message.envelope import Recipient as To
from gateway.message.headers import decode_words
from gateway.message.native import own_words, pack_native
from gateway.policy.outcome import Words
from gateway.web.problem import Problem, malformed

MOST_DAYS_AHEAD = 90
_CLASS_OF = {"connection_request": "connection_request", "recommendation_request": "recommendation_request"}
_NOT_KEPT = {"recipient", "recipients", "deliver", "send_at", "class_"}
_NOT_ON_EMAIL = ("connection_request", "inmail")
_UNDISCLOSED = b"To: undisclosed-recipients:;\r\n"


def read_message(
    body: NewMessage, source: Source, identity: str, now: float, *, most: int, key: str = ""
) -> Message:
    """The message that a body asks to send. Raises Problem: malformed, or forbidden to this source.

    `most` is how many recipients one message may have; `key` what a repetition has in common with it.
    """
    class_ = _find_class(body, source) or source.default_class
    sender = _find_sender(body)
    _check_domain(source, body.channel, sender.key)
    recipients = _find_recipients(body, most)
    _check_text(body, class_)
    mime = body.channel == "email"
    files = [_make_file(file, n) for n, file in enumerate(body.attachments or ())]
    if mime:
        raw = _build_mime(body, identity, sender, recipients, files, now)
    else:
        raw = _build_native(body, identity)
    reply_to = (body.thread.in_reply_to or "") if body.thread else ""
    return Message(
        id=identity,
        source=source.name,
        controller=source.controller,
        channel=body.channel,
        sender=sender,
        recipients=recipients,
        content=_read_content(body, sender, recipients, files),
        raw=raw,
        format="mime" if mime else "json",
        received_at=now,
        class_=class_,
        purpose=(body.purpose or "").strip().lower() or source.default_purpose,
        campaign=((body.campaign.id or body.campaign.name) if body.campaign else "") or "",
        kind=body.kind or ("email" if mime else "direct_message"),
        sequence_step=((body.sequence.step or 0) if body.sequence else 0),
        thread=((body.thread.id if body.thread else "") or reply_to),
        in_reply_to=(reply_to,) if reply_to else (),
        message_id=f"<{message_id(identity, sender)}>" if mime else "",
        envelope_from=sender.address if mime else "",
        smtputf8=mime and not (sender.address.isascii() and all(r.address.isascii() for r in recipients)),
        idempotency_key=key,
        external_id=body.id or "",
        claimed_consent=_read_consent(body.consent) if body.consent else None,
        deliver=body.deliver,
        send_at=_read_send_at(body, now),
        relay=source.relay,
    )


def message_id(identity: str, sender: Sender) -> str:
    """The Message-ID, without brackets, of a message that begins here."""
    domain = sender.key.rpartition("@")[2]
    return f"{identity}@{domain if domain.isascii() else 'galateo.invalid'}"


def _find_class(body: NewMessage, source: Source) -> str:
    implied = _CLASS_OF.get(body.kind or "", "")
    if implied and body.class_ and body.class_ != implied:
        raise malformed(
            "#/class",
            f"The kind {implied} is a class of its own; leave class out, or make it {implied}.",
            f"Il tipo {implied} è una classe a sé; omettere class, o indicare {implied}.",
        )
    if body.kind in (_NOT_ON_EMAIL if body.channel == "email" else ("email",)):
        raise malformed(
            "#/kind",
            f"There is no {body.kind} on the channel {body.channel}.",
            f"Non esiste {body.kind} sul canale {body.channel}.",
        )
    class_ = body.class_ or implied
    if class_ and class_ not in source.classes:
        raise Problem(
            "forbidden",
            Words(
                f"This source may not send the class {class_}. Ask whoever keeps access.yaml.",
                f"Questa fonte non può inviare la classe {class_}. Rivolgersi a chi cura access.yaml.",
            ),
        )
    return class_


def _find_sender(body: NewMessage) -> Sender:
    first = identify(body.channel, body.sender.addresses, "#/sender")[0]
    name, account = body.sender.name or "", body.sender.account_id or ""
    return Sender(address=first.address, key=first.key, name=name, account=account)


def _check_domain(source: Source, channel: str, sender: str) -> None:
    allowed = source.from_domains if channel == "email" else ()
    if allowed and sender.rpartition("@")[2] not in allowed:
        raise Problem(
            "forbidden",
            Words(
                "This source may not send in the name of the sender's domain.",
                "Questa fonte non può inviare a nome del dominio del mittente.",
            ),
        )


def _find_recipients(body: NewMessage, most: int) -> tuple[To, ...]:
    if (body.recipient is None) == (body.recipients is None):
        raise malformed(
            "#/recipient",
            "Name one recipient, or a list of recipients, and not both.",
            "Indicare recipient oppure recipients, uno solo dei due.",
        )
    if body.recipient is not None:
        return (_find_recipient(body.channel, body.recipient, "#/recipient"),)
    several = body.recipients or []
    if len(several) > most:
        raise malformed(
            "#/recipients",
            f"At most {most} recipients in one message.",
            f"Al massimo {most} destinatari in un messaggio.",
        )
    found = tuple(_find_recipient(body.channel, r, f"#/recipients/{n}") for n, r in enumerate(several))
    seen: set[str] = set()
    for n, recipient in enumerate(found):
        if recipient.key in seen:
            raise malformed(
                f"#/recipients/{n}",
                "This person is listed before; name each recipient once.",
                "Questa persona è già in elenco; indicare ogni destinatario una volta sola.",
            )
        seen.add(recipient.key)
    return found


def _find_recipient(channel: str, recipient: Recipient, at: str) -> To:
    own, *others = identify(channel, recipient.addresses, at)
    attributes = flat(recipient.attributes)
    return To(
        channel=channel,
        address=own.address,
        key=own.key,
        name=recipient.name or "",
        company=attributes.get("company", "")[:200],
        jurisdiction=(recipient.jurisdiction or "").lower(),
        time_zone=attributes.get("time_zone", "")[:64],
        attributes=attributes,
        aliases=tuple(Identifier(channel=o.channel, address=o.address, key=o.key) for o in others),
    )


def _check_text(body: NewMessage, class_: str) -> None:
    if not (body.text or "").strip() and not (body.html or "").strip() and class_ != "connection_request":
        raise malformed(
            "#/text",
            "A message needs text or html; only a connection request may go without.",
            "Un messaggio richiede text o html; solo una richiesta di collegamento può farne a meno.",
        )


def _read_content(
    body: NewMessage, sender: Sender, recipients: tuple[To, ...], files: list[compose.File]
) -> Content:
    first, single = recipients[0], len(recipients) == 1
    # In a mail header encoded words are shown decoded, whoever encoded them: read what will be seen.
    mime = body.channel == "email"
    shown = decode_words if mime else str
    text, html = body.text or "", body.html or ""
    if mime:
        text, html = compose.shown_with(text, html, files)
    return Content(
        channel=body.channel,
        subject=shown(body.subject or ""),
        text=text,
        html=html,
        besides=compose.seen_aside(files) if mime else (),
        sender_name=shown(sender.name),
        sender_address=sender.address,
        recipient_name=first.name if single else "",
        recipient_company=first.company if single else "",
        own_words=own_words([{"name": r.name, "attributes": r.attributes} for r in recipients]),
        is_reply=bool(body.thread and body.thread.in_reply_to),
        whole=not mime or compose.is_whole(files),
        attachments=compose.attached(text, files) if mime else tuple(file.described for file in files),
    )


def _make_file(file: File, n: int) -> compose.File:
    return compose.File(
        filename=file.filename,
        octets=_decode_file(file, n),
        type=file.type or "application/octet-stream",
        inline=file.inline,
        content_id=file.content_id or "",
    )


def _build_native(body: NewMessage, identity: str) -> bytes:
    fields: dict[str, Any] = body.model_dump(by_alias=True, exclude=_NOT_KEPT, exclude_none=True)
    if body.recipient is not None:
        fields["recipient"] = body.recipient.model_dump(exclude_none=True)
    else:
        fields["recipients"] = [r.model_dump(exclude_none=True) for r in body.recipients or ()]
    fields["message"] = identity
    return pack_native(fields)


def _build_mime(
    body: NewMessage,
    identity: str,
    sender: Sender,
    recipients: tuple[To, ...],
    files: list[compose.File],
    now: float,
) -> bytes:
    first = recipients[0]
    try:
        raw = compose.build(
            sender=sender.address,
            sender_name=sender.name,
            recipient=first.address,
            recipient_name=first.name,
            subject=body.subject or "",
            message_id=message_id(identity, sender),
            date=now,
            text=body.text or "",
            html=body.html or "",
            attachments=files,
            headers=_thread_headers(body),
        )
        # One message for all: nobody is shown to the others.
        return raw if len(recipients) == 1 else compose.addressed(raw, _UNDISCLOSED)
    except ValueError:
        raise malformed(
            "#",
            "Names, addresses or subject do not fit in a mail header; shorten them.",
            "Nomi, indirizzi o oggetto non entrano in un'intestazione di posta; abbreviarli.",
        ) from None


def _thread_headers(body: NewMessage) -> list[tuple[str, str]]:
    """In-Reply-To and References (RFC 5322 3.6.4), of what looks like a Message-ID."""
    if body.thread is None:
        return []
    answered, root = (body.thread.in_reply_to or "", body.thread.id or "")
    headers = [("In-Reply-To", answered)] if _is_message_id(answered) else []
    references = [value for value in dict.fromkeys((root, answered)) if _is_message_id(value)]
    return [*headers, ("References", " ".join(references))] if references else headers


def _is_message_id(text: str) -> bool:
    inner = text[1:-1]
    return (
        text.startswith("<")
        and text.endswith(">")
        and inner.isascii()
        and inner.isprintable()
        and not set(inner) & set("<> ")
        and 0 < inner.find("@") < len(inner) - 1
        and len(text) <= 250
    )


def _decode_file(file: File, n: int) -> bytes:
    try:
        return base64_text.decode(file.content)
    except ValueError:
        raise malformed(
            f"#/attachments/{n}/content", "This is not Base64 (RFC 4648).", "Non è Base64 (RFC 4648)."
        ) from None


def _read_consent(consent: ClaimedConsent) -> Consent:
    proof = consent.proof
    if proof is None:
        return Consent(basis=consent.basis)
    at = read_time(proof.at, "#/consent/proof/at") if proof.at else 0.0
    return Consent(basis=consent.basis, type=proof.type or "", reference=proof.ref or "", at=at)


def _read_send_at(body: NewMessage, now: float) -> float:
    if body.send_at is None:
        return 0.0
    at = read_time(body.send_at, "#/send_at")
    if at > now + MOST_DAYS_AHEAD * 86400:
        raise malformed(
            "#/send_at",
            f"At most {MOST_DAYS_AHEAD} days ahead.",
            f"Al massimo {MOST_DAYS_AHEAD} giorni in anticipo.",
        )
    return at if at > now else 0.0
