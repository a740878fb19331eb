"""The generic webhook: `POST /v1/hooks/<source>`, for every tool that can post something somewhere.

A map of fields in access.yaml says where the body holds what a message needs; without one the names of
`DEFAULTS` are looked for. JSON and forms are taken. The answer is 200 with a small object, also for a hold
and a refusal: a tool could do nothing about either but try again.
"""

import base64
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from gateway.ingress.dialects.bad import Bad, own_field
from gateway.ingress.dialects.desk import Call, Dialect
from gateway.ingress.dialects.fields import scalars
from gateway.ingress.dialects.forms import MULTIPART, URLENCODED, Form, parse_form
from gateway.ingress.dialects.keys import bearer
from gateway.ingress.dialects.paths import BadPath, apply_map, check_map
from gateway.ingress.http_answer import describe
from gateway.ingress.http_message import read_message
from gateway.ingress.http_models import NewMessage
from gateway.web.credentials import read_credentials
from gateway.web.language import language_of
from gateway.web.media import media_type
from gateway.web.strict_json import parse_json
from gateway.web.validation import validate

DEFAULTS: Mapping[str, Any] = {
    "id": ["$.id", "$.message_id"],
    "channel": ["$.channel", "email"],
    "kind": "$.kind",
    "class": "$.class",
    "purpose": "$.purpose",
    "from": ["$.from", "$.from_email", "$.sender"],
    "from_name": ["$.from_name", "$.sender_name"],
    "to": [
        "$.to",
        "$.email",
        "$.recipient",
        "$.properties.email.value",
        "$.properties.email",
        "$.contact.email",
        "$.profile.email",
        "$.customer.email",
        "$['contact[email]']",
    ],
    "name": [
        "$.name",
        "$.first_name",
        "$.firstname",
        "$.properties.firstname.value",
        "$.properties.firstname",
        "$.contact.first_name",
        "$['contact[first_name]']",
    ],
    "subject": "$.subject",
    "text": ["$.text", "$.message", "$.body"],
    "html": "$.html",
    "campaign": ["$.campaign_id", "$.campaign"],
    "step": ["$.step", "$.sequence_step"],
    "thread": ["$.thread_id", "$.thread"],
    "in_reply_to": "$.in_reply_to",
    "deliver": "$.deliver",
}
"""Where the fields are looked for when the map does not name them."""

FIELDS = frozenset({*DEFAULTS, "attributes", "aliases", "jurisdiction", "send_at", "account"})
"""The fields that a map may name. `attributes` is an object of names and paths; `aliases` one of types of
address (`linkedin`, `phone`, `linkedin_provider_id`) and paths."""

OBJECTS = frozenset({"attributes", "aliases"})

_NATIVE: Mapping[str, str] = {
    "sender.addresses": "from",
    "sender.name": "from_name",
    "sender.account_id": "account",
    "recipient.addresses.0": "to",
    "recipient.addresses": "aliases",
    "recipient.name": "name",
    "recipient.jurisdiction": "jurisdiction",
    "recipient.attributes": "attributes",
    "campaign.id": "campaign",
    "sequence.step": "step",
    "thread.id": "thread",
    "thread.in_reply_to": "in_reply_to",
}
"""The fields of a map by what they become in a message."""

_WHO = (
    "The source in the path and the secret do not belong together. Send the secret that access.yaml has for"
    " this source: Authorization: Bearer <secret>, X-API-Key: <secret>, or ?key=<secret>."
)

_TRUE, _FALSE = frozenset({"1", "true", "yes"}), frozenset({"0", "false", "no"})


async def receive(call: Call) -> web.Response:
    """`POST /v1/hooks/<source>`."""
    if call.request.match_info["source"] != call.source.name and not call.source.development:
        raise Bad("There is no such hook for this caller.", status=404)
    message = await call.aside(lambda: validate(NewMessage, read_hook(call)))
    limits = call.desk.limits
    taken = await call.submit(
        [
            lambda identity, key: read_message(
                message, call.source, identity, call.now, most=limits.recipients, key=key
            )
        ]
    )
    call.desk.tell(taken)
    return web.Response(
        body=orjson.dumps(describe(taken[0].receipt, language_of(call.request))),
        content_type="application/json",
    )


def read_hook(call: Call) -> dict[str, Any]:
    """The native request that a body stands for. Raises Bad, Problem."""
    data = _read_body(call)
    fields = {**DEFAULTS, **(call.options.get("fields") or {})}
    found = {name: apply_map(where, data) for name, where in fields.items()}
    return _native({name: value for name, value in found.items() if value not in (None, "", {})})


def fields_fault(options: Mapping[str, Any]) -> BadPath | None:
    """Why the map of fields of a source cannot be meant; None where it can."""
    fields = options.get("fields") or {}
    if not isinstance(fields, Mapping):
        return BadPath("this must be a mapping of fields to paths")
    for name in map(str, fields):
        if name not in FIELDS:
            return BadPath(f"there is no field {name}; there are {', '.join(sorted(FIELDS))}", (name,))
        if name in OBJECTS and not isinstance(fields[name], Mapping):
            return BadPath("this must be a mapping of names to paths", (name,))
    try:
        check_map(fields)
    except BadPath as error:
        return error
    return None


def _read_body(call: Call) -> Any:
    kind = media_type(call.request)
    if kind in (URLENCODED, MULTIPART):
        return _nest(parse_form(call.request.headers.get("Content-Type", ""), call.raw))
    if (
        kind == "application/json"
        or kind.endswith("+json")
        or kind in ("text/plain", "application/octet-stream")
    ):
        # Some tools post JSON under another name, or under none.
        return parse_json(call.raw)
    raise Bad(f"Send application/json, {URLENCODED} or {MULTIPART}.", status=415)


def _nest(form: Form) -> dict[str, Any]:
    """The fields of a form by name: the first value of each, and all of those that repeat under `name[]`."""
    found: dict[str, Any] = {}
    for part in form.parts:
        if part.filename is None:
            found.setdefault(part.name, part.text)
            if part.name.endswith("[]"):
                found.setdefault(part.name[:-2], []).append(part.text)
    return found


def _native(found: Mapping[str, Any]) -> dict[str, Any]:
    channel = _text(found, "channel") or "email"
    if not _text(found, "to"):
        raise Bad("The body names no recipient where the map of fields looks for one.", "to", status=422)
    if not _text(found, "from"):
        raise Bad("Neither the body nor the map of fields says who writes.", "from", status=422)
    sender = {
        "name": _text(found, "from_name"),
        "account_id": _text(found, "account"),
        "addresses": [{"type": channel, "value": _text(found, "from")}],
    }
    others = scalars(found["aliases"]) if isinstance(found.get("aliases"), dict) else {}
    recipient = {
        "name": _text(found, "name"),
        "addresses": [
            {"type": channel, "value": _text(found, "to")},
            *({"type": kind, "value": value.strip()} for kind, value in others.items() if value.strip()),
        ],
        "jurisdiction": _text(found, "jurisdiction"),
        "attributes": scalars(found["attributes"]) if isinstance(found.get("attributes"), dict) else {},
    }
    native = {
        **{name: _text(found, name) for name in ("id", "kind", "class", "purpose", "subject", "send_at")},
        **{name: found[name] for name in ("text", "html") if isinstance(found.get(name), str)},
        "channel": channel,
        "sender": _filled(sender),
        "recipient": _filled(recipient),
        "campaign": _filled({"id": _text(found, "campaign")}),
        "sequence": _filled({"step": _number(found, "step")}),
        "thread": _filled({"id": _text(found, "thread"), "in_reply_to": _text(found, "in_reply_to")}),
    }
    return {**_filled(native), "deliver": _flag(found, "deliver")}


def _filled(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if value not in (None, "", {})}


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).strip() if isinstance(value, (str, int, float)) else ""


def _number(found: Mapping[str, Any], name: str) -> int | None:
    text = _text(found, name)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else None


def _flag(found: Mapping[str, Any], name: str) -> bool:
    """Whether to deliver: only a clear no is a no, and what is neither is refused."""
    text = _text(found, name).lower()
    if text and text not in _TRUE | _FALSE:
        raise Bad("deliver is true or false.", name)
    return text not in _FALSE


def fail(bad: Bad) -> web.Response:
    """A small object with what is wrong, and in which field of the map."""
    text = _WHO if bad.status == 401 else bad.text
    told = {"status": "error", "message": text, "field": own_field(bad.field, _NATIVE) or None}
    return web.json_response(told, status=bad.status, headers=bad.headers)


def _key(request: web.Request) -> str:
    """The secret in the Authorization header, in X-API-Key, or where a tool knows nothing but a URL, in
    `?key=`; alone, or with the source's name before it."""
    name = request.match_info.get("source", "")
    header = request.headers.get("Authorization", "")
    given = read_credentials(header) if header else None
    if given is not None and given.name:
        return header
    token = given.token if given is not None else ""
    secret = token or request.headers.get("X-API-Key", "") or request.query.get("key", "")
    if not secret:
        return header
    if secret.startswith((f"{name}:", f"{name}.")):
        return bearer(secret)
    pair = base64.b64encode(f"{name}:{secret}".encode()).decode()
    return f"Basic {pair}"


GENERIC = Dialect(
    name="generic",
    routes=(("POST", "/v1/hooks/{source}", receive), ("POST", "/ingress/hook/{source}", receive)),
    key=_key,
    fail=fail,
)
