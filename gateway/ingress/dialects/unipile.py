"""Unipile v1: invitations and private messages on LinkedIn and elsewhere.

`POST /api/v1/users/invite`, `/api/v1/chats`, `/api/v1/chats/{id}/messages`; `X-API-KEY`. 201 with the object
that the real service answers; a refusal is 422 in its shape, and the tool may go on with the next person.

The dialect speaks of accounts and provider ids where policies ask for people: `accounts` in the access file
says who an account is. Whom a chat is with is known when it was opened through here, or when the tool says so
(`attendees_ids` in the form). Any other chat on LinkedIn is judged as a person of its own, of whom nothing is
known; on other channels it is refused.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from aiohttp import web

from gateway.ingress.dialects.bad import Bad, own_field
from gateway.ingress.dialects.desk import Call, Dialect, Taken
from gateway.ingress.dialects.fields import Fields, an_object, line_of, scalars, text_of
from gateway.ingress.dialects.forms import MULTIPART, URLENCODED, Form, Part, parse_form
from gateway.ingress.dialects.keys import bearer
from gateway.ingress.http_message import read_message
from gateway.ingress.http_models import NewMessage
from gateway.message.ids import is_id
from gateway.store.packing import unpack_recipient
from gateway.web.media import media_type
from gateway.web.validation import validate

CHANNELS = ("linkedin", "whatsapp", "telegram", "instagram")
MOST_FILES = 20
_CHAT = re.compile(r"[A-Za-z0-9_-]{1,200}\Z")

_AS_FILES = "Send attachments as files, in multipart/form-data: nothing else of them would arrive."
_TITLES = {
    400: ("errors/invalid_parameters", "Invalid parameters"),
    401: ("errors/missing_credentials", "Missing credentials"),
    403: ("errors/insufficient_permissions", "Insufficient permissions"),
    404: ("errors/resource_not_found", "Resource not found"),
    405: ("errors/method_not_allowed", "Method not allowed"),
    409: ("errors/conflict", "Conflict"),
    415: ("errors/unsupported_media_type", "Unsupported media type"),
    413: ("errors/content_too_large", "Content too large"),
    422: ("errors/unprocessable_entity", "Unprocessable entity"),
    429: ("errors/too_many_requests", "Too many requests"),
    503: ("errors/service_unavailable", "Service unavailable"),
}

_NATIVE = {
    "sender": "account_id",
    "recipient.addresses.0": "provider_id, attendees_ids",
    "recipient.addresses": "user_email",
    "recipients": "attendees_ids",
    "thread": "chat_id",
}
"""Unipile's fields by what they become in a message."""


async def invite(call: Call) -> web.Response:
    """`POST /api/v1/users/invite`: a connection request with a note."""
    body = an_object(call.json)
    native = {
        "kind": "connection_request",
        **_parties(call, line_of(body, "account_id"), [_required(body, "provider_id")], "linkedin"),
        "text": text_of(body, "message", most=10_000),
    }
    email = line_of(body, "user_email", most=320)
    if email:
        native["recipient"]["addresses"].append({"type": "email", "value": email})
    taken = await _take(call, native)
    answer = {"object": "UserInvitationSent", "invitation_id": taken.receipt.id, **_about(taken)}
    return web.json_response(answer, status=201)


async def open_chat(call: Call) -> web.Response:
    """`POST /api/v1/chats`: a first message, to one person or a few."""
    form = await call.aside(_form, call)
    people = [
        each for name in ("attendees_ids", "attendees_ids[]") for each in form.all(name) if each.strip()
    ]
    if not people:
        raise Bad("attendees_ids is required.", "attendees_ids")
    native = {
        "kind": "inmail" if form.get("linkedin[inmail]") == "true" else "direct_message",
        **_parties(call, form.get("account_id"), people, _channel(call, form.get("account_id"))),
        "subject": form.get("subject"),
        "text": form.get("text"),
        "attachments": _files(form),
    }
    taken = await _take(call, native)
    answer = {
        "object": "ChatStarted",
        "chat_id": taken.receipt.id,
        "message_id": taken.receipt.id,
        **_about(taken),
    }
    return web.json_response(answer, status=201)


async def write(call: Call) -> web.Response:
    """`POST /api/v1/chats/{chat_id}/messages`: a further message to whom the chat is with."""
    form = await call.aside(_form, call)
    chat = call.request.match_info["chat_id"]
    known = await _known_chat(call, chat)
    people = [each for name in ("attendees_ids", "attendees_ids[]") for each in form.all(name)] or known[1]
    account = form.get("account_id") or known[0] or str(call.options.get("account", "")) or "unknown"
    if not people:
        people = [_stranger(call, account, chat)]
    native = {
        "kind": "direct_message",
        **_parties(call, account, people, _channel(call, account)),
        "text": form.get("text"),
        "thread": {"id": chat},
        "attachments": _files(form),
    }
    taken = await _take(call, native)
    answer = {"object": "MessageSent", "message_id": taken.receipt.id, **_about(taken)}
    return web.json_response(answer, status=201)


def _stranger(call: Call, account: str, chat: str) -> str:
    if _channel(call, account) != "linkedin" or not _CHAT.match(chat):
        raise Bad("This chat was not opened here, so say whom it is with: attendees_ids.", status=404)
    return f"urn:li:chat:{chat}"


async def _take(call: Call, native: Mapping[str, Any]) -> Taken:
    body = {name: value for name, value in native.items() if value not in ("", None, [])}
    message = await call.aside(validate, NewMessage, body)
    most = call.desk.limits.recipients
    taken = await call.submit(
        [lambda identity, key: read_message(message, call.source, identity, call.now, most=most, key=key)]
    )
    if taken[0].rejected:
        raise Bad(taken[0].why, status=422)
    return taken[0]


def _about(taken: Taken) -> dict[str, str]:
    """Whether it goes out now: what Unipile does not say, and its clients leave alone."""
    return {"status": taken.receipt.status}


def _parties(call: Call, account: str, people: list[str], channel: str) -> dict[str, Any]:
    """Channel, sender and recipients of a native message."""
    if not account:
        raise Bad("account_id is required.", "account_id")
    listed = _account(call, account)
    sender = {
        "name": str(listed.get("name", "")) or None,
        "account_id": account,
        "addresses": [{"type": channel, "value": str(listed.get("address", "")) or account}],
    }
    found = [{"addresses": [{"type": channel, "value": _named(channel, one)}]} for one in people]
    parties: dict[str, Any] = {"channel": channel, "sender": sender}
    return {**parties, "recipient": found[0]} if len(found) == 1 else {**parties, "recipients": found}


def _named(channel: str, person: str) -> str:
    """Unipile names WhatsApp's people `<number>@s.whatsapp.net`, LinkedIn's by the provider's id."""
    return person.strip() if channel != "whatsapp" else person.strip().partition("@")[0]


def _account(call: Call, account: str) -> Mapping[str, Any]:
    accounts = call.options.get("accounts")
    listed = accounts.get(account) if isinstance(accounts, dict) else None
    return listed if isinstance(listed, dict) else {}


def _channel(call: Call, account: str) -> str:
    channel = str(_account(call, account).get("channel", "linkedin"))
    return channel if channel in CHANNELS else "linkedin"


async def _known_chat(call: Call, chat: str) -> tuple[str, list[str]]:
    """The account and the people of a chat that this source opened here."""
    row = await call.desk.store.message(chat) if is_id(chat) else None
    if row is None or row[0].source != call.source.name:
        return "", []

    meta = orjson.loads(row[0].meta)
    return meta["s"][3], [unpack_recipient(each).address for each in meta["r"]]


def _required(body: Fields, name: str) -> str:
    value = line_of(body, name)
    if not value:
        raise Bad(f"{name} is required.", name)
    return value


def _form(call: Call) -> Form:
    """The fields of a request, as a form or as JSON: texts, and lists of texts. Files in JSON are Bad."""
    kind = media_type(call.request)
    if kind in (MULTIPART, URLENCODED):
        return parse_form(call.request.headers.get("Content-Type", ""), call.raw)
    body = an_object(call.json)
    if body.get("attachments"):
        raise Bad(_AS_FILES, "attachments")
    return Form(tuple(Part(name, value.encode("utf-8", "replace")) for name, value in _pairs(body)))


def _pairs(body: Fields) -> Iterator[tuple[str, str]]:
    """The fields of an object as a form has them: a list's name repeats, `{"a": {"b": true}}` is `a[b]`."""
    for name, value in body.items():
        if isinstance(value, dict):
            yield from ((f"{name}[{inner}]", each) for inner, each in scalars(value).items())
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, (str, bool)):
                yield name, each if isinstance(each, str) else str(each).lower()


def _files(form: Form) -> list[dict[str, Any]]:
    parts = [part for part in form.parts if part.name.startswith("attachments")]
    if any(part.filename is None and part.octets for part in parts):
        raise Bad(_AS_FILES, "attachments")
    parts = [part for part in parts if part.filename is not None]
    if len(parts) > MOST_FILES:
        raise Bad(f"There may be at most {MOST_FILES} attachments.", "attachments")
    return [
        {
            "filename": part.filename,
            "type": part.type or "application/octet-stream",
            "content": base64.b64encode(part.octets).decode(),
        }
        for part in parts
    ]


def fail(bad: Bad) -> web.Response:
    """The errors of Unipile."""
    kind, title = _TITLES.get(bad.status, ("errors/unexpected_error", "Unexpected error"))
    detail = f"{bad.text} ({own_field(bad.field, _NATIVE)})" if bad.field else bad.text
    told = {"status": bad.status, "type": kind, "title": title, "detail": detail}
    return web.json_response(told, status=bad.status, headers=bad.headers)


def _key(request: web.Request) -> str:
    return bearer(request.headers.get("X-API-KEY", ""))


UNIPILE = Dialect(
    name="unipile",
    routes=(
        ("POST", "/api/v1/users/invite", invite),
        ("POST", "/api/v1/chats", open_chat),
        ("POST", "/api/v1/chats/{chat_id}/messages", write),
    ),
    key=_key,
    fail=fail,
)
