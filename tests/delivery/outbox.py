"""An outbox in memory, and entries to put in it."""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from gateway.store.attempt import Attempt, Report

_numbers = itertools.count(1)
RAW = b"From: news@example.com\r\nTo: anna@example.org\r\nSubject: Ciao\r\n\r\nBuongiorno Anna.\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An entry as the store hands it out."""

    id: str
    lane: int = 0
    message_id: str = "m-1"
    channel: str = "email"
    envelope_from: str = "news@example.com"
    address: str = "anna@example.org"
    relay: str = ""
    raw: bytes = RAW
    format: str = "mime"
    smtputf8: bool = False
    notify: str = ""
    orcpt: str = ""
    dsn_return: str = ""
    dsn_envelope_id: str = ""
    attempts: int = 0
    queued_at: float = 0.0
    due_at: float = 0.0
    source: str = "listmonk"
    controller: str = "acme"
    subject_key: bytes = b"0123456789abcdef"
    campaign: str = ""
    class_: str = "newsletter"
    add_headers: tuple[tuple[str, str], ...] = ()


def entry(**given: object) -> Item:
    """An entry with a number of its own."""
    number = next(_numbers)
    now = time.time()
    return replace(Item(id=f"e{number:06}", queued_at=now, due_at=now), **given)


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

    def settle(self, item: Item, attempt: Attempt) -> None:
        del self.leased[item.id]  # a KeyError: settled twice
        self.settled.append((item, attempt))
        if attempt.outcome == "deferred":
            self.add(replace(item, due_at=attempt.next_at, attempts=item.attempts + attempt.counted))

    def report(self, report: Report) -> None:
        self.reports.append(report)

    def attempts(self, item: Item) -> list[Attempt]:
        """What was settled for an entry, without what was only given back."""
        return [attempt for each, attempt in self.settled if each.id == item.id and attempt.counted]
