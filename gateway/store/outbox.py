"""The outbox as delivery sees it: entries, and the feed that hands fresh ones over from memory."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from gateway.store.attempt import Report
from gateway.store.records import BodyRow, OutboxRow

if TYPE_CHECKING:
    from gateway.store.draft import Draft

ONE_CLICK = "one-click"
"""The relay that tells tools of withdrawals, and the format and channel of its entries."""

FEED_BYTES = 16 * 1024 * 1024
"""Bodies kept in memory for their first attempt; past this, entries wait in the database."""


class _Packed(Struct, frozen=True, kw_only=True):
    """The part of an entry that is stored as one JSON column."""

    channel: str
    source: str
    sender: str
    class_: str
    campaign: str
    envelope_from: str
    address: str
    relay: str
    format: str = "mime"
    smtputf8: bool = False
    notify: str = ""
    orcpt: str = ""
    dsn_return: str = ""
    dsn_envelope_id: str = ""
    alone: bool = True
    recheck: bool = False
    add_headers: tuple[tuple[str, str], ...] = ()
    strip_headers: tuple[str, ...] = ()


class Entry(_Packed, frozen=True, kw_only=True):
    """One delivery to make: to whom, through what, and the octets. Times are unix seconds.

    `strip_headers` names fields (in small letters) that are taken out before `add_headers` are put first.
    `alone` says that nobody else receives the same message, so its body may go with it. `return_path`,
    where given, is the reverse-path to use on the wire; `envelope_from` stays that of whoever sent it.
    """

    id: str
    message_id: str
    controller: str
    subject_key: bytes
    raw: bytes
    attempts: int = 0
    queued_at: float = 0.0
    due_at: float = 0.0
    lease_until: float = 0.0
    return_path: str = ""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Packed).decode


class Feed:
    """Entries just committed, in order, with their bytes. Empty once delivery keeps up.

    When it overflows, newer entries go to the database only (`spilled`), until those were taken: the
    order of first attempts is kept.
    """

    def __init__(self, limit: int = FEED_BYTES) -> None:
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._limit = limit
        self.spilled = False
        self.wake = asyncio.Event()
        self.on_cancel: Callable[[set[str]], None] | None = None

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def has_room(self) -> bool:
        """Whether entries of the next batch may come through memory."""
        if self._bytes > self._limit:
            self.spilled = True
        return not self.spilled

    def offer(self, entries: Iterable[Entry]) -> None:
        """Hand over what was committed."""
        for entry in entries:
            self._entries.append(entry)
            self._bytes += len(entry.raw)
        self.wake.set()

    def pop(self, limit: int, now: float) -> list[Entry]:
        """Up to `limit` entries whose lease still holds."""
        taken: list[Entry] = []
        while self._entries and len(taken) < limit:
            entry = self._entries.popleft()
            self._bytes -= len(entry.raw)
            if entry.lease_until > now:
                taken.append(entry)
        return taken

    def drop(self, ids: set[str]) -> None:
        """Forget entries that were cancelled, and tell whoever may have taken them."""
        kept = [entry for entry in self._entries if entry.id not in ids]
        self._entries = deque(kept)
        self._bytes = sum(len(entry.raw) for entry in kept)
        if self.on_cancel is not None:
            self.on_cancel(ids)


def queue_report(draft: "Draft[Any]", report: Report) -> None:
    """Put mail of the gateway's own (null sender, RFC 5321 4.5.5) in the outbox."""
    entry = pack_entry(
        channel="email",
        source=report.source,
        sender="",
        class_="transactional",
        campaign="",
        envelope_from="",
        address=report.address,
        relay="",
        format="mime",
        smtputf8=report.smtputf8,
        notify="NEVER",
        orcpt="",
        dsn_return="",
        dsn_envelope_id="",
        alone=True,
        recheck=False,
        add_headers=(),
    )
    draft.writes.bodies.append(BodyRow(report.id, report.raw))
    _queue(draft, report.id, report.controller, entry)


def queue_call(draft: "Draft[Any]", call_id: str, url: str, source: str, controller: str) -> None:
    """Put a one-click withdrawal (RFC 8058) at a tool's own address in the outbox: its body is the URL."""
    entry = pack_entry(
        channel=ONE_CLICK,
        source=source,
        sender="",
        class_="transactional",
        campaign="",
        envelope_from="",
        address="",
        relay=ONE_CLICK,
        format=ONE_CLICK,
        alone=True,
        add_headers=(),
    )
    draft.writes.bodies.append(BodyRow(call_id, url.encode()))
    _queue(draft, call_id, controller, entry)


def _queue(draft: "Draft[Any]", name: str, controller: str, entry: bytes) -> None:
    """An outbox row of the gateway's own: about no recipient, so nothing cancels it."""
    draft.writes.outbox.append(
        OutboxRow(
            f"{name}-0",
            name,
            controller,
            bytes(16),
            False,
            draft.now,
            draft.now,
            0,
            draft.owner if draft.lease else "",
            draft.lease,
            entry,
        )
    )


def pack_entry(**fields: object) -> bytes:
    """The delivery part of an entry, as the outbox stores it."""
    return _encode(fields)


def unpack_entry(row: OutboxRow, raw: bytes) -> Entry:
    """An entry of a row and the body that belongs to it."""
    return Entry(
        id=row.id,
        message_id=row.message_id,
        controller=row.controller,
        subject_key=row.subject,
        raw=raw,
        attempts=row.attempts,
        queued_at=row.queued_at,
        due_at=row.due_at,
        lease_until=row.lease_until,
        **asdict(_decode(row.entry)),
    )
