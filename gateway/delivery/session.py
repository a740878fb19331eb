"""One kept SMTP connection: one message after the other, without a task or a future for each.

The connection comes greeted, secured and authenticated. Where the relay offers PIPELINING, MAIL, RCPT and
DATA go out in one write (RFC 2920), and the next message's with the end of this one; elsewhere each waits
for its reply.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple, Protocol

from gateway.delivery.outbox import Entry
from gateway.delivery.reply import BrokenReplyError, Reply, ReplyReader
from gateway.delivery.transaction import Offers, Refusal, compose, open_transaction, stuff
from gateway.delivery.verdict import Result, judge
from gateway.store.attempt import Kind

_STEPS = ("mail", "rcpt", "data", "final")
_STEPS_AFTER_RESET = ("rset", *_STEPS)
_UNTRIED = ("rset", "mail")  # the relay has not looked at the message yet
# Said to a MAIL that came with the end of the message before it: perhaps of that, not of this message.
_OUT_OF_STEP = frozenset({500, 501, 502, 503, 554})
_QUICK = 1.0  # seconds: a relay that takes longer gets its messages one by one
_DATA = b"DATA\r\n"
_TOGETHER = 65536  # up to this size, message and final dot are one write


class Timeouts(NamedTuple):
    """Seconds: to be connected, for each reply, for a block of the message, for the reply to it, and how
    long a connection may idle (RFC 5321 4.5.3.2); how long one message may wait behind another,
    and how long one may take in all, however slowly it gets on."""

    connect: float = 30.0
    command: float = 60.0
    block: float = 180.0
    final: float = 600.0
    idle: float = 60.0
    patience: float = 3.0
    whole: float = 780.0


class Owner(Protocol):
    """Who has the messages, and hears what becomes of them and of connections."""

    def next_entry(self) -> Entry | None:
        """A message that may follow on this connection without a pause, if any waits."""
        ...

    def finished(self, session: "Session", entry: Entry, result: Result, seconds: float) -> None:
        """This try is over; the session takes the next message if it is `free`."""
        ...

    def unsent(self, session: "Session", entry: Entry) -> None:
        """Nothing of this message was tried, though it was begun: another connection may.

        It cannot go on for ever: a connection that has served no message yet never says so, and each one
        that does is closed, or from then on takes messages one by one.
        """
        ...

    def lost(self, session: "Session") -> None:
        """The connection is gone, once for each; messages under way are told of after it."""
        ...


class _Letter(NamedTuple):
    entry: Entry
    raw: bytes
    mail: bytes
    rcpt: bytes


class Session(asyncio.Protocol):
    """A connection to the relay; `begin` a message when it is free."""

    __slots__ = (
        "_at",
        "_chained",
        "_chains",
        "_clock",
        "_closing",
        "_commands",
        "_deadline",
        "_dirty",
        "_following",
        "_fresh",
        "_letter",
        "_offers",
        "_owner",
        "_reader",
        "_refused",
        "_served",
        "_started",
        "_steps",
        "_timeouts",
        "_transport",
        "_unwritten",
        "alive",
        "idle_since",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        offers: Offers,
        owner: Owner,
        timeouts: Timeouts,
        clock: Callable[[], float],
    ) -> None:
        self._transport = transport
        self._offers = offers
        self._owner = owner
        self._timeouts = timeouts
        self._clock = clock
        self._reader = ReplyReader()
        self._letter: _Letter | None = None
        self._following: _Letter | None = None
        self._refused: Result | None = None
        self._steps: tuple[str, ...] = _STEPS
        self._at = 0
        self._commands: tuple[bytes, ...] = ()
        self._dirty = self._closing = self._chained = self._chains = self._fresh = False
        self._served = 0
        self._started = self._deadline = 0.0
        self._unwritten = 0
        self.idle_since = clock()
        self.alive = True

    @property
    def busy(self) -> bool:
        """Whether a message is under way."""
        return self._letter is not None

    @property
    def free(self) -> bool:
        """Whether it can take a message."""
        return self.alive and self._letter is None

    def begin(self, entry: Entry) -> Result | None:
        """Start a message; a Result at once if it cannot go to this relay whatever happens."""
        letter = self._prepare(entry)
        if isinstance(letter, Result):
            return letter
        self._start(letter)
        if self._dirty:
            self._steps, self._commands = _STEPS_AFTER_RESET, (b"RSET\r\n", letter.mail, letter.rcpt, _DATA)
        else:
            self._commands = (letter.mail, letter.rcpt, _DATA)
        self._transport.write(b"".join(self._commands) if self._offers.pipelining else self._commands[0])
        return None

    def _prepare(self, entry: Entry) -> _Letter | Result:
        raw = compose(entry)
        if isinstance(raw, Refusal):
            return Result(Kind.PERMANENT, "route", 0, *raw)
        opening = open_transaction(entry, raw, self._offers)
        if isinstance(opening, Refusal):
            return Result(Kind.PERMANENT, "route", 0, *opening)
        return _Letter(entry, raw, *opening)

    def _start(self, letter: _Letter) -> None:
        self._letter, self._refused = letter, None
        self._steps, self._at, self._chained = _STEPS, 0, False
        self._started = self._clock()
        self._deadline = self._started + self._timeouts.command

    def check(self, now: float) -> None:
        """Give up on a relay that keeps us waiting; called every second or so."""
        if self._letter is None:
            return
        if self._following is not None and now - self._started > self._timeouts.patience:
            self._release_following()
        over = now - self._started > self._timeouts.whole
        if now < self._deadline and not over:
            return
        left, before = self._transport.get_write_buffer_size(), self._unwritten
        if left < before and not over:  # a long message on a slow line is getting on
            self._unwritten = left
            self._deadline = now + (self._timeouts.block if left else self._timeouts.final)
            return
        phase = self._steps[self._at]
        if phase == "final" and self._refused is None and not left:
            self._end(Result(Kind.DOUBT, phase, text="no reply in time; it may have arrived"), close=True)
        else:
            self._end(self._refused or Result(Kind.TIMEOUT, phase, text="no reply in time"), close=True)

    def quit(self) -> None:
        """Say goodbye, if idle, and hang up."""
        if self.free:
            self._transport.write(b"QUIT\r\n")
        self.alive = False
        self._transport.close()

    def abort(self) -> None:
        """Hang up in the middle; a message under way ends as if the line had broken."""
        self._transport.abort()
        self.connection_lost(None)  # uvloop would say so only in its next round

    def data_received(self, data: bytes) -> None:
        """Replies; what nobody asked for (a 421 to an idle connection, garbage) ends the connection."""
        if self._letter is None:
            self._drop()
            return
        self._fresh = self._fresh and self._reader.midway
        try:
            replies = self._reader.feed(data)
        except BrokenReplyError as error:
            self._end(self._broken(str(error)), close=True)
            return
        for n, reply in enumerate(replies, 1):
            result = self._take(reply)
            if result is None:
                continue
            # A reply too many would be taken for the answer to the next message.
            surplus = self._following is None and (n < len(replies) or self._reader.midway)
            followed = self._following is not None
            self._end(result, close=surplus or result.relay_fault or self._closing)
            if not (followed and self.alive):
                return
        if self._reader.broken is not None:
            self._end(self._broken(str(self._reader.broken)), close=True)

    def connection_lost(self, exc: Exception | None) -> None:
        """The end: for the session, and for the message under way, if any."""
        self._drop()
        letter = self._letter
        if letter is None:
            return
        phase = self._steps[self._at]
        if phase == "final" and self._refused is None:
            self._end(Result(Kind.DOUBT, phase, text="connection lost before the reply; it may have arrived"))
        elif self._served and phase in _UNTRIED:
            self._letter = None
            self._owner.unsent(self, letter.entry)
        else:
            self._end(self._refused or Result(Kind.NETWORK, phase, text="connection lost"))

    def _take(self, reply: Reply) -> Result | None:
        """Go one step on; a Result when the message is through."""
        phase = self._steps[self._at]
        if phase == "final":
            return self._take_final(reply)
        if phase == "data":
            return self._take_data(reply)
        if reply.code // 100 != 2:
            return self._take_refusal(phase, reply)
        self._at += 1
        if not self._offers.pipelining:
            self._transport.write(self._commands[self._at])
            self._deadline = self._clock() + self._timeouts.command
        return None

    def _take_refusal(self, phase: str, reply: Reply) -> Result | None:
        result = judge(phase, reply)
        if result.kind is Kind.PROTOCOL or (phase == "rset" and result.code != 421):
            return self._broken("a reply out of place")
        self._refused = self._refused or result
        if result.code == 421 or not self._offers.pipelining:
            return self._refused
        self._at += 1
        return None

    def _take_data(self, reply: Reply) -> Result | None:
        if reply.code == 354:
            self._at += 1
            self._send_message()
            return None
        result = judge("data", reply)
        if result.kind is Kind.DELIVERED or result.kind is Kind.PROTOCOL:
            return self._broken("a reply out of place")
        return self._refused or result

    def _take_final(self, reply: Reply) -> Result:
        result = self._refused or judge("final", reply)._replace(dsn=self._offers.dsn)
        if self._fresh or (self._unwritten and self._transport.get_write_buffer_size()):
            # It began with the 354, or came before all was written: nobody can have read the message yet, and
            # what is said of it later would be taken for an answer to the next.
            self._closing = True
            return self._broken("a reply before its time") if result.kind is Kind.DELIVERED else result
        return result

    def _send_message(self) -> None:
        self._fresh, self._unwritten = True, 0
        self._deadline = self._clock() + self._timeouts.final
        if self._refused is not None:
            self._transport.write(b".\r\n")  # nobody is to get it: end it empty (RFC 2920 3.1)
            return
        assert self._letter is not None
        body = stuff(self._letter.raw)
        if len(body) <= _TOGETHER:
            self._transport.write(body + b".\r\n" + self._follow_up())
            return
        self._transport.write(body)
        self._transport.write(b".\r\n")
        self._unwritten = self._transport.get_write_buffer_size()
        if self._unwritten:
            self._deadline = self._clock() + self._timeouts.block

    def _follow_up(self) -> bytes:
        """The opening of the next message, to go with this one: RFC 2920 3.1 lets a group of commands
        begin with the content of a message, so that one message costs one round trip."""
        if not self._chains:
            return b""
        while (entry := self._owner.next_entry()) is not None:
            letter = self._prepare(entry)
            if isinstance(letter, Result):
                self._owner.finished(self, entry, letter, 0.0)
                continue
            self._following = letter
            return letter.mail + letter.rcpt + _DATA
        return b""

    def _release_following(self) -> None:
        """Let another connection have the message that waits behind a slow one. Its MAIL and RCPT are with
        the relay, but never its content: this connection ends after the reply to the slow one."""
        letter, self._following, self._closing = self._following, None, True
        if letter is not None:
            self._owner.unsent(self, letter.entry)

    def _broken(self, text: str) -> Result:
        return Result(Kind.PROTOCOL, self._steps[self._at], text=text)

    def _end(self, result: Result, *, close: bool = False) -> None:
        letter, phase, started = self._letter, self._steps[self._at], self._started
        assert letter is not None
        untried = self._is_untried(result)
        if untried and self._chained:
            self._offers = self._offers._replace(pipelining=False)  # it offers more than it can do
        self._letter = None
        self._dirty = phase != "final"
        self._served += 1
        self.idle_since = self._clock()
        self._chains = self._offers.pipelining and self.idle_since - started < _QUICK
        if close:
            self._drop()
        if self._following is not None:
            if self.alive:
                following, self._following = self._following, None
                self._start(following)
                self._chained = True
            else:
                self._release_following()
        if untried:
            self._owner.unsent(self, letter.entry)
        else:
            self._owner.finished(self, letter.entry, result, self.idle_since - started)

    def _is_untried(self, result: Result) -> bool:
        """Whether the relay spoke of the connection ("421 too many messages"), not of this message."""
        if not self._served or result.phase not in _UNTRIED:
            return False
        return result.code == 421 or (self._chained and result.code in _OUT_OF_STEP)

    def _drop(self) -> None:
        if self.alive:
            self.alive = False
            if self._transport.get_write_buffer_size():
                self._transport.abort()  # close() would first wait for a relay that does not read
            else:
                self._transport.close()
            self._owner.lost(self)
