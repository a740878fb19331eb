"""An SMTP relay: a pool of kept connections that pull from one queue."""

import asyncio
import random
import ssl
from collections import deque
from collections.abc import Callable, Sequence, Set

from gateway.delivery import journal
from gateway.delivery.circuit import Circuit, State
from gateway.delivery.dial import DialError, dial, trust
from gateway.delivery.outbox import Entry
from gateway.delivery.relay import Finished
from gateway.delivery.session import Session, Timeouts
from gateway.delivery.target import SmtpTarget
from gateway.delivery.verdict import Result
from gateway.store.attempt import Kind

SWEEP = 1.0
QUIET = 3.0  # longer than the worker takes to look for a message to try a relay with
CROWDED_FOR = 30.0
BACKLOG_BYTES = 16 * 1024 * 1024


class SmtpRelay:
    """Delivers to one target over at most `connections` connections, made as they are needed.

    It never gives up on the target: while the target cannot be reached entries wait unharmed, and one
    connection at a time tries whether it is back. `hostname` is what EHLO says.
    """

    def __init__(
        self,
        name: str,
        target: SmtpTarget,
        *,
        connections: int = 16,
        hostname: str = "localhost",
        timeouts: Timeouts | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.name = name
        self.circuit = Circuit()
        self._target = target
        self._connections = connections
        self._hostname = hostname
        self._timeouts = timeouts or Timeouts()
        self._rng = rng or random.Random()
        self._context: ssl.SSLContext = trust(target)
        self._backlog = max(256, 4 * connections)
        self._queue: deque[Entry] = deque()
        self._size = 0.0  # of a message, on average of late
        self._sessions: set[Session] = set()
        self._idle: list[Session] = []
        self._dials: set[asyncio.Task[None]] = set()
        self._ceiling, self._ceiling_until = connections, 0.0
        self._shut_out = False  # the circuit opened because no connection could be made
        self._stopping = False

    def start(self, finished: Finished, ready: Callable[[], None]) -> None:
        """Begin; connections are made when there is something to send."""
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._finished, self._ready = finished, ready
        self._sweep()

    @property
    def room(self) -> int:
        """How many more entries it can use soon: few while it is being tried, none while it is down."""
        if self._stopping or self.circuit.state is State.OPEN:
            return 0
        waiting = len(self._queue)
        if self.circuit.state is State.TRYING:
            return 0 if waiting else 1
        # Of long messages, fewer: what waits here waits in memory.
        limit = min(self._backlog, int(BACKLOG_BYTES / (self._size + 1)) + 1)
        return limit - waiting if waiting <= limit // 2 else 0

    @property
    def crowded(self) -> bool:
        """Whether it has more than it can use soon."""
        return len(self._queue) >= self._backlog

    @property
    def head(self) -> Entry | None:
        """The entry that has waited longest and was not begun."""
        return self._queue[0] if self._queue else None

    def push(self, entry: Entry) -> None:
        """Send it over an idle connection, or as soon as one is free."""
        self._queue.append(entry)
        self._size += (len(entry.raw) - self._size) / 8
        self._pump()

    def reclaim(self) -> Sequence[Entry]:
        """Take back what was not begun."""
        waiting = list(self._queue)
        self._queue.clear()
        return waiting

    def forget(self, ids: Set[str]) -> None:
        """Begin none of these."""
        self._queue = deque(entry for entry in self._queue if entry.id not in ids)

    async def stop(self, grace: float) -> None:
        """Let messages under way end, then hang up."""
        self._stopping = True
        self._sweeper.cancel()
        for task in self._dials:
            task.cancel()
        for session in tuple(self._sessions):
            if not session.busy:
                self._dismiss(session)
        end = self._now() + grace
        while any(session.busy for session in self._sessions) and self._now() < end:  # noqa: ASYNC110  # once, at the end
            await asyncio.sleep(0.02)
        for session in tuple(self._sessions):
            session.abort()
        await asyncio.gather(*self._dials, return_exceptions=True)

    # What sessions ask and tell

    def next_entry(self) -> Entry | None:
        """The first in the queue, unless the relay is in doubt."""
        if self._queue and not self._stopping and self.circuit.state is State.CLOSED:
            return self._queue.popleft()
        return None

    def finished(self, session: Session, entry: Entry, result: Result, seconds: float) -> None:
        """A try is over: note it, and give the connection its next message."""
        self._note(result)
        self._finished(entry, result, self.name, seconds)
        if session.free:
            self._employ(session)
        elif not session.alive:
            self._pump()
        self._call_for_more()

    def unsent(self, session: Session, entry: Entry) -> None:
        """The entry is first in the queue again."""
        self._queue.appendleft(entry)
        if session.free:
            self._employ(session)
        self._pump()

    def lost(self, session: Session) -> None:
        """A connection is gone."""
        self._sessions.discard(session)
        if session in self._idle:
            self._idle.remove(session)

    # Connections

    def _pump(self) -> None:
        while self._queue and self._idle and self._open_for_business:
            self._employ(self._idle.pop())
        self._grow()

    @property
    def _open_for_business(self) -> bool:
        return not self._stopping and self.circuit.state is not State.OPEN

    def _employ(self, session: Session) -> None:
        while self._queue and self._open_for_business:
            entry = self._queue.popleft()
            impossible = session.begin(entry)
            if impossible is None:
                return
            self._finished(entry, impossible, self.name, 0.0)
        if self._stopping or self.circuit.state is State.OPEN:
            self._dismiss(session)
        else:
            self._idle.append(session)

    def _dismiss(self, session: Session) -> None:
        session.quit()
        self.lost(session)

    def _grow(self) -> None:
        if not self._queue or not self._open_for_business or self._idle:
            return
        there = len(self._sessions) + len(self._dials)
        if self.circuit.state is State.TRYING:
            allowed = 1
        else:
            allowed = min(self._connections, self._ceiling, 2 * len(self._sessions) + 1)
        for _ in range(min(len(self._queue), allowed - there)):
            self._dial()

    def _dial(self) -> None:
        task = self._loop.create_task(self._connect())
        self._dials.add(task)
        task.add_done_callback(self._dialed)

    async def _connect(self) -> None:
        try:
            transport, offers = await dial(
                self._target,
                self._context,
                hostname=self._hostname,
                timeout=self._timeouts.connect,
                patience=self._timeouts.command,
            )
        except DialError as error:
            self._note_dial(error.result)
            return
        if not self._target.pipelining:
            offers = offers._replace(pipelining=False)
        session = Session(transport, offers, self, self._timeouts, self._now)
        transport.set_protocol(session)
        self._sessions.add(session)
        self._employ(session)

    def _dialed(self, task: asyncio.Task[None]) -> None:
        self._dials.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            journal.broken(self.name, error)
            self._note_dial(Result(Kind.PROTOCOL, "connect"))
        self._pump()
        self._call_for_more()

    # Whether it works

    def _note(self, result: Result) -> None:
        now = self._now()
        if result.relay_fault:
            if result.kind is Kind.AUTH:
                opened = self.circuit.trip(now, self._rng.random(), result.kind)
            else:
                opened = self.circuit.strike(now, self._rng.random(), result.kind)
            if opened:
                self._go_down(result)
            self._shut_out = False
        else:
            self._come_up(now)

    def _note_dial(self, result: Result) -> None:
        now = self._now()
        if any(session.alive for session in self._sessions):
            # It works, but wants no more connections from us.
            self._ceiling, self._ceiling_until = max(len(self._sessions), 1), now + CROWDED_FOR
            journal.dial_failed(self.name, result)
        else:
            self._shut_out = self._shut_out or self.circuit.state is State.CLOSED
            if self.circuit.trip(now, self._rng.random(), result.kind):
                self._go_down(result)

    def _come_up(self, now: float) -> None:
        if self.circuit.succeed():
            journal.relay_up(self.name, now - self.circuit.since)

    def _is_let_in(self, now: float) -> bool:
        """Whether a relay that could not be reached has taken a connection, and nothing was there to try it
        with: what waited may have left by another replica, and nobody else would say that it is back."""
        trying = self._shut_out and self.circuit.state is State.TRYING and not self._queue
        return trying and any(now - session.idle_since > QUIET for session in self._idle)

    def _go_down(self, result: Result) -> None:
        journal.relay_down(self.name, result)
        for session in tuple(self._idle):
            self._dismiss(session)

    def _sweep(self) -> None:
        now = self._now()
        self._sweeper = self._loop.call_later(min(SWEEP, self._timeouts.command / 4), self._sweep)
        for session in tuple(self._sessions):
            session.check(now)
        for session in tuple(self._idle):
            if now - session.idle_since > self._timeouts.idle:
                self._dismiss(session)
        if now > self._ceiling_until:
            self._ceiling = self._connections
        if self.circuit.try_again(now) and not self._sessions and not self._dials:
            self._dial()
        if self._is_let_in(now):
            self._come_up(now)
        self._pump()
        self._call_for_more()

    def _call_for_more(self) -> None:
        if len(self._queue) <= self._backlog // 2:
            self._ready()
