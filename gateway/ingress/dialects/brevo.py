"""Brevo v3: `POST /v3/smtp/email`. 201 `{"messageId"}`; with `messageVersions` a message for each version."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from aiohttp import web

from gateway.ingress.dialects.bad import Bad
from gateway.ingress.dialects.desk import Build, Call, Dialect
from gateway.ingress.dialects.fields import (
    MOST_FILES,
    Fields,
    an_object,
    file_of,
    leaves,
    line_of,
    object_of,
    objects_of,
    one_line,
    path,
    read_time,
    scalars,
    squeeze,
    text_of,
)
from gateway.ingress.dialects.keys import bearer
from gateway.ingress.dialects.letter import Letter, Party, build_message, check_headers, gathered
from gateway.ingress.dialects.mailboxes import party
from gateway.ingress.dialects.render import put_in_params

MOST_VERSIONS = 1000
_CONTROLS = frozenset({"sender.ip", "idempotencykey", "charset"})
"""Names under `headers` that speak to Brevo, and are no header fields."""
_CODES = {
    400: "invalid_parameter",
    401: "unauthorized",
    403: "permission_denied",
    404: "document_not_found",
    405: "method_not_allowed",
    409: "duplicate_request",
    429: "too_many_requests",
    500: "internal_server_error",
    503: "service_unavailable",
}


async def send(call: Call) -> web.Response:
    """`POST /v3/smtp/email`."""
    letters, key = await call.aside(_read, call)
    builds: list[Build] = [partial(_build, letter, call) for letter in letters]
    taken = await call.submit(builds, key)
    if all(one.rejected for one in taken):
        raise Bad(taken[0].why)
    call.desk.tell(taken)
    names = [one.message_id for one in taken]
    return web.json_response(
        {"messageId": names[0], **({"messageIds": names} if len(names) > 1 else {})}, status=201
    )


def _read(call: Call) -> tuple[list[Letter], str]:
    """The letters, and the key under `headers` that makes the same request count once."""
    body = an_object(call.json)
    headers = object_of(body, "headers")
    keys = (line_of(headers, name, "headers") for name in headers if name.lower() == "idempotencykey")
    return read_letters(body), next(keys, "")


def read_letters(body: Fields) -> list[Letter]:
    """One letter, or one for each version. Raises Bad for what Brevo would refuse."""
    versions = objects_of(body, "messageVersions", most=MOST_VERSIONS)
    if not versions:
        return [_letter(body, body, "")]
    return gathered(
        _letter(body, {**body, **version}, f"messageVersions.{n}") for n, version in enumerate(versions)
    )


def _letter(body: Fields, version: Mapping[str, Any], at: str) -> Letter:
    sender = object_of(body, "sender")
    if not sender.get("email"):
        raise Bad("sender is missing", "sender")
    to = {name: _people(version, name, at) for name in ("to", "cc", "bcc")}
    if not to["to"]:
        raise Bad("to is missing", path(at, "to"))
    text, html = text_of(version, "textContent", at), text_of(version, "htmlContent", at, most=5_000_000)
    template = version.get("templateId")
    if not (text or html or template):
        raise Bad("Either of htmlContent, textContent or templateId is required", "htmlContent")
    headers = object_of(body, "headers")
    params = object_of(version, "params", at)
    tags = body.get("tags") if isinstance(body.get("tags"), list) else []
    sandbox = any(name.lower() == "x-sib-sandbox" and value == "drop" for name, value in headers.items())
    reply_to = object_of(version, "replyTo", at)
    return Letter(
        sender=_party(sender, "sender"),
        to=to["to"],
        cc=to["cc"],
        bcc=to["bcc"],
        reply_to=(_party(reply_to, "replyTo"),) if reply_to else (),
        subject=one_line(
            put_in_params(line_of(version, "subject", at, most=2000), params, escape=False),
            path(at, "subject"),
        ),
        text=put_in_params(text, params, escape=False),
        html=put_in_params(html, params, escape=True),
        headers=_headers(headers),
        files=tuple(
            file_of(one, f"attachment.{n}", name="name", content="content", kind="type", cid="contentId")
            for n, one in enumerate(objects_of(body, "attachment", most=MOST_FILES))
        ),
        own_words=leaves(dict(params)),
        attributes=scalars(params),
        campaign=squeeze(tags[0]) if tags and isinstance(tags[0], str) else "",
        send_at=_send_at(body),
        deliver=not sandbox,
        pending=path(at, "templateId") if template else "",
    )


def _build(letter: Letter, call: Call, identity: str, key: str) -> Any:
    return build_message(letter, call.source, identity, call.now, key)


def _headers(headers: Fields) -> tuple[tuple[str, str], ...]:
    given = [(name, text_of(headers, name, "headers")) for name in headers if name.lower() not in _CONTROLS]
    return check_headers(given, "headers")


def _people(data: Fields, name: str, at: str) -> tuple[Party, ...]:
    return tuple(_party(one, path(at, f"{name}.{n}")) for n, one in enumerate(objects_of(data, name, at)))


def _party(data: Fields, at: str) -> Party:
    return party(text_of(data, "email", at, most=400), text_of(data, "name", at, most=1000), f"{at}.email")


def _send_at(body: Fields) -> float:
    try:
        return read_time(line_of(body, "scheduledAt"))
    except ValueError:
        raise Bad("scheduledAt is not a valid date", "scheduledAt") from None


def fail(bad: Bad) -> web.Response:
    """The errors of Brevo."""
    text = "Key not found" if bad.status == 401 else f"{bad.text} ({bad.field})" if bad.field else bad.text
    told = {"code": _CODES.get(bad.status, "invalid_parameter"), "message": text}
    return web.json_response(told, status=bad.status, headers=bad.headers)


def _key(request: web.Request) -> str:
    return bearer(request.headers.get("api-key", ""))


BREVO = Dialect(name="brevo", routes=(("POST", "/v3/smtp/email", send),), key=_key, fail=fail)
