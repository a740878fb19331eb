"""Mandrill 1.0: `POST /api/1.0/messages/send` (and `.json`), the key in the body.

200 with an array: each address with `sent`, `queued` (held) or `rejected` and why. Each recipient gets a
message of their own, with their merge variables; an error, and a message that nobody may get, is
500 `{"status": "error", ...}`.
"""

import re
from collections.abc import Mapping
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
    leaves,
    line_of,
    object_of,
    objects_of,
    one_line,
    scalars,
    squeeze,
    text_of,
)
from gateway.ingress.dialects.keys import bearer
from gateway.ingress.dialects.letter import Letter, Party, build_message, check_headers
from gateway.ingress.dialects.mailboxes import party, read_mailboxes
from gateway.ingress.dialects.render import LONGEST
from gateway.message.compose import File
from gateway.web.strict_json import parse_json

_TAG = re.compile(r"\*\|([A-Za-z0-9_]{1,100})\|\*")
_STATUS = {"accepted": "sent", "held": "queued", "rejected": "rejected"}
_BOUNCED = "suppressed."


async def send(call: Call) -> web.Response:
    """`POST /api/1.0/messages/send`."""
    letters = await call.aside(_read, call)
    builds: list[Build] = [partial(_build, letter, call) for letter in letters]
    taken = await call.submit(builds)
    if all(one.rejected for one in taken):
        raise Bad(taken[0].why)
    call.desk.tell(taken)
    return web.json_response([_told(one) for one in taken])


def _read(call: Call) -> list[Letter]:
    return read_letters(object_of(an_object(parse_json(call.raw)), "message"))


async def ping(call: Call) -> web.Response:
    """`POST /api/1.0/users/ping2`: what tools ask to see whether their key is good."""
    return web.json_response({"PING": "PONG!"})


def read_letters(message: Fields) -> list[Letter]:
    """One letter for each recipient. Raises Bad for what Mandrill would refuse."""
    people = objects_of(message, "to", "message")
    if not people:
        raise Bad("Validation error: there is no recipient", "message.to")
    text, html = text_of(message, "text"), text_of(message, "html", most=5_000_000)
    if not (text or html):
        raise Bad("Validation error: text or html is required", "message.text")
    sender = party(line_of(message, "from_email"), line_of(message, "from_name"), "message.from_email")
    headers, reply_to = _headers(message)
    files, shared, own = _files(message), _variables(message, "global_merge_vars"), _own_variables(message)
    tags = message.get("tags") if isinstance(message.get("tags"), list) else []
    letters = []
    for n, one in enumerate(people):
        to = party(line_of(one, "email"), line_of(one, "name", most=1000), f"message.to.{n}.email")
        words = {**shared, **own.get(to.address.casefold(), {})}
        meta = {**scalars(object_of(message, "metadata")), **_metadata(message, to.address)}
        letters.append(
            Letter(
                sender=sender,
                to=(to,),
                reply_to=reply_to,
                subject=one_line(_put(text_of(message, "subject"), words), "message.subject"),
                text=_put(text, words),
                html=_put(html, words),
                headers=headers,
                files=files,
                own_words=leaves(list(words.values())),
                attributes=words,
                meta=meta,
                campaign=squeeze(
                    meta.get("campaign_id") or (tags[0] if tags and isinstance(tags[0], str) else "")
                ),
            )
        )
    return letters


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


def _told(taken: Taken) -> dict[str, Any]:
    status = _STATUS[taken.receipt.status]
    bounced = any(code.startswith(_BOUNCED) and "bounce" in code for code in taken.codes)
    reason = None if status != "rejected" else "hard-bounce" if bounced else "unsub"
    return {
        "email": taken.message.recipients[0].address,
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
    name = {401: "Invalid_Key", 503: "ServiceUnavailable"}.get(bad.status, "ValidationError")
    text = "Invalid API key" if bad.status == 401 else f"{bad.text} ({bad.field})" if bad.field else bad.text
    status = bad.status if bad.status in (401, 405, 413, 429, 503) else 500
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
