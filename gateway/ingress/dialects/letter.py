"""A letter: a mail as a dialect described it, every word in its place; and its Message. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.access import Source
from gateway.ingress.dialects.bad import Bad, forbidden, too_large
from gateway.message import compose
from gateway.message.address import normalize
from gateway.message.content import Content
from gateway.message.declared import Declared, read_declared
from gateway.message.envelope import CLASSES, Message, Recipient, Sender
from gateway.message.headers import Headers, decode_words, read_ids
from gateway.message.native import pack_native

_JURISDICTION = re.compile(r"(?:[a-z]{2}(?:-[a-z0-9]{1,3})?|unknown)?\Z")
_NAME = re.compile(r"[!-9;-~]{1,76}\Z")

OURS = frozenset(
    "from to cc bcc subject date message-id mime-version content-type content-transfer-encoding reply-to"
    " received return-path dkim-signature sender".split()
)
"""Header fields that are made from what the letter says, or are not a tool's to set."""
LINE = 998
MOST_BUILT = 128 * 1024 * 1024
"""Octets of all messages that one request becomes."""
TOGETHER = "The messages of this request are too large together. Send fewer, or attach links."

_KEPT = (
    "The provider keeps the text of this template, and requests of this source do not go on to it: nobody"
    " could deliver the message. Send the text itself; for SendGrid, Mailgun and Postmark, `upstream` in"
    " access.yaml lets such requests go on."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One mailbox, its address valid and its name one line."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What one person, or a few that see each other, would get.

    `headers` are names and values as given; X-Galateo-* among them declare and never leave. `meta` is what
    the tool attaches for itself. `pending` is the field that names a template which only the provider can
    render, "" for none; `forward` is the request that goes on to the provider in place of a mail, as
    `delivery/upstream.py` takes it; `send_at` is unix seconds, 0 for now. `archive` gets a blind
    copy of what is written to somebody else.
    """

    sender: Party
    to: tuple[Party, ...]
    cc: tuple[Party, ...] = ()
    bcc: tuple[Party, ...] = ()
    reply_to: tuple[Party, ...] = ()
    subject: str = ""
    text: str = ""
    html: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    files: tuple[compose.File, ...] = ()
    own_words: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    meta: Mapping[str, str] = field(default_factory=dict)
    campaign: str = ""
    class_: str = ""
    purpose: str = ""
    message_id: str = ""
    external_id: str = ""
    send_at: float = 0.0
    deliver: bool = True
    pending: str = ""
    forward: Mapping[str, Any] | None = None
    archive: Party | None = None

    @property
    def everyone(self) -> tuple[Party, ...]:
        """All who get it."""
        archive = () if self.archive is None else (self.archive,)
        return (*self.to, *self.cc, *self.bcc, *archive)

    @property
    def is_for_one(self) -> bool:
        """Whether it is written to one person, whose name and attributes it goes by."""
        return len(self.to) + len(self.cc) + len(self.bcc) == 1


def gathered(letters: Iterable[Letter]) -> list[Letter]:
    """The letters of one request. Raises Bad (413) as soon as their texts alone are more than all its
    messages may be: each may be a large one of its own, once words are put in."""
    found, size = [], 0
    for letter in letters:
        size += len(letter.text) + len(letter.html)
        if size > MOST_BUILT:
            raise too_large(TOGETHER)
        found.append(letter)
    return found


def build_message(letter: Letter, source: Source, identity: str, now: float, key: str = "") -> Message:
    """The message a letter becomes. Raises Bad for what the source may not send, or nobody can deliver."""
    if letter.pending and letter.forward is None:
        raise Bad(_KEPT, letter.pending)
    declared = _declared(letter, source)
    check_domain(source, letter.sender.address)
    recipients = _recipients(letter, declared)
    headers = Headers((name.lower(), value.encode()) for name, value in letter.headers)
    thread = read_ids(f"{headers.get('references')} {headers.get('in-reply-to')}")
    unsubscribe = headers.get("list-unsubscribe")
    message_id = letter.message_id or f"<{identity}@{domain_of(letter.sender.address)}>"
    everyone = letter.everyone
    native = letter.forward is not None
    return Message(
        id=identity,
        source=source.name,
        controller=source.controller,
        channel="email",
        sender=Sender(
            address=letter.sender.address,
            key=normalize("email", letter.sender.address),
            name=letter.sender.name,
        ),
        recipients=recipients,
        content=_read_content(
            letter, recipients, bulk=bool(unsubscribe) or "list-id" in headers, reply=bool(thread)
        ),
        raw=pack_native(_native(letter, identity)) if native else _compose(letter, message_id, now),
        format="json" if native else "mime",
        received_at=now,
        class_=declared.class_ or letter.class_ or source.default_class,
        purpose=declared.purpose or letter.purpose or source.default_purpose,
        campaign=declared.campaign or letter.campaign,
        kind="email",
        sequence_step=declared.sequence_step,
        thread=thread[0] if thread else "",
        in_reply_to=thread,
        message_id="" if native else message_id,
        envelope_from=letter.sender.address,
        smtputf8=not all(p.address.isascii() for p in (letter.sender, *everyone, *letter.reply_to)),
        idempotency_key=key,
        external_id=letter.external_id,
        deliver=letter.deliver,
        send_at=letter.send_at if letter.send_at > now else 0.0,
        list_unsubscribe=unsubscribe,
        list_unsubscribe_post=headers.get("list-unsubscribe-post"),
        relay=upstream_relay(source.name) if native else source.relay,
    )


def _read_content(letter: Letter, recipients: Sequence[Recipient], *, bulk: bool, reply: bool) -> Content:
    first, single = recipients[0], letter.is_for_one or len(recipients) == 1
    # Encoded words are shown decoded, whoever encoded them: read what will be seen.
    text, html = compose.shown_with(letter.text, letter.html, letter.files)
    names = [party.name for party in (*letter.to, *letter.cc, *letter.reply_to)]
    return Content(
        subject=decode_words(letter.subject),
        text=text,
        html=html,
        besides=compose.seen_aside(letter.files, names),
        sender_name=decode_words(letter.sender.name),
        sender_address=letter.sender.address,
        recipient_name=first.name if single else "",
        recipient_company=first.company if single else "",
        own_words=_own_words(letter),
        bulk_headers=bulk,
        is_reply=reply,
        template_pending=bool(letter.pending),
        whole=compose.is_whole(letter.files),
        attachments=compose.attached(text, letter.files),
    )


def upstream_relay(source: str) -> str:
    """The name of the relay that hands a source's requests on to its provider."""
    return f"upstream-{source}"


def check_headers(headers: Iterable[tuple[str, str]], at: str) -> tuple[tuple[str, str], ...]:
    """The header fields that may leave. Raises Bad for what could begin a header of its own."""
    kept = []
    for name, value in headers:
        if not _NAME.match(name):
            raise Bad("This is not the name of a header field.", at)
        try:
            compose.field(name, value)
        except ValueError:
            raise Bad(f"The value of the header {name[:40]} does not fit in a header.", at) from None
        if name.lower() not in OURS:
            kept.append((name, value.strip()))
    return tuple(kept)


def check_domain(source: Source, address: str) -> None:
    """Raises Bad where the source may not write in the name of the address's domain."""
    allowed = source.from_domains
    if allowed and normalize("email", address).rpartition("@")[2] not in allowed:
        raise forbidden("This source may not send in the name of the sender's domain.", "from")


def _native(letter: Letter, identity: str) -> dict[str, Any]:
    """The letter for a person to review, and the provider's own request."""
    headers = {name.lower(): value for name, value in letter.headers}
    one = letter.everyone[0]
    return {
        "channel": "email",
        "message": identity,
        "sender": _native_party(letter.sender),
        "recipient": _native_party(one),
        "subject": letter.subject,
        "text": letter.text,
        "html": letter.html,
        "thread": {"in_reply_to": headers.get("in-reply-to")},
        "attachments": [{"filename": f.filename, "type": f.type, "inline": f.inline} for f in letter.files],
        "template_pending": bool(letter.pending) or None,
        "upstream": _sealed(letter.forward),
    }


def _sealed(forward: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The provider's request with its JSON as text: nothing on the way may leave anything out of it."""
    if forward is None or "json" not in forward:
        return None if forward is None else dict(forward)
    return {**forward, "json": orjson.dumps(forward["json"]).decode()}


def _native_party(party: Party) -> dict[str, Any]:
    return {"name": party.name or None, "addresses": [{"type": "email", "value": party.address}]}


def _declared(letter: Letter, source: Source) -> Declared:
    """What the headers declare, else the tool's own data under the same names: `galateo_class`."""
    headers = [(name.lower(), value.encode()) for name, value in letter.headers]
    meta = {name.lower().replace("-", "_"): value for name, value in letter.meta.items()}
    named = {name.lower() for name, _ in letter.headers}
    for name in ("class", "purpose", "campaign", "recipient-name", "jurisdiction", "sequence-step"):
        value = meta.get("galateo_" + name.replace("-", "_"), "")
        if value and f"x-galateo-{name}" not in named:
            headers.append((f"x-galateo-{name}", value.encode()))
    if "step" in meta and "x-galateo-sequence-step" not in {name for name, _ in headers}:
        headers.append(("x-galateo-sequence-step", meta["step"].encode()))
    said = read_declared(Headers(headers))
    class_ = said.class_ or letter.class_
    if class_ and class_ not in CLASSES:
        raise Bad(f"There is no such class; it may be {', '.join(CLASSES)}.", "class")
    if class_ and class_ not in source.classes:
        raise forbidden(f"This source may not send the class {class_}.", "class")
    if not _JURISDICTION.match(said.jurisdiction):
        raise Bad("A jurisdiction is a country of two letters.", "jurisdiction")
    return said


def _recipients(letter: Letter, declared: Declared) -> tuple[Recipient, ...]:
    """Everyone, each person once."""
    found: dict[str, Recipient] = {}
    for one in letter.everyone:
        single = letter.is_for_one and one is not letter.archive
        attributes = dict(letter.attributes) if single else {}
        key = normalize("email", one.address)
        name = one.name or (declared.recipient_name if single else "") or attributes.get("name", "")
        found.setdefault(
            key,
            Recipient(
                channel="email",
                address=one.address,
                key=key,
                name=name[:200],
                company=attributes.get("company", "")[:200],
                jurisdiction=declared.jurisdiction,
                time_zone=attributes.get("time_zone", "")[:64],
                attributes=attributes,
            ),
        )
    return tuple(found.values())


def _own_words(letter: Letter) -> tuple[str, ...]:
    names = (one.name for one in letter.everyone[:20])
    words = (*names, *list(letter.attributes.values())[:20], *letter.own_words[:40])
    return tuple(dict.fromkeys(word for word in words if word and len(word) < 200))


def _compose(letter: Letter, message_id: str, now: float) -> bytes:
    first = letter.everyone[0]
    try:
        raw = compose.build(
            sender=letter.sender.address,
            sender_name=letter.sender.name,
            recipient=first.address,
            recipient_name=first.name,
            subject=letter.subject,
            message_id=message_id,
            date=now,
            text=letter.text,
            html=letter.html,
            attachments=letter.files,
            headers=[(name, value) for name, value in letter.headers if not _is_ours(name)],
        )
        shown = _people("To", letter.to) or b"To: undisclosed-recipients:;\r\n"
        shown += _people("Cc", letter.cc) + _people("Reply-To", letter.reply_to)
    except ValueError:
        raise Bad("Names, addresses or headers do not fit in a mail header.", "headers") from None
    return compose.addressed(raw, shown)


def _is_ours(name: str) -> bool:
    return name.lower() in OURS or name.lower().startswith("x-galateo-")


def _people(name: str, people: Sequence[Party]) -> bytes:
    """A field of addresses, one a line; UTF-8 where an address is (RFC 6532)."""
    if not people:
        return b""
    value = ",\r\n ".join(compose.person(one.name, one.address) for one in people)
    octets = f"{name}: {value}\r\n".encode()
    if any(len(line) > LINE for line in octets.split(b"\r\n")):
        raise ValueError("a line is too long")
    return octets


def domain_of(address: str) -> str:
    """What stands behind the @ of the Message-ID of this author's mail."""
    domain = normalize("email", address).rpartition("@")[2]
    return domain if domain.isascii() and not domain.startswith("[") else "galateo.invalid"
