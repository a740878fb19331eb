"""From the outbox to the relays and back: takes, routes, settles."""

import asyncio
import random
from collections.abc import Callable, Mapping, Set

from gateway.delivery import journal
from gateway.delivery.circuit import State
from gateway.delivery.outbox import Entry, Outbox
from gateway.delivery.relay import Relay
from gateway.delivery.reports import Reports
from gateway.delivery.route import Routes, route
from gateway.delivery.transaction import Refusal
from gateway.delivery.verdict import Result, conclude, give_back
from gateway.metrics import Metrics
from gateway.store.attempt import Attempt, Kind, Outcome, Report
from gateway.store.outbox import ONE_CLICK

TICK = 1.0
PAUSE = 0.05
KEEP_WHILE_DOWN = 10.0  # then what waits goes back, where a stop can still cancel it
LOOK_WHILE_DOWN = 60.0  # what grew too old must be given up even if no relay works
LEASE_LEFT = 800.0  # the longest that an attempt may take: one is not begun with less (Timeouts.whole)
_LOOKS = 8
_LOOK_AT = 8  # few at a time: what a look that takes too long has not come to goes back unseen

Write = Callable[[Entry, Attempt, float], tuple[Report, ...]]


class Worker:
    """Keeps the relays busy and the outbox informed; nothing it takes is left unsettled.

    `relays` by name as in `routes`; `max_age` (seconds) is how long an entry is tried. `clock` gives unix
    seconds. While no relay works it takes nothing, so that what waits keeps its order and can be canceled.
    """

    def __init__(
        self,
        outbox: Outbox,
        relays: Mapping[str, Relay],
        routes: Routes,
        metrics: Metrics,
        *,
        reports: Reports,
        max_age: float,
        clock: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self._outbox = outbox
        self._relays = relays
        self._routes = routes
        self._metrics = metrics
        self._reports = reports
        self._max_age = max_age
        self._clock = clock
        self._rng = rng
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._looked_at = 0.0

    @property
    def reports(self) -> Reports:
        """Who is told of what failed or was refused."""
        return self._reports

    @property
    def down(self) -> Mapping[str, str]:
        """The relays that do not work, and why (a kind, as in Attempt): for /readyz."""
        return {
            name: str(relay.circuit.reason)
            for name, relay in self._relays.items()
            if relay.circuit.state is not State.CLOSED
        }

    @property
    def up(self) -> Mapping[str, bool]:
        """Whether each relay takes messages, without that of one-click withdrawals, which shares a state."""
        down = self.down
        return {name: name not in down for name in self._relays if name != ONE_CLICK}

    @property
    def relays(self) -> Mapping[str, Relay]:
        """All of them, by name."""
        return self._relays

    def adopt(self, relays: Mapping[str, Relay], routes: Routes) -> None:
        """Use these relays and routes from now on: those there were are among them, new ones begin."""
        if self._tasks:
            for name in relays.keys() - self._relays.keys():
                relays[name].start(self._finished, self._call)
        self._relays, self._routes = relays, routes
        self._call()

    async def run(self) -> None:
        """Deliver until `stop`."""
        for relay in self._relays.values():
            relay.start(self._finished, self._call)
        self._looked_at = self._clock()
        self._tasks = [asyncio.create_task(self._take_on()), asyncio.create_task(self._tick_on())]
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def stop(self, grace: float) -> None:
        """Take no more, finish what is under way within `grace` seconds, give the rest back. Without `run`
        before, nothing is under way."""
        if not self._tasks:
            return
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for relay in self._relays.values():
            self._give_back_waiting(relay, "the gateway stops")
        await asyncio.gather(*(relay.stop(grace) for relay in self._relays.values()))
        for relay in self._relays.values():
            self._give_back_waiting(relay, "the gateway stops")
        self._report(self._reports.flush(self._clock()))

    def forget(self, ids: Set[str]) -> None:
        """Canceled while they wait for a relay: neither begun nor settled. What is under way goes on."""
        for relay in self._relays.values():
            relay.forget(ids)

    def give_back(self, which: Callable[[Entry], bool], why: str) -> None:
        """Of what waits for a relay and was not begun, some goes back to the outbox, to be asked about when
        it is taken again; the rest keeps its order."""
        for relay in self._relays.values():
            for entry in relay.reclaim():
                if which(entry):
                    self._outbox.settle(entry, give_back(relay.name, entry.due_at, why))
                else:
                    relay.push(entry)

    async def _take_on(self) -> None:
        while True:
            try:
                await self._take()
            except Exception as error:  # noqa: BLE001  # the store is down, or a bug: later is better than never
                journal.broken("", error)
                await asyncio.sleep(TICK)

    async def _take(self) -> None:
        room = max((relay.room for relay in self._relays.values()), default=0)
        if room:
            began = [self._dispatch(entry) for entry in await self._outbox.take(room)]
            if not any(began):
                await asyncio.sleep(PAUSE)  # what went straight back may come straight back
            return
        if self._clock() - self._looked_at >= LOOK_WHILE_DOWN:
            await self._look_for_old()
        self._wake.clear()
        await self._wait(TICK)

    async def _look_for_old(self) -> None:
        self._looked_at = self._clock()
        try:
            async with asyncio.timeout(TICK):
                for _ in range(_LOOKS):
                    for entry in await self._outbox.take(_LOOK_AT):
                        self._dispatch(entry)
        except TimeoutError:
            return

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    def _call(self) -> None:
        if not self._wake.is_set():
            self._wake.set()

    def _dispatch(self, entry: Entry) -> bool:
        """Hand an entry on, or settle it at once; whether a relay has it."""
        name = route(entry, self._routes)
        if isinstance(name, Refusal):
            self._finished(entry, Result(Kind.PERMANENT, "route", 0, *name), "none", 0.0)
            return False
        relay = self._relays[name]
        if self._is_running_out(entry):
            self._outbox.settle(entry, give_back(name, entry.due_at, "its lease runs out"))
        elif relay.circuit.state is State.OPEN:
            self._put_off(entry, relay)
        elif relay.crowded:
            self._outbox.settle(entry, give_back(name, self._clock() + TICK, "the relay is busy"))
        else:
            relay.push(entry)
            return True
        return False

    def _is_running_out(self, entry: Entry | None) -> bool:
        """Whether somebody else might take the entry before an attempt is over."""
        return entry is not None and 0 < entry.lease_until < self._clock() + LEASE_LEFT

    def _put_off(self, entry: Entry, relay: Relay) -> None:
        now = self._clock()
        if now - entry.queued_at >= self._max_age:
            reason = relay.circuit.reason or Kind.NETWORK
            self._finished(
                entry, Result(reason, "connect", text="the relay cannot be reached"), relay.name, 0.0
            )
            return
        # With every relay down nobody takes it before one is back; else it must not come straight back.
        alone = all(each.circuit.state is State.OPEN for each in self._relays.values())
        due = entry.due_at if alone else now + LOOK_WHILE_DOWN / 4
        self._outbox.settle(entry, give_back(relay.name, due, "the relay cannot be reached"))

    def _give_back_waiting(self, relay: Relay, why: str) -> None:
        for entry in relay.reclaim():
            self._outbox.settle(entry, give_back(relay.name, entry.due_at, why))

    def _finished(self, entry: Entry, result: Result, relay: str, seconds: float) -> None:
        now = self._clock()
        attempt = conclude(
            entry,
            result,
            relay=relay,
            now=now,
            jitter=self._rng.random(),
            max_age=self._max_age,
            seconds=seconds,
        )
        self._outbox.settle(entry, attempt)
        self._metrics.delivery(relay, attempt.outcome, seconds)
        journal.attempted(entry, attempt)
        if attempt.outcome is Outcome.FAILED:
            if attempt.code:
                self._metrics.bounce("hard" if attempt.hard_bounce else "soft")
            self._tell(self._reports.failed, entry, attempt, now)
        elif attempt.outcome is Outcome.DELIVERED and entry.notify and not result.dsn:
            self._tell(self._reports.relayed, entry, attempt, now)

    def _tell(self, write: Write, entry: Entry, attempt: Attempt, now: float) -> None:
        try:
            self._report(write(entry, attempt, now))
        except Exception as error:  # noqa: BLE001  # a report must not cost a delivery
            journal.report_failed(entry, error)

    def _report(self, reports: tuple[Report, ...]) -> None:
        for report in reports:
            self._outbox.report(report)

    async def _tick_on(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self._report(self._reports.due(self._clock()))
            now = asyncio.get_running_loop().time()
            for relay in self._relays.values():
                circuit = relay.circuit
                if circuit.state is not State.CLOSED and now - circuit.since > KEEP_WHILE_DOWN:
                    self._give_back_waiting(relay, "the relay cannot be reached")
                elif self._is_running_out(relay.head):
                    self._give_back_waiting(relay, "its lease runs out")
