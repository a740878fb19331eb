"""lemlist's inbox: `POST /api/inbox/linkedin`, a private message to a lead. 200 `{"ok": true}`.

The request names a user and a lead of lemlist's. Who the user is stands in the access file (`users`); the
lead is known by its id alone unless the request brings a `linkedinUrl`, which is understood besides.
"""

from typing import Any

from aiohttp import web

from gateway.ingress.dialects.bad import Bad, own_field
from gateway.ingress.dialects.desk import Call, Dialect
from gateway.ingress.dialects.fields import an_object, line_of, text_of
from gateway.ingress.dialects.keys import basic_secret
from gateway.ingress.http_message import read_message
from gateway.ingress.http_models import NewMessage
from gateway.web.validation import validate

_NATIVE = {"sender": "sendUserId", "recipient.addresses": "linkedinUrl", "recipient": "leadId"}
"""lemlist's fields by what they become in a message."""


async def send(call: Call) -> web.Response:
    """`POST /api/inbox/linkedin`."""
    body = an_object(call.json)
    user, lead = line_of(body, "sendUserId", most=200), line_of(body, "leadId", most=200)
    if not user or not (lead or body.get("contactId")):
        raise Bad("sendUserId and leadId are required", "leadId")
    person = line_of(body, "linkedinUrl", most=1000) or f"urn:li:lemlist:{lead or line_of(body, 'contactId')}"
    native = {
        "channel": "linkedin",
        "kind": "direct_message",
        "sender": _user(call, user),
        "recipient": {"external_id": lead or None, "addresses": [{"type": "linkedin", "value": person}]},
        "text": text_of(body, "message", most=10_000),
    }
    message = validate(NewMessage, native)
    taken = await call.submit(
        [lambda identity, key: read_message(message, call.source, identity, call.now, most=1, key=key)]
    )
    if taken[0].rejected:
        raise Bad(taken[0].why, status=422)
    return web.json_response({"ok": True, "status": taken[0].receipt.status})


def _user(call: Call, user: str) -> dict[str, Any]:
    users = call.options.get("users")
    listed = users.get(user) if isinstance(users, dict) else None
    found = listed if isinstance(listed, dict) else {}
    address = str(found.get("address", "")) or user
    return {
        "name": str(found.get("name", "")) or None,
        "account_id": user,
        "addresses": [{"type": "linkedin", "value": address}],
    }


def fail(bad: Bad) -> web.Response:
    """The errors of lemlist."""
    text = f"{bad.text} ({own_field(bad.field, _NATIVE)})" if bad.field else bad.text
    return web.json_response({"ok": False, "message": text}, status=bad.status, headers=bad.headers)


def _key(request: web.Request) -> str:
    return basic_secret(request.headers.get("Authorization", ""), "")


LEMLIST = Dialect(name="lemlist", routes=(("POST", "/api/inbox/linkedin", send),), key=_key, fail=fail)
