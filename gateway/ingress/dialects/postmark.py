"""Postmark: `/email`, `/email/batch`, and the same with templates.

One message sees all its recipients. Whoever is refused is "inactive" to Postmark's clients, which parse the
wording; a batch is always 200, each element with its own code.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

from aiohttp import web

from gateway.ingress.dialects.bad import Bad
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
    scalars,
    squeeze,
    text_of,
)
from gateway.ingress.dialects.keys import TEST_KEYS, bearer
from gateway.ingress.dialects.letter import Letter, build_message, check_headers
from gateway.ingress.dialects.mailboxes import read_mailbox, read_mailboxes
from gateway.ingress.dialects.templates import fill_all, of_postmark
from gateway.message.compose import File, person
from gateway.policy.outcome import Outcome

MOST_BATCH = 500
MOST_TO = 50
INVALID, INACTIVE, TOO_MANY, NOT_ALLOWED, UNAVAILABLE, TOO_FAST = 300, 406, 410, 405, 100, 429

_TEMPLATE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,60}\Z")
_CODES = {
    400: INVALID,
    401: 10,
    403: NOT_ALLOWED,
    409: UNAVAILABLE,
    413: INVALID,
    415: 402,
    429: TOO_FAST,
    500: UNAVAILABLE,
    503: UNAVAILABLE,
}
_TOKEN = "X-Postmark-Server-Token"  # noqa: S105  # a header's name
_NO_TOKEN = (
    "No Account or Server API tokens were supplied in the HTTP headers, or the token is not valid."  # noqa: S105
    " Please add a header for either X-Postmark-Server-Token or X-Postmark-Account-Token."
)
_INACTIVE = (
    "You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: {}."
    " Inactive recipients are ones that have generated a hard bounce, a spam complaint, or a manual"
    " suppression."
)


async def send(call: Call) -> web.Response:
    """`POST /email` and `/email/withTemplate`."""
    body, letter = await call.aside(_read, call)
    letter = await _fill(call, body, letter)
    taken = await call.submit(_builders(letter, call))
    if all(one.rejected for one in taken):
        raise Bad(f"{_inactive(taken)} {taken[0].why}", status=422, code=INACTIVE)
    call.desk.tell(taken)
    return web.json_response(_taken(letter, taken))


def _read(call: Call) -> tuple[Fields, Letter]:
    body = an_object(call.json)
    return body, read_letter(body, call)


async def send_batch(call: Call) -> web.Response:
    """`POST /email/batch`: an array."""
    return await _send_all(call, await call.aside(lambda: call.json))


async def send_templates(call: Call) -> web.Response:
    """`POST /email/batchWithTemplates`: `{"Messages": [...]}`."""
    return await _send_all(call, an_object(await call.aside(lambda: call.json)).get("Messages"))


async def _send_all(call: Call, several: Any) -> web.Response:
    if not isinstance(several, list):
        raise Bad("The body must be an array of messages.", status=422, code=403)
    if len(several) > MOST_BATCH:
        raise Bad(f"At most {MOST_BATCH} messages in one batch.", status=422, code=TOO_MANY)
    read: list[tuple[Letter, int] | Bad] = []
    builds: list[Build] = []
    for each in several:
        try:
            letter = await _fill(call, each, await call.aside(read_letter, each, call))
            await call.aside(call.try_out, partial(_build, letter, call))
        except Bad as bad:
            read.append(bad)
        else:
            made = _builders(letter, call)
            read.append((letter, len(made)))
            builds += made
    taken = await call.submit(builds) if builds else []
    call.desk.tell(taken)
    answers = iter(taken)
    return web.json_response(
        [_bad(r) if isinstance(r, Bad) else _element(r[0], list(islice(answers, r[1]))) for r in read]
    )


def read_letter(data: Any, call: Call) -> Letter:
    """One message. Raises Bad for what Postmark would refuse."""
    body = an_object(data)
    sender = text_of(body, "From")
    if not sender:
        raise Bad("The 'From' address is required.", "From")
    to = {name: read_mailboxes(text_of(body, name), name, most=MOST_TO) for name in ("To", "Cc", "Bcc")}
    if not any(to.values()):
        raise Bad("Zero recipients specified.", "To")
    if sum(map(len, to.values())) > MOST_TO:
        raise Bad(f"At most {MOST_TO} recipients in one message.", "To")
    template = next((name for name in ("TemplateId", "TemplateAlias") if body.get(name)), "")
    text, html = text_of(body, "TextBody"), text_of(body, "HtmlBody", most=5_000_000)
    if not template and not text and not html:
        raise Bad("Provide either email TextBody or HtmlBody or both.", "TextBody")
    model = object_of(body, "TemplateModel")
    meta = scalars(object_of(body, "Metadata"))
    tag = line_of(body, "Tag", most=1000)
    test = call.request.headers.get(_TOKEN) == TEST_KEYS["postmark"]
    return Letter(
        sender=read_mailbox(sender, "From"),
        to=to["To"],
        cc=to["Cc"],
        bcc=to["Bcc"],
        reply_to=read_mailboxes(text_of(body, "ReplyTo"), "ReplyTo"),
        subject=line_of(body, "Subject", most=2000),
        text=text,
        html=html,
        headers=_headers(body),
        files=_files(body),
        own_words=leaves(dict(model)),
        attributes=scalars(model),
        meta=meta,
        campaign=squeeze(meta.get("campaign_id") or meta.get("campaign") or tag),
        class_=_class_of(body, call),
        deliver=not test,
        pending=template,
        forward=_forward(body, bool(template)) if call.goes_on else None,
    )


async def _fill(call: Call, body: Fields, letter: Letter) -> Letter:
    """The letter with the text of Postmark's template, where it has one that can be rendered."""
    name = str(body.get("TemplateId") or body.get("TemplateAlias") or "")
    if not call.goes_on or not _TEMPLATE.match(name):
        return letter
    template = of_postmark(await call.desk.fetch(call.source.name, f"/templates/{name}"))
    [filled] = await fill_all([(letter, template, body.get("TemplateModel") or {})], call.work)
    return filled


def _builders(letter: Letter, call: Call) -> list[Build]:
    """One message; or one for each person, where requests go on to Postmark."""
    if letter.forward is None:
        return [partial(_build, letter, call)]
    whole = letter.forward["json"]
    return [
        partial(
            _build,
            replace(
                letter,
                to=(one,),
                cc=(),
                bcc=(),
                forward={**letter.forward, "json": {**whole, "To": person(one.name, one.address)}},
            ),
            call,
        )
        for one in letter.everyone
    ]


def _forward(body: Fields, template: bool) -> dict[str, Any]:
    """The request that goes on, without its recipients and what speaks to the gateway alone."""
    kept = {name: value for name, value in body.items() if name not in ("To", "Cc", "Bcc", "Headers")}
    headers = [
        one
        for one in objects_of(body, "Headers", most=200)
        if not text_of(one, "Name").lower().startswith("x-galateo-")
    ]
    path = "/email/withTemplate" if template else "/email"
    return {"path": path, "json": {**kept, "Headers": headers} if headers else kept}


def _build(letter: Letter, call: Call, identity: str, key: str) -> Any:
    return build_message(letter, call.source, identity, call.now, key)


def _class_of(body: Fields, call: Call) -> str:
    """The class that the access file gives to the message's stream, "" for none."""
    streams = call.options.get("streams")
    stream = line_of(body, "MessageStream", most=100) or "outbound"
    return str(streams.get(stream, "")) if isinstance(streams, dict) else ""


def _headers(body: Fields) -> tuple[tuple[str, str], ...]:
    found = []
    for n, one in enumerate(objects_of(body, "Headers", most=200)):
        at = f"Headers.{n}"
        found.append((text_of(one, "Name", at, most=100), text_of(one, "Value", at, most=10_000)))
    return check_headers(found, "Headers")


def _files(body: Fields) -> tuple[File, ...]:
    return tuple(
        file_of(one, f"Attachments.{n}", name="Name", content="Content", kind="ContentType", cid="ContentID")
        for n, one in enumerate(objects_of(body, "Attachments", most=MOST_FILES))
    )


def _taken(letter: Letter, taken: Sequence[Taken]) -> dict[str, Any]:
    refused = _addresses(taken)
    message = "OK"
    if refused:
        message = f"Message OK, but will not deliver to these inactive addresses: {', '.join(refused)}"
    if not letter.deliver:
        message = "Test job accepted"
    at = datetime.fromtimestamp(taken[0].message.received_at, UTC)
    return {
        "To": ", ".join(one.address for one in letter.to),
        "SubmittedAt": at.strftime("%Y-%m-%dT%H:%M:%S.%f0Z"),
        "MessageID": taken[0].uuid,
        "ErrorCode": 0,
        "Message": message,
    }


def _element(letter: Letter, taken: Sequence[Taken]) -> dict[str, Any]:
    if not all(one.rejected for one in taken):
        return _taken(letter, taken)
    return {"ErrorCode": INACTIVE, "Message": f"{_inactive(taken)} {taken[0].why}"}


def _addresses(taken: Sequence[Taken]) -> Sequence[str]:
    return [r.address for one in taken for r in one.receipt.recipients if r.outcome is Outcome.REJECT]


def _inactive(taken: Sequence[Taken]) -> str:
    return _INACTIVE.format(", ".join(_addresses(taken)))


def _bad(bad: Bad) -> dict[str, Any]:
    text = f"{bad.text} ({bad.field})" if bad.field else bad.text
    return {"ErrorCode": bad.code or _CODES.get(bad.status, INVALID), "Message": text}


def fail(bad: Bad) -> web.Response:
    """The errors of Postmark: what is wrong with a message is 422."""
    if bad.status == 401:
        return web.json_response({"ErrorCode": 10, "Message": _NO_TOKEN}, status=401)
    status = 422 if bad.status in (400, 403) else bad.status
    return web.json_response(_bad(bad), status=status, headers=bad.headers)


def _key(request: web.Request) -> str:
    return bearer(request.headers.get(_TOKEN, ""))


POSTMARK = Dialect(
    name="postmark",
    routes=(
        ("POST", "/email", send),
        ("POST", "/email/batch", send_batch),
        ("POST", "/email/withTemplate", send),
        ("POST", "/email/batchWithTemplates", send_templates),
    ),
    key=_key,
    fail=fail,
)
