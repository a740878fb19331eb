"""What happened out there, as sources tell it: told once or ten times, it counts once.

Whatever restricts counts from everyone; what opens a door counts only where the source may open doors.
"""

import dataclasses
import os
import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson
from msgspec.structs import replace

from gateway.access import Access
from gateway.intake.effects import Effect, Telling, take_effect
from gateway.intake.held import asked_key
from gateway.intake.inbound import own_words
from gateway.intake.linking import link
from gateway.keys import Keys
from gateway.ledger.autoreply import (
    asks_to_stop,
    begins_with_stop,
    calls_itself_automatic,
    is_marked_reply,
    newest_text,
    reads_automatic,
)
from gateway.ledger.channels import besides_channels, refused_channels
from gateway.ledger.happening import Happening
from gateway.ledger.refusal import invites_nothing
from gateway.ledger.wishes import refuses_sales
from gateway.message.content import Content
from gateway.message.envelope import CHANNELS
from gateway.message.ids import is_id, new_id
from gateway.metrics import Metrics
from gateway.reading.read import Reader
from gateway.reading.reading import Reading
from gateway.store.digests import SALT, event_digest
from gateway.store.draft import Draft, Needs
from gateway.store.protocol import Store
from gateway.store.records import AuditRow, EventRow, Ref, ReplayRow

ANSWER_SECONDS = 30 * 86400.0
"""How long a repeated event gets the answer it got first; later it is told that it was recorded."""
BACKDATE_SECONDS = 7 * 86400.0
MOST_DATA = 16_384
"""Octets kept of what a source added to an event."""
SHORTEST_PHONE = 7
"""Digits from which a number is somebody's, with the code of the country."""


_MARKUP = re.compile(r"<(?:!doctype|html|body|head|div|p|span|br|table|font|blockquote)\b[^<>]{0,500}>", re.I)
"""What only HTML has in it. Tools tell replies in it as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventResult:
    """What became of an event. `id` is the event's own, `effect` what it did; `replayed` says that it
    was told before and changed nothing now; `backdated` that it counts from a later time than it said."""

    id: str
    effect: Effect
    backdated: bool = False
    replayed: bool = False

    @property
    def status(self) -> str:
        """`applied`, or `recorded` where it changed nothing."""
        return "applied" if self.effect.applied else "recorded"


class TellEvent:
    """One event: recorded, and applied to the people whom it names.

    `reading` is what `happening.text` says, for the stop in it; `revives` whether a consent of grade A
    that this source reports may follow a withdrawal, `places` whether it may say which law counts for one.
    """

    __slots__ = ("_backdate", "_happening", "_marks", "_people", "_places", "_reading", "_revives", "needs")

    def __init__(
        self,
        happening: Happening,
        keys: Keys,
        reading: Reading | None = None,
        *,
        backdate_limit: float = BACKDATE_SECONDS,
        revives: bool = False,
        places: bool = False,
    ) -> None:
        self._happening = happening
        self._reading = reading
        self._backdate = backdate_limit
        self._revives = revives
        self._places = places
        self._people = _refs(happening, keys)
        self._marks = dedup = dedup_of(happening), dedup_apart(happening)
        people = tuple(dict.fromkeys(self._people.values()))
        asked = happening.message if happening.type == "message.sent" else ""
        self.needs = Needs(
            people=people,
            events=dedup,
            replays=(*dedup, asked_key(happening.controller, asked)) if asked else dedup,
            messages=(asked,) if is_id(asked) else (),
        )

    def apply(self, draft: Draft[EventResult]) -> EventResult:
        """Record and apply it; an event that was told before gets the same answer and changes nothing."""
        dedup = self._mark(draft)
        if draft.event_known(dedup):
            return _repeated(draft.replay(dedup))
        h, event_id = self._happening, new_id(draft.now, dedup)
        at, backdated = self._time(draft.now)
        if backdated and not h.backdated:
            h = replace(h, backdated=True)
        effect, apart = Effect(applied=False), False
        if self._people:
            linked, apart = link(draft, tuple(dict.fromkeys(self._people.values())))
            effect = take_effect(self._telling(draft, h, event_id, at, linked))
        if apart and not effect.note:
            effect = dataclasses.replace(effect, note="too_many_addresses")
        result = EventResult(id=event_id, effect=effect, backdated=h.backdated)
        self._record(draft, h, result, at, dedup)
        return result

    def _mark(self, draft: Draft[Any]) -> bytes:
        """Under which it is recorded: what one controller was told is no news of another's, though the source
        or the mail is the same."""
        plain, apart = self._marks
        others = draft.event_of(plain) not in (None, self._happening.controller)
        return apart if others or draft.event_known(apart) else plain

    def _time(self, now: float) -> tuple[float, bool]:
        """When it counts as having happened: never in the future, and not long before it was told."""
        earliest = min(self._happening.received_at or now, now) - self._backdate
        at = min(self._happening.occurred_at or now, now)
        return max(at, earliest), at < earliest

    def _telling(
        self, draft: Draft[Any], h: Happening, event_id: str, at: float, linked: tuple[Ref, ...]
    ) -> Telling:
        people = tuple(dict.fromkeys(self._people.values()))
        near = tuple(dict.fromkeys(ref for (channel, _), ref in self._people.items() if channel == h.channel))
        channels = tuple(c for c in refused_channels(newest_text(h.text), h.channel) if c in CHANNELS)
        return Telling(
            draft=draft,
            happening=h,
            event=event_id,
            at=at,
            people=people,
            near=near or people[:1],
            linked=linked,
            stops=self._stops(),
            refuses_sales=refuses_sales(newest_text(h.text)),
            channels=channels,
            refused=tuple(dict.fromkeys(ref for (c, _), ref in self._people.items() if c in channels)),
            declines=h.type == "message.replied" and (bool(channels) or invites_nothing(h.text)),
            automatic=is_automatic(h),
            revives=self._revives and h.opens and not h.backdated,
            places=self._places,
        )

    def _stops(self) -> bool:
        h = self._happening
        if calls_itself_automatic(h.text):
            return False
        said = self._reading is not None and self._reading.stop_request.value
        return said or asks_to_stop(besides_channels(newest_text(h.text), h.channel))

    def _record(
        self, draft: Draft[EventResult], h: Happening, result: EventResult, at: float, dedup: bytes
    ) -> None:
        subject = next(iter(self._people.values()), (h.controller, b""))[1]
        data = pack_event(h, result.effect)
        row = EventRow(result.id, h.controller, subject, h.source, h.type, at, draft.now, dedup, data)
        draft.writes.events.append(row)
        answer = ReplayRow(dedup, draft.now + ANSWER_SECONDS, _pack_result(result))
        draft.writes.replays[dedup] = answer
        salt = os.urandom(SALT)
        digest = event_digest(row, salt)
        draft.writes.audit.append(AuditRow(draft.now, f"event.{h.type}", result.id, h.source, digest, salt))


def _refs(h: Happening, keys: Keys) -> dict[tuple[str, str], Ref]:
    """Who is named, by channel and key."""
    return {(r.channel, r.key): (h.controller, keys.subject(r.channel, r.key)) for r in h.recipients if r.key}


def dedup_of(h: Happening) -> bytes:
    """What makes two tellings the same event: the source's own id, else all that was said."""
    if h.source_event_id:
        said = f"{h.source}\0{h.source_event_id}"
    else:
        people = "\0".join(sorted(f"{r.channel}:{r.key}" for r in h.recipients))
        said = f"{h.source}\0\0{h.type}\0{h.occurred_at!r}\0{h.sender}\0{people}\0{h.thread}\0{h.text}"
    return blake2b(said.encode(errors="replace"), digest_size=16, person=b"event").digest()


def dedup_apart(h: Happening) -> bytes:
    """The same, for a controller where another was told it before."""
    return blake2b(dedup_of(h) + h.controller.encode(), digest_size=16, person=b"event-apart").digest()


def is_automatic(h: Happening) -> bool:
    """Whether a reply was written by a machine, as far as the source or its own words say so: a subject
    that repeats another one says nothing, nor does any where the first line asks to be left alone."""
    if h.type != "message.replied":
        return False
    if str(h.data.get("automatic", "")).lower() == "true":
        return True
    subject = str(h.data.get("subject") or "")
    return reads_automatic(subject) and not (is_marked_reply(subject) or begins_with_stop(h.text))


def pack_event(h: Happening, effect: Effect) -> bytes:
    """What is kept of an event: never its text, nor an address."""
    data: dict[str, Any] = {"channel": h.channel, "effect": "applied" if effect.applied else "recorded"}
    told = {
        "note": effect.note, "reply": effect.reply, "sender": h.sender, "thread": _thread_of(h),
        "purpose": h.purpose, "message": h.message, "occurred_at": h.occurred_at,
        "backdated": h.backdated, "source_event_id": h.source_event_id,
    }  # fmt: skip
    data.update({name: value for name, value in told.items() if value})
    if h.data:
        added = orjson.dumps(dict(h.data), default=str)
        if len(added) <= MOST_DATA:
            data["data"] = orjson.Fragment(added)
    return orjson.dumps(data)


def _thread_of(h: Happening) -> str:
    """The thread as it is kept and told outside; none where its name says who the person is."""
    said = h.thread.casefold()
    for who in h.recipients:
        for name in (who.address.casefold(), who.key.casefold()):
            telling = "@" in name or "/" in name or (name.isdigit() and len(name) >= SHORTEST_PHONE)
            if name and (name == said or (telling and name in said)):
                return ""
    return h.thread


def _pack_result(result: EventResult) -> bytes:
    effect = result.effect
    return orjson.dumps((result.id, effect.applied, effect.note, effect.reply, result.backdated))


def _repeated(answer: bytes | None) -> EventResult:
    if answer is None:
        return EventResult(id="", effect=Effect(applied=False, note="recorded_before"), replayed=True)
    event_id, applied, note, reply, backdated = orjson.loads(answer)
    effect = Effect(applied=applied, note=note, reply=reply)
    return EventResult(id=event_id, effect=effect, backdated=backdated, replayed=True)


class Events:
    """Where every ingress tells what happened."""

    def __init__(
        self,
        store: Store,
        reader: Reader,
        keys: Keys,
        metrics: Metrics,
        access: Access,
        *,
        backdate_limit: float = BACKDATE_SECONDS,
    ) -> None:
        self._store = store
        self._reader = reader
        self._keys = keys
        self._metrics = metrics
        self._access = access
        self._backdate_limit = backdate_limit

    async def tell(self, happening: Happening) -> EventResult:
        """Record and apply one event; returns once that is durable. Raises StoreError. A text in HTML is
        taken as a person sees it."""
        if _MARKUP.search(happening.text):
            happening = replace(happening, text=self._seen(happening.text))
        reading = None
        if happening.type == "message.replied" and happening.text:
            said = own_words(happening.text, happening.channel)
            reading = self._reader.read(Content(channel=happening.channel, text=said, is_reply=True))
        source = self._access.named(happening.source)
        trusted = source.trusted if source is not None else frozenset()
        unit = TellEvent(
            happening,
            self._keys,
            reading,
            backdate_limit=self._backdate_limit,
            revives="consent" in trusted,
            places="jurisdiction" in trusted,
        )
        result = await self._store.run(unit)
        if not result.replayed:
            count(self._metrics, result.effect)
        return result

    def _seen(self, html: str) -> str:
        """A page as text; where tags only stand among lines of text, its lines stay lines."""
        page = html if html.lstrip().startswith("<") else html.replace("\n", "<br>")
        return self._reader.see(Content(html=page)).text


def count(metrics: Metrics, effect: Effect) -> None:
    """Count what an event did."""
    if effect.reply:
        metrics.reply(effect.reply)
    if effect.conversation:
        metrics.conversation_started()
    if effect.unsubscribed:
        metrics.unsubscribe()
    if effect.complained:
        metrics.complaint()
    if effect.bounce:
        metrics.bounce(effect.bounce)
    if effect.answered_after is not None:
        metrics.answered_in(effect.answered_after)
