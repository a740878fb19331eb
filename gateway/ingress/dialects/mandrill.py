"""Mandrill 1.0: `POST /api/1.0/messages/send` (and `.json`), the key in the body.

200 with an array: each address with `sent`, `scheduled`, `queued` (held) or `rejected` and why. Each
recipient gets a message of their own, with their merge variables, unless `preserve_recipients` lets them see
each other; an error, and a message that nobody may get, is 500 `{"status": "error", ...}`.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from gateway.ingress.dialects.bad import Bad, too_large
from gateway.ingress.dialects.desk import Build, Call, Dialect, Taken
from gateway.ingress.dialects.fields import (
    MOST_FILES,
    Fields,
    an_object,
    file_of,
    flag_of,
    leaves,
    line_of,
    object_of,
    objects_of,
    one_line,
    read_time,
    scalars,
    squeeze,
    text_of,
)
from gateway.ingress.dialects.keys import bearer
from gateway.ingress.dialects.letter import Letter, Party, build_message, check_headers, gathered
from gateway.ingress.dialects.mailboxes import party, read_mailboxes
from gateway.ingress.dialects.render import LONGEST
from gateway.intake.receipt import RecipientResult
from gateway.message.compose import File
from gateway.policy.outcome import Outcome
from gateway.web.strict_json import parse_json

_TAG = re.compile(r"\*\|([A-Za-z0-9_]{1,100})\|\*")
_STATUS = {Outcome.ACCEPT: "sent", Outcome.HOLD: "queued", Outcome.REJECT: "rejected"}
_KINDS = ("to", "cc", "bcc")
_SEEN = "message.preserve_recipients"
_BOUNCED = "suppressed."
_NAMES = {
    401: "Invalid_Key",
    409: "ServiceUnavailable",
    429: "ServiceUnavailable",
    500: "GeneralError",
    503: "ServiceUnavailable",
}


async def send(call: Call) -> web.Response:
    """`POST /api/1.0/messages/send`."""
    letters = await call.aside(_read, call)
    builds: list[Build] = [partial(_build, letter, call) for letter in letters]
    taken = await call.submit(builds)
    if all(one.rejected for one in taken):
        raise Bad(taken[0].why)
    call.desk.tell(taken)
    return web.json_response([told for one in taken for told in _told(one)])


def _read(call: Call) -> list[Letter]:
    body = an_object(parse_json(call.raw))
    return read_letters(object_of(body, "message"), _send_at(body))


def _send_at(body: Fields) -> float:
    try:
        return read_time(line_of(body, "send_at"))
    except ValueError:
        raise Bad("Validation error: write send_at as 2026-02-01 10:00:00, in UTC", "send_at") from None


async def ping(call: Call) -> web.Response:
    """`POST /api/1.0/users/ping2`: what tools ask to see whether their key is good."""
    return web.json_response({"PING": "PONG!"})


def read_letters(message: Fields, send_at: float = 0.0) -> list[Letter]:
    """One letter for each recipient, or one for all where they are to see each other. Raises Bad for what
    Mandrill would refuse."""
    people = [_recipient(one, n) for n, one in enumerate(objects_of(message, "to", "message"))]
    if not people:
        raise Bad("Validation error: there is no recipient", "message.to")
    text, html = text_of(message, "text"), text_of(message, "html", most=5_000_000)
    if not (text or html):
        raise Bad("Validation error: text or html is required", "message.text")
    headers, reply_to = _headers(message)
    archive = line_of(message, "bcc_address", "message")
    letter = Letter(
        sender=party(line_of(message, "from_email"), line_of(message, "from_name"), "message.from_email"),
        to=(),
        archive=party(archive, "", "message.bcc_address") if archive else None,
        reply_to=reply_to,
        subject=text_of(message, "subject"),
        text=text,
        html=html,
        headers=headers,
        files=_files(message),
        send_at=send_at,
    )
    shared, own = _variables(message, "global_merge_vars"), _own_variables(message)
    if flag_of(message, "preserve_recipients", "message") and len(people) > 1:
        if any(own.values()):
            raise Bad("Those who see each other get one text: merge_vars of each need it to be false.", _SEEN)
        seen = {kind: tuple(one for each, one in people if each == kind) for kind in _KINDS}
        letter = replace(letter, to=seen["to"], cc=seen["cc"], bcc=seen["bcc"])
        return [_filled(letter, message, shared, "")]
    return gathered(
        _filled(
            replace(letter, to=(one,)),
            message,
            {**shared, **own.get(one.address.casefold(), {})},
            one.address,
        )
        for _, one in people
    )


def _recipient(one: Fields, n: int) -> tuple[str, Party]:
    at = f"message.to.{n}"
    kind = line_of(one, "type", at) or "to"
    if kind not in _KINDS:
        raise Bad("Validation error: this must be to, cc or bcc", f"{at}.type")
    return kind, party(line_of(one, "email"), line_of(one, "name", most=1000), f"{at}.email")


def _filled(letter: Letter, message: Fields, words: Mapping[str, str], address: str) -> Letter:
    """The letter with these merge variables put in, and what the message says of whom it goes to."""
    meta = {**scalars(object_of(message, "metadata")), **_metadata(message, address)}
    tags = message.get("tags") if isinstance(message.get("tags"), list) else []
    tag = tags[0] if tags and isinstance(tags[0], str) else ""
    return replace(
        letter,
        subject=one_line(_put(letter.subject, words), "message.subject"),
        text=_put(letter.text, words),
        html=_put(letter.html, words),
        own_words=leaves(list(words.values())),
        attributes=words,
        meta=meta,
        campaign=squeeze(meta.get("campaign_id") or tag),
    )


def _build(letter: Letter, call: Call, identity: str, key: str) -> Any:
    return build_message(letter, call.source, identity, call.now, key)


def _put(text: str, words: Mapping[str, str]) -> str:
    size = len(text)

    def put(match: re.Match[str]) -> str:
        nonlocal size
        value = words.get(match[1].upper())
        if value is None:
            return match[0]
        size += len(value)
        if size > LONGEST:
            raise too_large("With the merge variables put in, the text is too long.")
        return value

    return _TAG.sub(put, text) if "*|" in text else text


def _variables(data: Fields, name: str) -> dict[str, str]:
    found = objects_of(data, name, most=1000)
    pairs = ((line_of(one, "name").upper(), one.get("content")) for one in found)
    return scalars(dict(pairs))


def _own_variables(message: Fields) -> dict[str, dict[str, str]]:
    return {
        line_of(one, "rcpt").casefold(): _variables(one, "vars")
        for one in objects_of(message, "merge_vars", most=1000)
    }


def _metadata(message: Fields, address: str) -> dict[str, str]:
    for one in objects_of(message, "recipient_metadata", most=1000):
        if line_of(one, "rcpt").casefold() == address.casefold():
            return scalars(object_of(one, "values"))
    return {}


def _headers(message: Fields) -> tuple[tuple[tuple[str, str], ...], tuple[Party, ...]]:
    headers = object_of(message, "headers")
    found = [(name, text_of(headers, name)) for name in headers]
    reply_to = next((value for name, value in found if name.lower() == "reply-to"), "")
    kept = check_headers(found, "message.headers")
    return kept, read_mailboxes(reply_to, "message.headers")


def _files(message: Fields) -> tuple[File, ...]:
    found = []
    for kind, inline in (("attachments", False), ("images", True)):
        for n, one in enumerate(objects_of(message, kind, most=MOST_FILES)):
            cid = "name" if inline else "cid"
            file = file_of(one, f"message.{kind}.{n}", name="name", content="content", kind="type", cid=cid)
            found.append(file)
    return tuple(found)


def _told(taken: Taken) -> list[dict[str, Any]]:
    """What became of each address of a message."""
    return [_status(taken, result) for result in taken.receipt.recipients]


def _status(taken: Taken, result: RecipientResult) -> dict[str, Any]:
    status = _STATUS[result.outcome]
    if status == "sent" and taken.message.send_at:
        status = "scheduled"
    codes = [violation.code for violation in result.decision.enforced]
    bounced = any(code.startswith(_BOUNCED) and "bounce" in code for code in codes)
    reason = None if status != "rejected" else "hard-bounce" if bounced else "unsub"
    return {
        "email": result.address,
        "status": status,
        "_id": taken.uuid.replace("-", ""),
        "reject_reason": reason,
        **({"queued_reason": None} if status == "sent" else {}),
    }


def _json(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Bad("The body is not JSON.") from None


def fail(bad: Bad) -> web.Response:
    """The errors of Mandrill: its clients look at the body, and expect 500 or 401."""
    name = _NAMES.get(bad.status, "ValidationError")
    text = "Invalid API key" if bad.status == 401 else f"{bad.text} ({bad.field})" if bad.field else bad.text
    status = bad.status if bad.status in (401, 405, 409, 413, 429, 503) else 500
    told = {"status": "error", "code": -1 if bad.status == 401 else -2, "name": name, "message": text}
    return web.json_response(told, status=status, headers=bad.headers)


def _no_header(request: web.Request) -> str:
    return ""


def _key(raw: bytes) -> str:
    body = _json(raw)
    key = body.get("key") if isinstance(body, dict) else None
    return bearer(key) if isinstance(key, str) else ""


MANDRILL = Dialect(
    name="mandrill",
    routes=(
        ("POST", "/api/1.0/messages/send", send),
        ("POST", "/api/1.0/messages/send.json", send),
        ("POST", "/api/1.0/users/ping2", ping),
        ("POST", "/api/1.0/users/ping2.json", ping),
    ),
    key=_no_header,
    key_in_body=_key,
    fail=fail,
)
