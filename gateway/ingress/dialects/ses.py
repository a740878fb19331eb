"""Amazon SES v2: `POST /v2/email/outbound-emails`, signed by AWS Signature Version 4.

200 `{"MessageId"}`; where everybody is refused 400 `MessageRejected`. One message sees all its recipients.
The source lists what the tool signs with: `dialects: {ses: {access_key: AKIA..., secret_file: ...}}`.
"""

import logging
from collections.abc import Iterator, Mapping
from email.utils import getaddresses
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from gateway.access import Access, Fault
from gateway.ingress.dialects.bad import Bad
from gateway.ingress.dialects.desk import Build, Call, Dialect
from gateway.ingress.dialects.fields import (
    MOST_FILES,
    Fields,
    an_object,
    decode_file,
    file_of,
    leaves,
    line_of,
    object_in,
    object_of,
    objects_of,
    one_line,
    scalars,
    squeeze,
    text_of,
)
from gateway.ingress.dialects.letter import Letter, Party, build_message, check_headers
from gateway.ingress.dialects.mailboxes import read_mailbox
from gateway.ingress.dialects.mailgun_mime import build_mime, read_mime
from gateway.ingress.dialects.render import put_in_data
from gateway.ingress.dialects.sigv4 import is_genuine, read_signed
from gateway.message.mailbox import is_address
from gateway.message.parse import parse

log = logging.getLogger(__name__)

PATH = "/v2/email/outbound-emails"
MOST_TO = 50
SHORTEST = 20
"""Characters of a secret: nothing slows down who guesses."""
_ERRORS = {
    400: "BadRequestException",
    401: "UnrecognizedClientException",
    403: "MessageRejected",
    404: "NotFoundException",
    405: "BadRequestException",
    413: "LimitExceededException",
    409: "ConflictException",
    415: "BadRequestException",
    422: "BadRequestException",
    429: "TooManyRequestsException",
    503: "ServiceUnavailable",
}


async def send(call: Call) -> web.Response:
    """`POST /v2/email/outbound-emails`."""
    build = await call.aside(_read, call)
    (taken,) = await call.submit([build])
    if taken.rejected:
        raise Bad(taken.why, status=403)
    call.desk.tell([taken])
    return web.json_response({"MessageId": taken.receipt.id})


async def account(call: Call) -> web.Response:
    """`GET /v2/email/account`: what tools ask to see whether their key is good."""
    return web.json_response({"SendingEnabled": True, "ProductionAccessEnabled": True})


def _read(call: Call) -> Build:
    body = an_object(call.json)
    content = object_of(body, "Content")
    tags = {line_of(one, "Name"): line_of(one, "Value") for one in objects_of(body, "EmailTags", most=50)}
    campaign = squeeze(tags.get("campaign_id") or tags.get("campaign") or next(iter(tags.values()), ""))
    if content.get("Raw"):
        return _read_raw(call, body, object_of(content, "Raw", "Content"), campaign)
    return partial(_build, read_letter(body, content, tags, campaign), call)


def read_letter(body: Fields, content: Fields, tags: Mapping[str, str], campaign: str) -> Letter:
    """One email. Raises Bad for what SES would refuse."""
    simple, template = object_of(content, "Simple", "Content"), object_of(content, "Template", "Content")
    if not simple and not template:
        raise Bad("Content must be Simple, Raw or Template.", "Content")
    whole = simple or template
    data = _template_data(template)
    subject, text, html = _simple(simple) if simple else _inline(template, data)
    people = _destination(body)
    if not any(people.values()):
        raise Bad("Destination names no recipient.", "Destination")
    return Letter(
        sender=_sender(body),
        to=people["ToAddresses"],
        cc=people["CcAddresses"],
        bcc=people["BccAddresses"],
        reply_to=_addresses(body, "ReplyToAddresses"),
        subject=subject,
        text=text,
        html=html,
        headers=_headers(whole),
        files=tuple(_file(one, n) for n, one in enumerate(objects_of(whole, "Attachments", most=MOST_FILES))),
        own_words=leaves(data),
        attributes=scalars(data),
        meta=tags,
        campaign=campaign,
        pending="Content.Template" if template and not (text or html) else "",
    )


def _simple(simple: Fields) -> tuple[str, str, str]:
    """Subject, text and HTML as they are."""
    inner = object_of(simple, "Body", "Content.Simple")
    text, html = (
        text_of(object_of(inner, name), "Data", f"Content.Simple.Body.{name}", most=5_000_000)
        for name in ("Text", "Html")
    )
    if not (text or html):
        raise Bad("Body must have Text or Html.", "Content.Simple.Body")
    return line_of(object_of(simple, "Subject"), "Data", "Content.Simple.Subject", most=2000), text, html


def _inline(template: Fields, data: Fields) -> tuple[str, str, str]:
    """The same of a template whose text comes with it, its data put in; nothing of one that SES keeps."""
    given, at = object_of(template, "TemplateContent", "Content.Template"), "Content.Template.TemplateContent"
    subject, text, html = (
        put_in_data(text_of(given, name, at, most=most), data, f"{at}.{name}")
        for name, most in (("Subject", 2000), ("Text", 5_000_000), ("Html", 5_000_000))
    )
    return one_line(subject, f"{at}.Subject"), text, html


def _read_raw(call: Call, body: Fields, raw: Fields, campaign: str) -> Build:
    """A whole message; without a Destination it goes to whom its header names."""
    octets = read_mime(decode_file(text_of(raw, "Data", "Content.Raw", most=100_000_000), "Content.Raw.Data"))
    people = tuple(one for several in _destination(body).values() for one in several) or _named(octets)
    if not 0 < len(people) <= MOST_TO:
        raise Bad(f"There must be 1 to {MOST_TO} recipients.", "Destination")

    def build(identity: str, key: str) -> Any:
        return build_mime(
            octets,
            people,
            call.source,
            identity,
            call.now,
            key=key,
            campaign=campaign,
            deliver=True,
            send_at=0.0,
        )

    return build


def _named(octets: bytes) -> tuple[Party, ...]:
    headers = parse(octets).headers
    values = [value[:10_000] for name in ("to", "cc", "bcc") for value in headers.get_all(name)]
    return tuple(Party(address=one) for _, one in getaddresses(values) if is_address(one))


def _build(letter: Letter, call: Call, identity: str, key: str) -> Any:
    return build_message(letter, call.source, identity, call.now, key)


def _sender(body: Fields) -> Party:
    text = text_of(body, "FromEmailAddress")
    if not text:
        raise Bad("FromEmailAddress is missing.", "FromEmailAddress")
    return read_mailbox(text, "FromEmailAddress")


def _destination(body: Fields) -> dict[str, tuple[Party, ...]]:
    given = object_of(body, "Destination")
    people = {name: _addresses(given, name) for name in ("ToAddresses", "CcAddresses", "BccAddresses")}
    if sum(map(len, people.values())) > MOST_TO:
        raise Bad(f"There may be at most {MOST_TO} recipients.", "Destination")
    return people


def _addresses(data: Fields, name: str) -> tuple[Party, ...]:
    listed = data.get(name) or []
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise Bad("This must be an array of addresses.", name)
    return tuple(read_mailbox(one, f"{name}.{n}") for n, one in enumerate(listed[: MOST_TO + 1]))


def _headers(data: Fields) -> tuple[tuple[str, str], ...]:
    found = [
        (text_of(one, "Name", most=200), text_of(one, "Value", most=10_000))
        for one in objects_of(data, "Headers", "Content.Simple", most=50)
    ]
    return check_headers(found, "Content.Simple.Headers")


def _file(data: Fields, n: int) -> Any:
    inline = data.get("ContentDisposition") == "INLINE"
    at = f"Content.Simple.Attachments.{n}"
    return file_of(
        data, at, name="FileName", content="RawContent", kind="ContentType", cid="ContentId", inline=inline
    )


def _template_data(template: Fields) -> dict[str, Any]:
    text = text_of(template, "TemplateData", "Content.Template", most=262_144)
    return dict(object_in(text, "Content.Template.TemplateData"))


def signer(request: web.Request, raw: bytes, access: Access, now: float) -> str:
    """The name of the source that signed a request, "" for none."""
    signed = read_signed(request.headers.get("Authorization", ""))
    if signed is None or signed.service != "ses":
        return ""
    for source in access.sources.values():
        options = source.dialects.get("ses")
        if not isinstance(options, Mapping) or str(options.get("access_key", "")) != signed.access_key:
            continue
        secret = _secret(options)
        path, _, query = request.raw_path.partition("?")
        genuine = is_genuine(
            signed,
            secret,
            method=request.method,
            path=path,
            query=query,
            headers=request.headers,
            body=raw,
            now=now,
        )
        return source.name if genuine and len(secret) >= SHORTEST else ""
    return ""


def _secret(options: Mapping[str, Any]) -> str:
    if "secret" in options:
        return str(options["secret"])
    try:
        return Path(str(options["secret_file"])).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        log.error("ses.secret", extra={"file": str(options["secret_file"])})
        return ""


def key_faults(access: Access) -> Iterator[Fault]:
    """Keys of AWS with which nobody could sign, or anybody."""
    owners: dict[str, str] = {}
    for source in access.sources.values():
        options = source.dialects.get("ses")
        if not isinstance(options, Mapping):
            continue
        text, key = "", str(options.get("access_key", ""))
        if not 8 <= len(key) <= 128 or ("secret" in options) == ("secret_file" in options):
            text = "this needs access_key, and either secret or secret_file"
        elif owners.setdefault(key, source.name) != source.name:
            text = "another source has the same access_key"
        elif "secret" in options and len(str(options["secret"])) < SHORTEST:
            text = f"the secret must have at least {SHORTEST} characters, at random"
        if text:
            yield Fault(source=source.name, path=("dialects", "ses"), text=text)


def fail(bad: Bad) -> web.Response:
    """The errors of SES: the kind in a header, the text in the body."""
    name = _ERRORS.get(bad.status, "InternalFailure")
    text = f"{bad.text} ({bad.field})" if bad.field else bad.text
    if bad.status == 401:
        text = "The security token included in the request is invalid."
    status = {401: 403, 403: 400, 415: 400}.get(bad.status, bad.status)
    headers = {**bad.headers, "x-amzn-ErrorType": name}
    headers.pop("WWW-Authenticate", None)
    return web.json_response({"message": text, "__type": name}, status=status, headers=headers)


def _no_key(request: web.Request) -> str:
    return ""


SES = Dialect(
    name="ses",
    routes=(("POST", PATH, send), ("GET", "/v2/email/account", account)),
    key=_no_key,
    signer=signer,
    fail=fail,
)
