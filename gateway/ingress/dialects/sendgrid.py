"""SendGrid v3: `POST /v3/mail/send`, `/v3/mail/batch`.

202 with an empty body and X-Message-Id; in sandbox mode 200. Errors are `{"errors": [{message, field,
help}]}`. Where everybody is refused the answer is 403; who is refused among others is told by event.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from gateway.ingress.dialects.bad import Bad
from gateway.ingress.dialects.desk import Build, Call, Dialect
from gateway.ingress.dialects.fields import (
    MOST_FILES,
    Fields,
    an_object,
    file_of,
    flag_of,
    leaves,
    line_of,
    object_in,
    object_of,
    objects_of,
    one_line,
    path,
    scalars,
    squeeze,
    text_of,
)
from gateway.ingress.dialects.keys import basic_secret
from gateway.ingress.dialects.letter import Letter, Party, build_message, check_headers, gathered
from gateway.ingress.dialects.mailboxes import party
from gateway.ingress.dialects.render import substitute, with_sections
from gateway.ingress.dialects.templates import fill_all, of_sendgrid
from gateway.message.compose import File

MOST = 1000
AHEAD = 5 * 366 * 86400.0
"""SendGrid itself stops at 72 hours; here it only has to be a moment: what waited is asked again."""
PERSONAL = 10_000
"""Octets of one personalization's substitutions, and of custom arguments."""

_RESERVED = frozenset(
    "x-sg-id x-sg-eid received dkim-signature content-type content-transfer-encoding to from subject reply-to"
    " cc bcc".split()
)
_DYNAMIC = re.compile(r"d-[A-Za-z0-9]{1,60}\Z")
_TO = (
    "The to array is required for all personalization objects, and must have at least one email object with"
    " a valid email address."
)
_FROM = (
    "The from object must be provided for every email send. It is an object that requires the email"
    " parameter, but may also contain a name parameter."
)
_SUBJECT = (
    "The subject is required. You can get around this requirement if you use a template with a subject"
    " defined or if every personalization has a subject defined."
)
_CONTENT = (
    "Unless a valid template_id is provided, the content parameter is required. There must be at least one"
    " defined content block."
)
_AMP = "text/x-amp-html"
_KIND = (
    "The type of a content block must be text/plain or text/html. Send a calendar (an invitation) as one of"
    " the attachments, with the type text/calendar."
)
_GRANT = "The provided authorization grant is invalid, expired, or revoked"


async def send(call: Call) -> web.Response:
    """`POST /v3/mail/send`."""
    body, letters = await call.aside(_read, call)
    if call.goes_on:
        letters = await call.aside(_apart, body, await _fill(call, body, letters))
    builds: list[Build] = [partial(_build, letter, call) for letter in letters]
    taken = await call.submit(builds)
    if all(one.rejected for one in taken):
        raise Bad(taken[0].why, status=403)
    call.desk.tell(taken)
    status = 202 if letters[0].deliver else 200
    return web.Response(status=status, headers={"X-Message-Id": taken[0].receipt.id})


def _read(call: Call) -> tuple[Fields, list[Letter]]:
    body = an_object(call.json)
    return body, read_letters(body, call.now)


async def new_batch(call: Call) -> web.Response:
    """`POST /v3/mail/batch`: a name to group messages by."""
    return web.json_response({"batch_id": os.urandom(24).hex()}, status=201)


async def scopes(call: Call) -> web.Response:
    """`GET /v3/scopes`: what tools ask to see whether their key is good."""
    return web.json_response({"scopes": ["mail.send", "mail.batch.create"]})


def read_letters(body: Fields, now: float) -> list[Letter]:
    """One letter for each personalization. Raises Bad for what SendGrid would refuse."""
    personalizations = objects_of(body, "personalizations", most=MOST)
    if not personalizations:
        raise Bad(
            "The personalizations field is required and must have at least one personalization.",
            "personalizations",
        )
    sender = _sender(body)
    texts = _texts(body)
    files = _files(body)
    sections = {key: text_of(object_of(body, "sections"), key) for key in object_of(body, "sections")}
    sandbox = flag_of(object_of(object_of(body, "mail_settings"), "sandbox_mode"), "enable")
    total = 0

    def read(n: int, each: Fields) -> Letter:
        nonlocal total
        at = f"personalizations.{n}"
        people = {name: _people(each, name, at) for name in ("to", "cc", "bcc")}
        if not people["to"]:
            raise Bad(_TO, f"{at}.to")
        _check_once(people, at)
        total += sum(map(len, people.values()))
        if total > MOST:
            raise Bad(f"There may be at most {MOST} recipients in one request.", "personalizations")
        return _letter(body, each, at, people, sender, texts, files, sections, now, not sandbox)

    return gathered(read(n, each) for n, each in enumerate(personalizations))


async def _fill(call: Call, body: Fields, letters: list[Letter]) -> list[Letter]:
    """The letters with the text of the provider's template, where they have one that can be rendered."""
    name = line_of(body, "template_id", most=100)
    if not _DYNAMIC.match(name):
        return letters
    template = of_sendgrid(await call.desk.fetch(call.source.name, f"/v3/templates/{name}"))
    several = objects_of(body, "personalizations")
    return await fill_all(
        [
            (letter, template, each.get("dynamic_template_data") or {})
            for letter, each in zip(letters, several, strict=True)
        ],
        call.work,
    )


def _apart(body: Fields, letters: list[Letter]) -> list[Letter]:
    """A letter for each person, with the request that goes on for them alone."""
    found = []
    for letter, each in zip(letters, objects_of(body, "personalizations"), strict=True):
        kept = {name: value for name, value in each.items() if name not in ("to", "cc", "bcc")}
        for one in letter.everyone:
            to = {"email": one.address, **({"name": one.name} if one.name else {})}
            request = {**_read_alone(body), "personalizations": [{**_unmarked(kept), "to": [to]}]}
            forward = {"path": "/v3/mail/send", "json": request}
            found.append(replace(letter, to=(one,), cc=(), bcc=(), forward=forward))
    return found


def _read_alone(body: Fields) -> dict[str, Any]:
    """The request without what nobody here has read (AMP), and without what speaks to the gateway."""
    blocks = objects_of(body, "content")
    kept = [one for one in blocks if line_of(one, "type").partition(";")[0].strip().lower() != _AMP]
    return _unmarked(body) | ({"content": kept} if blocks else {})


def _unmarked(data: Fields) -> dict[str, Any]:
    """The same without the header fields that speak to the gateway alone."""
    headers = data.get("headers")
    if not isinstance(headers, dict):
        return dict(data)
    kept = {name: value for name, value in headers.items() if not name.lower().startswith("x-galateo-")}
    return {name: value for name, value in data.items() if name != "headers"} | (
        {"headers": kept} if kept else {}
    )


def _letter(
    body: Fields,
    each: Fields,
    at: str,
    people: Mapping[str, tuple[Party, ...]],
    sender: Party,
    texts: tuple[str, str],
    files: tuple[File, ...],
    sections: Mapping[str, str],
    now: float,
    deliver: bool,
) -> Letter:
    raw_words = object_of(each, "substitutions", at)
    words = {key: text_of(raw_words, key, f"{at}.substitutions") for key in raw_words}
    _check_size(raw_words, f"{at}.substitutions")
    data = object_of(each, "dynamic_template_data", at)
    put = with_sections(words, sections)
    template = line_of(body, "template_id", most=100)
    subject = line_of(each, "subject", at) or line_of(body, "subject")
    if not subject and not template:
        raise Bad(_SUBJECT, "subject")
    meta = {**_custom(body, ""), **_custom(each, at)}
    categories = body.get("categories") or []
    category = categories[0] if isinstance(categories, list) and categories else ""
    return Letter(
        sender=_person(each, "from", at) if each.get("from") else sender,
        to=people["to"],
        cc=people["cc"],
        bcc=people["bcc"],
        reply_to=_reply_to(body, put),
        subject=one_line(substitute(subject, put), "subject"),
        text=substitute(texts[0], put),
        html=substitute(texts[1], put),
        headers=_headers(body, each, at),
        files=files,
        own_words=(*leaves(list(words.values())), *leaves(dict(data))),
        attributes=scalars(data),
        meta=meta,
        campaign=squeeze(
            meta.get("campaign_id") or meta.get("campaign") or (category if isinstance(category, str) else "")
        ),
        send_at=_send_at(each, at, now) or _send_at(body, "", now),
        deliver=deliver,
        pending="template_id" if template else "",
    )


def _build(letter: Letter, call: Call, identity: str, key: str) -> Any:
    return build_message(letter, call.source, identity, call.now, key)


def _sender(body: Fields) -> Party:
    if not object_of(body, "from").get("email"):
        raise Bad(_FROM, "from.email")
    return _person(body, "from", "")


def _person(data: Fields, name: str, at: str) -> Party:
    where = f"{at}.{name}" if at else name
    found = object_of(data, name, at)
    return party(
        text_of(found, "email", where, most=400), text_of(found, "name", where, most=1000), f"{where}.email"
    )


def _people(each: Fields, name: str, at: str) -> tuple[Party, ...]:
    found = objects_of(each, name, at, most=MOST)
    return tuple(
        party(
            text_of(one, "email", f"{at}.{name}.{n}", most=400),
            text_of(one, "name", f"{at}.{name}.{n}", most=1000),
            f"{at}.{name}.{n}.email",
        )
        for n, one in enumerate(found)
    )


def _check_once(people: Mapping[str, tuple[Party, ...]], at: str) -> None:
    seen: set[str] = set()
    for name, several in people.items():
        for one in several:
            address = one.address.casefold()
            if address in seen:
                raise Bad(
                    "Each email address in the personalization block should be unique between to, cc, and"
                    " bcc.",
                    f"{at}.{name}",
                )
            seen.add(address)


def _texts(body: Fields) -> tuple[str, str]:
    """The plain text and the HTML. AMP, another form of the same text, is left out; what would leave without
    a part of it (a calendar) is refused."""
    found = {"text/plain": "", "text/html": ""}
    several = objects_of(body, "content", most=20)
    if not several and not body.get("template_id"):
        raise Bad(_CONTENT, "content")
    for n, one in enumerate(several):
        kind = line_of(one, "type", f"content.{n}").partition(";")[0].strip().lower()
        value = text_of(one, "value", f"content.{n}", most=5_000_000)
        if not kind or not value:
            raise Bad(
                "The content value must be a string at least one character in length.", f"content.{n}.value"
            )
        if kind in found:
            found[kind] = found[kind] or value
        elif kind != _AMP:
            raise Bad(_KIND, f"content.{n}.type")
    if several and not any(found.values()):
        raise Bad("One content block must be text/plain or text/html.", "content")
    return found["text/plain"], found["text/html"]


def _files(body: Fields) -> tuple[File, ...]:
    found = []
    for n, one in enumerate(objects_of(body, "attachments", most=MOST_FILES)):
        at = f"attachments.{n}"
        if not one.get("content") or not one.get("filename"):
            raise Bad("An attachment needs content and filename.", at)
        file = file_of(one, at, name="filename", content="content", kind="type", cid="content_id")
        inline = one.get("disposition") == "inline"
        found.append(
            File(
                filename=file.filename,
                octets=file.octets,
                type=file.type,
                inline=inline,
                content_id=file.content_id,
            )
        )
    return tuple(found)


def _headers(body: Fields, each: Fields, at: str) -> tuple[tuple[str, str], ...]:
    merged: dict[str, tuple[str, str]] = {}
    for data, where in ((body, ""), (each, at)):
        field = f"{where}.headers" if where else "headers"
        headers = object_of(data, "headers", where)
        for name in headers:
            if name.lower() in _RESERVED:
                raise Bad(f"The header {name[:40]} is reserved and may not be set.", field)
            merged[name.lower()] = (name, text_of(headers, name, field, most=10_000))
    return check_headers(merged.values(), "headers")


def _reply_to(body: Fields, words: Mapping[str, str]) -> tuple[Party, ...]:
    one, several = object_of(body, "reply_to"), objects_of(body, "reply_to_list", most=MOST)
    if one and several:
        raise Bad("Use reply_to or reply_to_list, not both.", "reply_to")
    return tuple(
        party(
            substitute(text_of(each, "email", "reply_to", most=400), words),
            text_of(each, "name", "reply_to", most=1000),
            "reply_to.email",
        )
        for each in ([one] if one else several)
    )


def _custom(data: Fields, at: str) -> dict[str, str]:
    """Custom arguments: an object, or (as the OpenAPI file has it) the text of one."""
    value, where = data.get("custom_args"), path(at, "custom_args")
    if isinstance(value, str):
        if len(value) > PERSONAL:
            raise Bad("custom_args are too long.", where)
        value = object_in(value, where)
    if value is None:
        return {}
    found = an_object(value, where)
    _check_size(found, where)
    return scalars(found)


def _check_size(data: Fields, at: str) -> None:
    if data and len(orjson.dumps(data)) > 2 * PERSONAL:
        raise Bad(f"This may have at most {PERSONAL} bytes.", at)


def _send_at(data: Fields, at: str, now: float) -> float:
    value = data.get("send_at")
    where = f"{at}.send_at" if at else "send_at"
    if value is None:
        return 0.0
    if not isinstance(value, int) or isinstance(value, bool):
        raise Bad("send_at must be a Unix timestamp.", where)
    if value > now + AHEAD:
        raise Bad("Scheduling so far in advance is forbidden.", where)
    return float(value)


def fail(bad: Bad) -> web.Response:
    """The errors of SendGrid."""
    text = _GRANT if bad.status == 401 else bad.text
    if bad.status == 415 and "json" in bad.text.lower():
        text = "Content-Type should be application/json."
    error = {"message": text, "field": bad.field or None, "help": None}
    return web.json_response({"errors": [error]}, status=bad.status, headers=bad.headers)


def _key(request: web.Request) -> str:
    return basic_secret(request.headers.get("Authorization", ""), "apikey")


SENDGRID = Dialect(
    name="sendgrid",
    routes=(
        ("POST", "/v3/mail/send", send),
        ("POST", "/v3/mail/batch", new_batch),
        ("GET", "/v3/scopes", scopes),
    ),
    key=_key,
    fail=fail,
)
