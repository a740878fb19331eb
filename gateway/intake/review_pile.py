"""What came back and could not be matched or believed: kept for a person to look at."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.intake.effects import Effect
from gateway.intake.events import EventResult, TellEvent
from gateway.message.ids import new_id
from gateway.store.attempt import Report
from gateway.store.digests import SALT, event_digest
from gateway.store.draft import Draft, Needs
from gateway.store.outbox import queue_report
from gateway.store.records import AuditRow, EventRow, ReplayRow

UNMATCHED = "reply.unmatched"
MOST_AN_HOUR = 500
"""Kept by one process in an hour: whoever floods the listener fills no disk."""
LONGEST_TEXT = 4_000
REMEMBERED = 7 * 86400.0
"""Seconds for which mail that only goes on is known again: longer than a mail server tries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One mail for review. `reason`: unmatched, untrusted, other_address, bounce, complaint; `message` the
    one that it may be about; `controller` "" where nobody knows whom it concerns."""

    dedup: bytes
    controller: str
    reason: str
    message: str
    author: str
    addressed: tuple[str, ...]
    subject: str
    text: str
    at: float


class ReviewPile:
    """Counts what is kept, by the hour."""

    def __init__(self, most: int = MOST_AN_HOUR) -> None:
        self._most = most
        self._hour = 0
        self._kept = 0

    def has_room(self, now: float) -> bool:
        """Count one more; False where there were too many this hour."""
        hour = int(now // 3600)
        if hour != self._hour:
            self._hour, self._kept = hour, 0
        self._kept += 1
        return self._kept <= self._most


class TakeIn:
    """One mail that came back: the events that it tells, or what is kept of it, and the letter that goes
    on, all in one transaction. Coming a second time it changes nothing and goes nowhere; `known_by` is
    the key under which that is remembered of mail that tells nothing and is not kept."""

    def __init__(
        self,
        units: Sequence[TellEvent] = (),
        *,
        kept: Kept | None = None,
        letter: Report | None = None,
        known_by: bytes = b"",
    ) -> None:
        self._units = units
        self._kept = kept
        self._letter = letter
        self._known_by = known_by
        people = [ref for unit in units for ref in unit.needs.people]
        events = [mark for unit in units for mark in unit.needs.events] + ([kept.dedup] if kept else [])
        replays = [key for unit in units for key in unit.needs.replays] + ([known_by] if known_by else [])
        self.needs = Needs(people=tuple(dict.fromkeys(people)), events=events, replays=replays)

    def apply(self, draft: Draft[Any]) -> list[EventResult]:
        """What each event did; for what is kept, one result when it is new."""
        results = [unit.apply(draft) for unit in self._units]
        if self._kept is not None and not draft.event_known(self._kept.dedup):
            results.append(_keep(draft, self._kept))
        new = any(not result.replayed for result in results)
        if self._known_by and draft.replay(self._known_by) is None:
            draft.writes.replays[self._known_by] = ReplayRow(self._known_by, draft.now + REMEMBERED, b"")
            new = True
        if self._letter is not None and new:
            queue_report(draft, self._letter)
        return results


def _keep(draft: Draft[Any], kept: Kept) -> EventResult:
    event_id = new_id(draft.now, kept.dedup)
    data = orjson.dumps(
        {
            "reason": kept.reason,
            "message": kept.message,
            "from": kept.author,
            "to": kept.addressed,
            "subject": kept.subject[:300],
            "text": kept.text[:LONGEST_TEXT],
        }
    )
    row = EventRow(event_id, kept.controller, b"", "replies", UNMATCHED, kept.at, draft.now, kept.dedup, data)
    draft.writes.events.append(row)
    salt = os.urandom(SALT)
    digest = event_digest(row, salt)
    draft.writes.audit.append(AuditRow(draft.now, f"event.{UNMATCHED}", event_id, "replies", digest, salt))
    return EventResult(id=event_id, effect=Effect(applied=False, note=kept.reason, reply="unmatched"))
