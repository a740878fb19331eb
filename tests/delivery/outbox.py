"""An outbox in memory, and entries to put in it."""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from gateway.store.attempt import Attempt, Report
from gateway.store.outbox import Entry

_numbers = itertools.count(1)
RAW = b"From: news@example.com\r\nTo: anna@example.org\r\nSubject: Ciao\r\n\r\nBuongiorno Anna.\r\n"


Item = Entry


def entry(**given: object) -> Entry:
    """An entry with a number of its own."""
    now = time.time()
    usual = {
        "id": f"e{next(_numbers):06}",
        "message_id": "m-1",
        "controller": "acme",
        "subject_key": bytes(16),
        "channel": "email",
        "source": "listmonk",
        "sender": "news@example.com",
        "class_": "newsletter",
        "campaign": "",
        "envelope_from": "news@example.com",
        "address": "anna@example.org",
        "relay": "",
        "raw": RAW,
        "queued_at": now,
        "due_at": now,
    }
    return Entry(**{**usual, **given})  # type: ignore[arg-type]  # any field may be given


@dataclass
class MemoryOutbox:
    """Leases, settles and hands out again when due, on the given clock."""

    clock: Callable[[], float]
    settled: list[tuple[Item, Attempt]] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    leased: dict[str, Item] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)
    broken: int = 0

    def __post_init__(self) -> None:
        self._due: list[tuple[float, str, Item]] = []
        self._news = asyncio.Event()

    def add(self, *items: Item) -> None:
        for item in items:
            heapq.heappush(self._due, (item.due_at, item.id, item))
        self._news.set()

    @property
    def waiting(self) -> int:
        return len(self._due)

    async def take(self, limit: int) -> Sequence[Item]:
        if self.broken:
            self.broken -= 1
            raise OSError("the store is down")
        while not (self._due and self._due[0][0] <= self.clock()):
            self._news.clear()
            try:
                async with asyncio.timeout(0.02):
                    await self._news.wait()
            except TimeoutError:
                pass
        batch = []
        while self._due and self._due[0][0] <= self.clock() and len(batch) < limit:
            item = heapq.heappop(self._due)[2]
            self.leased[item.id] = item
            self.taken.append(item.id)
            batch.append(item)
        return batch

    def withdraw(self) -> None:
        """What waits is gone: canceled, or another replica took it."""
        self._due.clear()

    def forget(self, ids: set[str]) -> None:
        """These were canceled."""
        self._due = [due for due in self._due if due[1] not in ids]
        for name in ids:
            self.leased.pop(name, None)

    def settle(self, item: Item, attempt: Attempt) -> None:
        del self.leased[item.id]  # a KeyError: settled twice
        self.settled.append((item, attempt))
        if attempt.outcome == "deferred":
            lease = item.lease_until and self.clock() + 900
            tries = item.attempts + attempt.counted
            self.add(replace(item, due_at=attempt.next_at, attempts=tries, lease_until=lease))

    def report(self, report: Report) -> None:
        self.reports.append(report)

    def attempts(self, item: Item) -> list[Attempt]:
        """What was settled for an entry, without what was only given back."""
        return [attempt for each, attempt in self.settled if each.id == item.id and attempt.counted]
