"""Mailgun v3: `POST /v3/<domain>/messages` and `/messages.mime`, forms in both encodings.

200 `{"id", "message"}`. With recipient-variables each `to` gets a message of its own. Where everybody is
refused the answer is 403; who is refused among others shows in the events.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from gateway.ingress.dialects.bad import Bad
from gateway.ingress.dialects.desk import Build, Call, Dialect, Taken
from gateway.ingress.dialects.fields import (
    LONGEST_HTML,
    LONGEST_TEXT,
    MOST_FILES,
    an_object,
    leaves,
    one_line,
    scalars,
    squeeze,
)
from gateway.ingress.dialects.forms import Form, parse_form
from gateway.ingress.dialects.keys import basic_secret
from gateway.ingress.dialects.letter import Letter, Party, build_message, check_headers, gathered
from gateway.ingress.dialects.mailboxes import read_mailbox, read_mailboxes
from gateway.ingress.dialects.mailgun_events import list_events
from gateway.ingress.dialects.mailgun_mime import build_mime, read_mime
from gateway.ingress.dialects.render import put_in_variables
from gateway.ingress.dialects.templates import fill_all, mentions, of_mailgun
from gateway.message.address import normalize
from gateway.message.compose import File, person
from gateway.web.strict_json import parse_json

MOST = 1000
_DOMAIN = re.compile(r"[A-Za-z0-9.-]{1,255}\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_. -]{0,100}\Z")
_TOKEN = re.compile(r"<%[^<>]*%>\s*,?")
_YES = frozenset({"yes", "true", "htmlonly"})
_ID = re.compile(r"<?([!-;=?-~]{1,200}@[A-Za-z0-9.-]{1,200})>?\Z")

Variables = Mapping[str, Mapping[str, str]]


async def send(call: Call) -> web.Response:
    """`POST /v3/<domain>/messages`."""
    form, template, letters = await call.aside(_read, call)
    if call.goes_on:
        letters = await _fill(call, template, letters)
        letters = [each for letter in letters for each in await call.aside(_apart, form, letter, call)]
    return await _take(call, [partial(_build, letter, call) for letter in letters])


def _read(call: Call) -> tuple[Form, "_Template", list[Letter]]:
    form = _form(call)
    people = {name: _people(form, name) for name in ("to", "cc", "bcc")}
    if not people["to"]:
        raise Bad("to parameter is missing")
    if sum(map(len, people.values())) > MOST:
        raise Bad(f"The number of recipients exceeds {MOST}")
    variables = _variables(form)
    template = _Template(form, call)
    if "recipient-variables" not in form:
        return form, template, [template.letter(people["to"], people, {})]
    everyone = _once(people["to"])
    letters = (template.letter((one,), people, _own(variables, one.address)) for one in everyone)
    return form, template, gathered(letters)


async def send_mime(call: Call) -> web.Response:
    """`POST /v3/<domain>/messages.mime`: `to`, and the whole message."""
    form = await call.aside(_form, call)
    people = _once((*_people(form, "to"), *_people(form, "cc"), *_people(form, "bcc")))
    if not people:
        raise Bad("to parameter is missing")
    if len(people) > MOST:
        raise Bad(f"The number of recipients exceeds {MOST}")
    given = next((part.octets for part in form.parts if part.name == "message"), b"")
    raw = await call.aside(read_mime, given)
    campaign, deliver = _campaign(form, dict(form.prefixed("v:"))), not _is_test(form)

    def build(identity: str, key: str) -> Any:
        return build_mime(
            raw,
            people,
            call.source,
            identity,
            call.now,
            key=key,
            campaign=campaign,
            deliver=deliver,
            send_at=_deliver_at(form),
        )

    return await _take(call, [build])


async def _fill(call: Call, template: "_Template", letters: list[Letter]) -> list[Letter]:
    """The letters with the text of Mailgun's template, where they have one that can be rendered: the version
    that the request names, with its own subject where the request has none. Where `v:` may have a part in it
    they stay pending."""
    which = template.version
    if template.unclear or not all(map(_NAME.match, filter(None, (template.name, which)))):
        return letters
    path = f"/v3/{call.request.match_info['domain']}/templates/{template.name}"
    path += f"/versions/{which}" if which else "?active=yes"
    found = of_mailgun(await call.desk.fetch(call.source.name, path))
    if found is None or mentions(found, template.meta):
        return letters
    bare = replace(found, subject="")
    given = [(letter, bare if letter.subject else found, template.given) for letter in letters]
    return await fill_all(given, call.work)


def _apart(form: Form, letter: Letter, call: Call) -> list[Letter]:
    """A letter for each person, with the request that goes on for them alone."""
    kept = [
        [part.name, base64.b64encode(part.octets).decode(), part.filename, part.type]
        for part in form.parts
        if part.name not in ("to", "cc", "bcc", "recipient-variables", "amp-html")
        and not part.name.lower().startswith("h:x-galateo-")
    ]
    found = []
    for one in letter.everyone:
        own = [["to", _encoded(person(one.name, one.address)), None, ""]]
        if "recipient-variables" in form:
            words = orjson.dumps({one.address: dict(letter.attributes)}).decode()
            own.append(["recipient-variables", _encoded(words), None, ""])
        forward = {"path": f"/v3/{call.request.match_info['domain']}/messages", "form": [*own, *kept]}
        found.append(replace(letter, to=(one,), cc=(), bcc=(), forward=forward))
    return found


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def _take(call: Call, builds: list[Build]) -> web.Response:
    taken = await call.submit(builds)
    if all(one.rejected for one in taken):
        raise Bad(taken[0].why, status=403)
    call.desk.tell(taken)
    return web.json_response({"id": _id_of(taken[0]), "message": "Queued. Thank you."})


def _id_of(taken: Taken) -> str:
    return taken.message_id or f"<{taken.receipt.id}@{taken.message.sender.key.rpartition('@')[2]}>"


class _Template:
    """The form, read once, and the letters that it becomes."""

    def __init__(self, form: Form, call: Call) -> None:
        sender = form.get("from")
        if not sender.strip():
            raise Bad("from parameter is missing")
        self.sender = read_mailbox(sender, "from")
        self.subject, self.text, self.html = form.get("subject"), form.get("text"), form.get("html")
        if len(self.text) > LONGEST_TEXT or len(self.html) > LONGEST_HTML:
            raise Bad("The text of the message is too long", status=413)
        self.name = form.get("template").strip()
        self.pending = "template" if self.name else ""
        if not (self.text or self.html or self.pending):
            raise Bad("Need at least one of 'text', 'html', 'amp-html' or 'template' parameters specified")
        self.headers = form.prefixed("h:")
        self.meta = dict(form.prefixed("v:"))
        several = [form.get(name) for name in ("t:variables", "h:X-Mailgun-Variables")]
        self.given = _object(next(filter(None, several), ""), "t:variables")
        self.version = form.get("t:version").strip()
        once = all(len(form.all(n)) < 2 for n in ("template", "t:version", "t:variables"))
        self.unclear = not once or all(several) or "%recipient" in str(self.given)
        self.files = _files(form)
        self.tags = form.all("o:tag")
        self.campaign = _campaign(form, self.meta)
        self.deliver = not _is_test(form)
        self.send_at = _deliver_at(form)
        self.batch = "recipient-variables" in form

    def letter(
        self, to: tuple[Party, ...], people: Mapping[str, tuple[Party, ...]], variables: Mapping[str, str]
    ) -> Letter:
        """What these people get."""
        one = to[0]

        def put(text: str) -> str:
            return put_in_variables(text, variables, one.address, one.name) if self.batch else text

        meta = {put(name): put(value) for name, value in self.meta.items()}
        headers, reply_to, message_id = self._headers(put)
        return Letter(
            sender=self.sender,
            to=to,
            cc=people["cc"],
            bcc=people["bcc"],
            reply_to=reply_to,
            subject=one_line(put(self.subject), "subject"),
            text=put(self.text),
            html=put(self.html),
            headers=headers,
            files=self.files,
            own_words=(*leaves(list(variables.values())), *leaves(self.given)),
            attributes=variables,
            meta=meta,
            campaign=self.campaign,
            message_id=message_id,
            external_id=squeeze(meta.get("email-id", "")),
            send_at=self.send_at,
            deliver=self.deliver,
            pending=self.pending,
        )

    def _headers(self, put: Any) -> tuple[tuple[tuple[str, str], ...], tuple[Party, ...], str]:
        """Header fields, whom to answer, and the Message-ID where the tool gives one."""
        found: list[tuple[str, str]] = []
        reply_to: tuple[Party, ...] = ()
        message_id = ""
        for name, value in self.headers:
            value = put(value)
            lower = name.lower()
            if lower == "reply-to":
                reply_to = read_mailboxes(value, "h:Reply-To")
            elif lower == "message-id" and (given := _ID.match(value.strip())):
                message_id = f"<{given[1]}>"
            elif lower == "list-unsubscribe":
                value = _TOKEN.sub("", value).strip().strip(",").strip()
            if value and lower != "x-mailgun-variables":
                found.append((name, value))
        return check_headers(found, "h:"), reply_to, message_id


def _build(letter: Letter, call: Call, identity: str, key: str) -> Any:
    return build_message(letter, call.source, identity, call.now, key)


def _form(call: Call) -> Form:
    if not _DOMAIN.match(call.request.match_info["domain"]):
        raise Bad("Domain not found", status=404)
    return parse_form(call.request.headers.get("Content-Type", ""), call.raw)


def _people(form: Form, name: str) -> tuple[Party, ...]:
    try:
        return tuple(each for value in form.all(name) for each in read_mailboxes(value, name))
    except Bad as bad:
        if bad.status != 400:
            raise
        text = f"'{name}' parameter is not a valid address. please check documentation"
        raise Bad(text) from None


def _once(people: tuple[Party, ...]) -> tuple[Party, ...]:
    """Each person once, as the first time."""
    found: dict[str, Party] = {}
    for one in people:
        found.setdefault(normalize("email", one.address), one)
    return tuple(found.values())


def _variables(form: Form) -> Variables:
    data = _object(form.get("recipient-variables"), "recipient-variables")
    return {
        address.strip().casefold(): scalars(an_object(words, "recipient-variables"))
        for address, words in data.items()
    }


def _own(variables: Variables, address: str) -> Mapping[str, str]:
    return variables.get(address.casefold(), {})


def _object(text: str, name: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        value = parse_json(text.encode("utf-8", "replace"))
    except Exception as error:
        raise Bad(f"'{name}' parameter is not valid JSON") from error
    return dict(an_object(value, name))


def _files(form: Form) -> tuple[File, ...]:
    parts = [part for part in form.parts if part.name in ("attachment", "inline")]
    if len(parts) > MOST_FILES:
        raise Bad(f"There may be at most {MOST_FILES} attachments")
    if any(part.filename is None for part in parts):
        raise Bad("attachment parameter is not a file")
    return tuple(
        File(
            filename=one_line(part.filename or "", "attachment")[:255],
            octets=part.octets,
            type=part.type or "application/octet-stream",
            inline=part.name == "inline",
            content_id=(part.filename or "") if part.name == "inline" else "",
        )
        for part in parts
    )


def _campaign(form: Form, meta: Mapping[str, str]) -> str:
    """A variable that names it, Ghost's own, or the first tag."""
    named = next((meta[name] for name in ("campaign_id", "campaign", "email-id") if meta.get(name)), "")
    return squeeze(named or form.get("o:tag"))


def _is_test(form: Form) -> bool:
    return form.get("o:testmode").strip().lower() in _YES


def _deliver_at(form: Form) -> float:
    text = form.get("o:deliverytime").strip()
    if not text:
        return 0.0
    try:
        if text.isdecimal() and len(text) < 12:
            return float(text)
        at = parsedate_to_datetime(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise Bad("o:deliverytime parameter is not a valid date") from None


async def events(call: Call) -> web.Response:
    """`GET /v3/<domain>/events`, which Ghost asks for what became of its newsletters."""
    return web.json_response(await list_events(call))


async def check_domain(call: Call) -> web.Response:
    """`GET /v3/domains/<domain>`: what tools ask to see whether their settings are good."""
    name = squeeze(call.request.match_info["domain"])
    return web.json_response({"domain": {"name": name, "state": "active", "type": "custom"}})


def fail(bad: Bad) -> web.Response:
    """The errors of Mailgun; an unknown key is told in one word."""
    if bad.status == 401:
        return web.Response(
            status=401, text="Forbidden", headers={"WWW-Authenticate": 'Basic realm="MG API"'}
        )
    text = f"{bad.text} ({bad.field})" if bad.field else bad.text
    return web.json_response({"message": text}, status=bad.status, headers=bad.headers)


def _key(request: web.Request) -> str:
    return basic_secret(request.headers.get("Authorization", ""), "api")


MAILGUN = Dialect(
    name="mailgun",
    routes=(
        ("GET", "/v3/domains/{domain}", check_domain),
        ("POST", "/v3/{domain}/messages", send),
        ("POST", "/v3/{domain}/messages.mime", send_mime),
        ("GET", "/v3/{domain}/events", events),
        ("GET", "/v3/{domain}/events/{page}", events),
    ),
    key=_key,
    fail=fail,
)
