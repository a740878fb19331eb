"""Resend: `POST /emails` and `/emails/batch`. One message sees all its recipients.

200 `{"id"}`; a batch answers with an id for each, and in permissive mode with the errors of the others.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from aiohttp import web

from gateway.ingress.dialects.bad import Bad
from gateway.ingress.dialects.desk import Build, Call, Dialect, Taken
from gateway.ingress.dialects.fields import (
    MOST_FILES,
    Fields,
    an_object,
    file_of,
    line_of,
    object_of,
    objects_of,
    read_time,
    squeeze,
    text_of,
)
from gateway.ingress.dialects.letter import Letter, Party, build_message, check_headers
from gateway.ingress.dialects.mailboxes import read_mailbox, read_mailboxes

MOST_TO, MOST_BATCH = 50, 100
_NAMES = {
    400: "validation_error",
    401: "missing_api_key",
    403: "invalid_access",
    404: "not_found",
    405: "method_not_allowed",
    413: "validation_error",
    415: "invalid_attachment",
    422: "validation_error",
    429: "rate_limit_exceeded",
}
_KINDS = {
    "in-progress": (409, "concurrent_idempotent_requests"),
    "key-reused": (409, "invalid_idempotent_request"),
}
"""What Resend calls requests with an Idempotency-Key that cannot be served."""


async def send(call: Call) -> web.Response:
    """`POST /emails`."""
    letter = await call.aside(lambda: read_letter(call.json))
    taken = (await call.submit([partial(_build, letter, call)]))[0]
    if taken.rejected:
        raise Bad(taken.why, status=403)
    return web.json_response({"id": taken.uuid})


async def send_batch(call: Call) -> web.Response:
    """`POST /emails/batch`: strict, all or nothing of what is well formed; or permissive."""
    several = await call.aside(lambda: call.json)
    if not isinstance(several, list) or not 0 < len(several) <= MOST_BATCH:
        raise Bad(f"The body must be an array of 1 to {MOST_BATCH} emails.", status=422)
    permissive = call.request.headers.get("x-batch-validation", "strict") == "permissive"
    errors: list[dict[str, Any]] = []
    builds: list[Build] = []
    places: list[int] = []
    for n, each in enumerate(several):
        try:
            letter = await call.aside(read_letter, each)
            await call.aside(call.try_out, partial(_build, letter, call))
        except Bad as bad:
            if not permissive:
                raise
            errors.append({"index": n, "message": bad.text})
        else:
            builds.append(partial(_build, letter, call))
            places.append(n)
    taken = await call.submit(builds) if builds else []
    return _answer_batch(call, taken, places, errors, permissive)


def _answer_batch(
    call: Call, taken: Sequence[Taken], places: Sequence[int], errors: list[dict[str, Any]], permissive: bool
) -> web.Response:
    if taken and all(one.rejected for one in taken) and not permissive:
        raise Bad(taken[0].why, status=403)
    call.desk.tell(taken)
    answer: dict[str, Any] = {
        "data": [{"id": one.uuid} for one in taken if not permissive or not one.rejected]
    }
    if permissive:
        refused = [
            {"index": n, "message": one.why} for n, one in zip(places, taken, strict=True) if one.rejected
        ]
        answer["errors"] = sorted([*errors, *refused], key=lambda e: e["index"])
    return web.json_response(answer)


def read_letter(data: Any) -> Letter:
    """One email. Raises Bad for what Resend would refuse."""
    body = an_object(data)
    if not body.get("from"):
        raise Bad("Missing `from` field.", "from", status=422)
    to = {name: _people(body, name) for name in ("to", "cc", "bcc", "reply_to")}
    if not to["to"]:
        raise Bad("Missing `to` field.", "to", status=422)
    if sum(len(to[name]) for name in ("to", "cc", "bcc")) > MOST_TO:
        raise Bad(f"At most {MOST_TO} recipients in one email.", "to", status=422)
    text, html = text_of(body, "text"), text_of(body, "html", most=5_000_000)
    template = object_of(body, "template")
    if not (text or html or template):
        raise Bad("Missing `html` or `text` field.", "html", status=422)
    headers = object_of(body, "headers")
    tags = {line_of(one, "name"): line_of(one, "value") for one in objects_of(body, "tags", most=100)}
    files = objects_of(body, "attachments", most=MOST_FILES)
    return Letter(
        sender=read_mailbox(text_of(body, "from"), "from"),
        to=to["to"],
        cc=to["cc"],
        bcc=to["bcc"],
        reply_to=to["reply_to"],
        subject=line_of(body, "subject", most=2000),
        text=text,
        html=html,
        headers=check_headers([(name, text_of(headers, name)) for name in headers], "headers"),
        files=tuple(
            file_of(
                f,
                f"attachments.{n}",
                name="filename",
                content="content",
                kind="content_type",
                cid="content_id",
            )
            for n, f in enumerate(files)
        ),
        meta=tags,
        campaign=squeeze(tags.get("campaign_id") or tags.get("campaign") or next(iter(tags.values()), "")),
        send_at=_send_at(body),
        pending="template" if template else "",
    )


def _build(letter: Letter, call: Call, identity: str, key: str) -> Any:
    return build_message(letter, call.source, identity, call.now, key)


def _people(body: Fields, name: str) -> tuple[Party, ...]:
    value = body.get(name)
    several = value if isinstance(value, list) else [value] if value else []
    if not all(isinstance(one, str) for one in several):
        raise Bad("This must be a string or an array of strings.", name, status=422)
    return tuple(party for one in several for party in read_mailboxes(one, name))


def _send_at(body: Fields) -> float:
    try:
        return read_time(line_of(body, "scheduled_at"))
    except ValueError:
        raise Bad("Write scheduled_at as 2026-02-01T10:00:00Z.", "scheduled_at", status=422) from None


def fail(bad: Bad) -> web.Response:
    """The errors of Resend."""
    status = 422 if bad.status == 400 else bad.status
    status, name = _KINDS.get(bad.kind, (status, _NAMES.get(status, "application_error")))
    text = f"{bad.text} ({bad.field})" if bad.field else bad.text
    told = {"statusCode": status, "name": name, "message": text}
    return web.json_response(told, status=status, headers=bad.headers)


def _key(request: web.Request) -> str:
    return request.headers.get("Authorization", "")


RESEND = Dialect(
    name="resend",
    routes=(("POST", "/emails", send), ("POST", "/emails/batch", send_batch)),
    key=_key,
    fail=fail,
)
