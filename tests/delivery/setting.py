"""A worker at work on an outbox in memory and real relays, for tests."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway.delivery.relay import Relay
from gateway.delivery.reports import Reports, Wish
from gateway.delivery.route import Routes
from gateway.delivery.session import Timeouts
from gateway.delivery.smtp import SmtpRelay
from gateway.delivery.target import parse_smtp
from gateway.delivery.worker import Worker
from gateway.metrics import Metrics
from gateway.store.attempt import Attempt
from tests.delivery.outbox import Item, MemoryOutbox

# A relay that hangs is found out within the quarter of a second.
QUICK = Timeouts(connect=0.5, command=0.2, block=0.5, final=0.2, idle=5.0, patience=0.1)
PATIENT = Timeouts(connect=5.0, command=20.0, block=20.0, final=20.0)


class Clock:
    """Unix time that a test may push forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass
class Delivering:
    """What a test can look at."""

    outbox: MemoryOutbox
    worker: Worker
    relays: Mapping[str, Relay]
    metrics: Metrics
    clock: Clock

    def send(self, *items: Item) -> None:
        self.outbox.add(*items)

    async def attempt(self, item: Item, number: int = 1) -> Attempt:
        """Wait for the entry's attempt of that number."""
        await until(lambda: len(self.outbox.attempts(item)) >= number)
        return self.outbox.attempts(item)[number - 1]

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


async def until(true: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait until it is true, or fail."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.005)


@asynccontextmanager
async def delivering(
    url: str = "",
    *,
    timeouts: Timeouts = PATIENT,
    connections: int = 1,
    relays: Mapping[str, Relay] | None = None,
    routes: Routes | None = None,
    wishes: Mapping[str, Wish] | None = None,
    max_age: float = 3600.0,
    grace: float = 2.0,
) -> AsyncIterator[Delivering]:
    """Deliver to an SMTP relay, or to `relays`, until the end of the block."""
    clock, metrics = Clock(), Metrics()
    outbox = MemoryOutbox(clock)
    if relays is None:
        relays = {"smtp": smtp_relay(url, timeouts=timeouts, connections=connections)}
    worker = Worker(
        outbox,
        relays,
        routes or Routes(formats=dict.fromkeys(relays, "mime"), email=next(iter(relays))),
        metrics,
        reports=Reports(wishes or {}, "gateway.example"),
        max_age=max_age,
        clock=clock,
        rng=random.Random(7),
    )
    task = asyncio.create_task(worker.run())
    try:
        yield Delivering(outbox, worker, relays, metrics, clock)
    finally:
        await worker.stop(grace)
        await task
    assert not outbox.leased, "everything taken is settled"


def smtp_relay(
    url: str, *, name: str = "smtp", timeouts: Timeouts = PATIENT, connections: int = 1
) -> SmtpRelay:
    return SmtpRelay(
        name,
        parse_smtp(url),
        connections=connections,
        hostname="gateway.example",
        timeouts=timeouts,
        rng=random.Random(7),
    )
