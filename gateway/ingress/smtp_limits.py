"""What SMTP clients may use: how much, how fast, how long. No I/O; the clock is an argument."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Self

from gateway.settings import Settings
from gateway.web.peer import household_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes in octets, times in seconds, rates per second; 0 in `source_rate` means any."""

    message_bytes: int = 25 * 1024 * 1024
    inflight_bytes: int = 256 * 1024 * 1024
    header_bytes: int = 256 * 1024
    line_bytes: int = 2048
    recipients: int = 100
    hops: int = 100
    connections: int = 500
    connections_per_peer: int = 200
    source_rate: float = 0.0
    # A source that is too quick waits this long for its MAIL reply at most; only then is it refused. Tools
    # lose what gets a 4xx, and none was seen to mind a reply that takes a few seconds.
    longest_wait: float = 20.0
    command_timeout: float = 300.0
    # Before AUTH nobody has a reason to think for minutes.
    stranger_timeout: float = 60.0
    data_timeout: float = 600.0
    # After these seconds in one message, fewer octets a second than this on average hang up.
    slow_after: float = 30.0
    slowest: float = 1000.0
    session_timeout: float = 3600.0
    proxy_timeout: float = 5.0
    errors: int = 20
    auth_attempts: int = 3
    auth_delay: float = 1.0
    # AUTH PLAIN and LOGIN without TLS from other machines than this one: off.
    auth_in_clear: bool = False

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The limits that the settings give; the rest as it stands here."""
        return cls(
            message_bytes=settings.max_message_bytes,
            inflight_bytes=settings.max_inflight_bytes,
            recipients=settings.max_recipients,
            connections=settings.max_connections,
            connections_per_peer=settings.max_connections_per_peer,
            source_rate=settings.source_rate,
            command_timeout=settings.command_timeout.total_seconds(),
            data_timeout=settings.data_timeout.total_seconds(),
            session_timeout=settings.session_timeout.total_seconds(),
            errors=settings.max_errors,
            auth_attempts=settings.auth_attempts,
        )


class Peers:
    """How many connections there are from each address, of IPv6 from each household."""

    def __init__(self, most_each: int) -> None:
        self._most_each = most_each
        self._counts: dict[str, int] = {}

    def enter(self, peer: str) -> bool:
        """Count a connection from `peer`; False, and nothing counted, where it would be one too many."""
        household = household_of(peer)
        count = self._counts.get(household, 0)
        if count >= self._most_each:
            return False
        self._counts[household] = count + 1
        return True

    def leave(self, peer: str) -> None:
        """Count a connection that `enter` let in as gone."""
        household = household_of(peer)
        count = self._counts[household] - 1
        if count:
            self._counts[household] = count
        else:
            del self._counts[household]


class Share:
    """One session's part of the budget of octets in memory. `resume` is called when it may read on."""

    __slots__ = ("resume", "size")

    def __init__(self, resume: Callable[[], None]) -> None:
        self.resume = resume
        self.size = 0


class Budget:
    """Octets of messages in memory, of all sessions together.

    Sessions beyond the limit stop reading. One of them at a time, the longest waiting, may go on regardless:
    else all could wait for each other with half a message each. So the most there is in memory is the
    limit, one message, and one read of each session.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.used = 0
        self._favored: Share | None = None
        self._waiting: deque[Share] = deque()

    def take(self, share: Share, size: int) -> bool:
        """Count `size` octets more, which are in memory already; False asks to stop reading till `resume`."""
        share.size += size
        self.used += size
        if self.used <= self._limit or self._favored is share:
            return True
        if self._favored is None:
            self._favored = share
            return True
        self._waiting.append(share)
        return False

    def give_back(self, share: Share) -> None:
        """Count all of the share's octets as gone from memory, and let those who wait go on."""
        self.used -= share.size
        share.size = 0
        if self._favored is share:
            self._favored = None
        if self._waiting:
            self._wake(share)

    def _wake(self, left: Share) -> None:
        while self._waiting and (self.used <= self._limit or self._favored is None):
            first = self._waiting.popleft()
            if first is left or not first.size:
                continue
            if self.used > self._limit:
                self._favored = first
            first.resume()


class Pace:
    """A source's messages a second: a bucket of a second's worth, that fills as time goes."""

    __slots__ = ("_burst", "_level", "_rate", "_then")

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._burst = self._level = max(1.0, rate)
        self._then = now

    def reserve(self, now: float, longest: float, count: int = 1) -> float:
        """Take the places of `count` messages and return the seconds to wait for them; -1, none taken,
        beyond `longest`. More than the bucket holds need all of it, and what follows waits for the rest."""
        level = min(self._burst, self._level + (now - self._then) * self._rate)
        self._then = now
        wait = (min(float(count), self._burst) - level) / self._rate
        if wait > longest:
            self._level = level
            return -1.0
        self._level = level - count
        return max(0.0, wait)

    def wait(self, count: int = 1) -> float:
        """After how many seconds there would be room for `count` messages, as of the last `reserve`."""
        return max(0.0, (min(float(count), self._burst) - self._level) / self._rate)


Networks = tuple[IPv4Network | IPv6Network, ...]


def is_loopback(peer: str) -> bool:
    """Whether an address of a peer is this machine."""
    return peer.startswith(("127.", "::ffff:127.")) or peer == "::1"


def is_within(peer: str, networks: Networks) -> bool:
    """Whether an address of a peer lies in one of the networks; an IPv4 address written as IPv6 is IPv4."""
    if not networks:
        return False
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in networks)
