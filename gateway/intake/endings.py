"""Holds that ended without being sent, noted for whoever tells their sources.

A note is written in the transaction that ends the hold, whichever process does that, and stands among the
rows that expire by themselves: of a source, by the hold's id, without anything about a person.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from gateway.store.attempt import Report
from gateway.store.draft import Draft, Needs
from gateway.store.outbox import queue_report
from gateway.store.records import HoldRow, ReplayRow

PREFIX, END = b"ended/", b"ended0"
KEPT = 14 * 86400.0
"""Seconds that a note waits for somebody who serves."""

WAITING = "SELECT answer, min(expires_at) FROM replays WHERE key >= ? AND key < ? GROUP BY answer"
NOTES = (
    "SELECT key FROM replays WHERE key >= ? AND key < ? AND expires_at <= ? AND expires_at > ?"
    " ORDER BY key LIMIT ?"
)
PAUSED = "SELECT 1 FROM replays WHERE key = ? AND expires_at > ?"
_DROP = "DELETE FROM replays WHERE key >= ? AND key <= ? AND expires_at <= ?"


def note_ending(draft: Draft[Any], hold: HoldRow) -> None:
    """Its source is to be told that this hold was rejected, or expired."""
    key = range_of(hold.source)[0] + hold.id.encode("ascii", "replace")
    draft.writes.replays[key] = ReplayRow(key, draft.now + KEPT, hold.source.encode())


def range_of(source: str) -> tuple[bytes, bytes]:
    """Between which keys the notes of a source stand."""
    start = PREFIX + source.encode()
    return start + b"\0", start + b"\1"


def pause_of(source: str) -> bytes:
    """Under what it stands that a source was told a short while ago."""
    return b"ended-told/" + blake2b(source.encode(), digest_size=16).digest()


def hold_of(key: bytes) -> str:
    """The hold that a note is about."""
    return key.rpartition(b"\0")[2].decode("ascii", "replace")


class Tell:
    """Queue a letter about some notes and drop them, those from the first to the last key that were written
    until a moment (as `expires_at` has it); then pause. False where somebody else was quicker."""

    def __init__(
        self, source: str, notes: Sequence[bytes], until: float, report: Report | None, pause: float
    ) -> None:
        self._pause_key, self._notes, self._until = pause_of(source), notes, until
        self._report, self._pause = report, pause
        self.needs = Needs(replays=(self._pause_key, notes[0]))

    def apply(self, draft: Draft[Any]) -> bool:
        """Whether the letter leaves. Without one, the notes alone go."""
        if draft.replay(self._pause_key) is not None or draft.replay(self._notes[0]) is None:
            return False
        draft.writes.statements.append((_DROP, (self._notes[0], self._notes[-1], self._until)))
        if self._report is not None:
            queue_report(draft, self._report)
            row = ReplayRow(self._pause_key, draft.now + self._pause, b"1")
            draft.writes.replays[self._pause_key] = row
        return True
