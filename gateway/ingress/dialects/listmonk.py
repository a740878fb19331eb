"""listmonk's HTTP messenger: one POST for each subscriber, of which only 200 is success.

A refusal is told as success too: an error would count towards `max_send_errors`, which pauses the campaign.
What was refused goes to the source's notices, and by event to the bounce API.
"""

import re
from functools import partial
from typing import Any

from aiohttp import web

from gateway.ingress.dialects.bad import Bad
from gateway.ingress.dialects.desk import Build, Call, Dialect
from gateway.ingress.dialects.fields import (
    MOST_FILES,
    Fields,
    an_object,
    line_of,
    object_of,
    objects_of,
    octets_of,
    one_line,
    scalars,
    squeeze,
    text_of,
)
from gateway.ingress.dialects.letter import Letter, Party, build_message, check_headers
from gateway.ingress.dialects.mailboxes import party, read_mailbox, read_mailboxes
from gateway.message.compose import File

_UUID = re.compile(r"[0-9a-fA-F-]{32,36}\Z")


async def send(call: Call) -> web.Response:
    """`POST /ingress/listmonk/messenger`, the root URL of a messenger in listmonk's settings."""
    letters = await call.aside(_read, call)
    builds: list[Build] = [partial(_build, letter, call) for letter in letters]
    taken = await call.submit(builds)
    call.desk.tell(taken)
    statuses = {one.receipt.status for one in taken}
    return web.json_response(
        {"data": {"id": taken[0].receipt.id, "status": statuses.pop() if len(statuses) == 1 else "mixed"}}
    )


def _read(call: Call) -> list[Letter]:
    body = an_object(call.json)
    recipients = objects_of(body, "recipients", most=call.desk.limits.recipients)
    if not recipients:
        raise Bad("There is no recipient.", "recipients")
    return [read_letter(body, one, f"recipients.{n}", call) for n, one in enumerate(recipients)]


def read_letter(body: Fields, recipient: Fields, at: str, call: Call) -> Letter:
    """What one subscriber would get."""
    campaign = object_of(body, "campaign")
    plain = line_of(body, "content_type", most=40) == "plain"
    text = text_of(body, "body", most=5_000_000)
    headers, reply_to = _headers(campaign)
    identity, subscriber = line_of(campaign, "uuid", most=64), line_of(recipient, "uuid", at, most=64)
    attributes = scalars(object_of(recipient, "attribs", at))
    transactional = not campaign and "transactional" in call.source.classes
    return Letter(
        sender=_sender(body, campaign, call),
        to=(party(line_of(recipient, "email", at), squeeze(text_of(recipient, "name", at)), f"{at}.email"),),
        reply_to=reply_to,
        subject=line_of(body, "subject", most=2000),
        text=text if plain else "",
        html="" if plain else text,
        headers=(*headers, *_marks(identity, subscriber, str(call.options.get("root", "")))),
        files=tuple(_file(one, n) for n, one in enumerate(objects_of(body, "attachments", most=MOST_FILES))),
        attributes=attributes,
        campaign=identity or squeeze(text_of(campaign, "name")),
        class_="transactional" if transactional else "",
        external_id=subscriber,
    )


def _build(letter: Letter, call: Call, identity: str, key: str) -> Any:
    return build_message(letter, call.source, identity, call.now, key)


def _sender(body: Fields, campaign: Fields, call: Call) -> Party:
    """Older versions leave the sender out: then the access file's `from`."""
    text = text_of(body, "from_email") or text_of(campaign, "from_email") or str(call.options.get("from", ""))
    if not text:
        raise Bad("There is no from_email; an older listmonk needs `from` in access.yaml.", "from_email")
    return read_mailbox(text, "from_email")


def _headers(campaign: Fields) -> tuple[tuple[tuple[str, str], ...], tuple[Party, ...]]:
    """The campaign's own header fields, and whom to answer."""
    found = []
    reply_to: tuple[Party, ...] = ()
    for n, each in enumerate(objects_of(campaign, "headers", "campaign", most=100)):
        at = f"campaign.headers.{n}"
        for name in each:
            value = one_line(text_of(each, name, at, most=10_000), at)
            if name.lower() == "reply-to":
                reply_to = read_mailboxes(value, at)
            found.append((name, value))
    return check_headers(found, "campaign.headers"), reply_to


def _marks(campaign: str, subscriber: str, root: str) -> list[tuple[str, str]]:
    """What listmonk adds on SMTP and leaves out here: its ids, and the way out where `root` is known."""
    campaign, subscriber = (one if _UUID.match(one) else "" for one in (campaign, subscriber))
    marks = [("X-Listmonk-Campaign", campaign), ("X-Listmonk-Subscriber", subscriber)]
    if campaign and subscriber and root.startswith(("https://", "http://")):
        way_out = f"<{one_line(root.rstrip('/'), 'root')}/subscription/{campaign}/{subscriber}>"
        marks += [("List-Unsubscribe", way_out), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")]
    return [(name, value) for name, value in marks if value]


def _file(data: Fields, n: int) -> File:
    at = f"attachments.{n}"
    headers = {name.lower(): value for name, value in object_of(data, "header", at).items()}
    said = {name: _first(headers.get(name)) for name in ("content-type", "content-disposition", "content-id")}
    return File(
        filename=line_of(data, "name", at, most=255),
        octets=octets_of(data, "content", at),
        type=said["content-type"].partition(";")[0].strip() or "application/octet-stream",
        inline=said["content-disposition"].lower().startswith("inline"),
        content_id=said["content-id"].strip("<> "),
    )


def _first(value: Any) -> str:
    found = value[0] if isinstance(value, list) and value else value
    return squeeze(found) if isinstance(found, str) else ""


def fail(bad: Bad) -> web.Response:
    """listmonk logs the status and throws the body away."""
    text = f"{bad.text} ({bad.field})" if bad.field else bad.text
    return web.json_response({"message": text}, status=bad.status, headers=bad.headers)


def _key(request: web.Request) -> str:
    return request.headers.get("Authorization", "")


LISTMONK = Dialect(
    name="listmonk", routes=(("POST", "/ingress/listmonk/messenger", send),), key=_key, fail=fail
)
