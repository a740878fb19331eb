"""Tells tools that somebody left: a one-click POST (RFC 8058) at the address that their own mail named.

The address came in a message, so it may point anywhere: https alone, no redirect, no name or number that
leads into a private network unless the settings name it, no cookies, a short answer, a few tries.
"""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterable, Sequence, Set
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from gateway.delivery import journal
from gateway.delivery.circuit import Circuit
from gateway.delivery.outbox import Entry
from gateway.delivery.relay import Finished
from gateway.delivery.verdict import Result
from gateway.delivery.webhook import read_text
from gateway.store.attempt import Kind

BODY = b"List-Unsubscribe=One-Click"
AT_ONCE = 4
TRIES = 6
TIMEOUT = 15.0
_CROWDED = 1000
# Forms of IPv6 that carry an IPv4 address to which somebody translates.
_TRANSLATED = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"), ip_network("2002::/16"))

Network = IPv4Network | IPv6Network


class Forbidden(OSError):
    """The address leads where the gateway must not go."""


def may_reach(address: str, allowed: Iterable[Network]) -> bool:
    """Whether an IP address is public, or in one of the networks that are allowed besides."""
    ip: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if any(ip.version == network.version and ip in network for network in allowed):
        return True
    translated = any(ip.version == network.version and ip in network for network in _TRANSLATED)
    return ip.is_global and not ip.is_multicast and not translated


def read_url(text: str, allowed: Iterable[Network]) -> URL | None:
    """The address as a URL that may be called, as far as its spelling tells; else None."""
    try:
        url = URL(text)
        host, port = url.host or "", url.port
    except ValueError:
        return None
    if (
        url.scheme != "https"
        or url.user
        or url.password
        or not host
        or not (port == 443 or (port or 0) >= 1024)
    ):
        return None
    try:
        numeric = ip_address(host.partition("%")[0])
    except ValueError:
        return url
    return url if may_reach(str(numeric), allowed) else None


class _Resolver(AbstractResolver):
    """Names resolved as ever; what leads where it must not is left out, so that no later answer of the
    same name can lead there either."""

    def __init__(self, allowed: tuple[Network, ...]) -> None:
        self._allowed = allowed
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name that may be reached. Raises Forbidden where there is none."""
        found = await self._inner.resolve(host, port, family)
        fine = [each for each in found if may_reach(each["host"], self._allowed)]
        if not fine:
            raise Forbidden("leads into a private network")
        return fine

    async def close(self) -> None:
        """Nothing is open."""


class OneClickRelay:
    """Calls tools, a few at once. It asks the worker for nothing (`room` is 0), so that its entries come
    along with others; `circuit` is that of the relay for mail, with which it waits."""

    def __init__(
        self,
        name: str,
        circuit: Circuit,
        *,
        allowed: Iterable[Network] = (),
        trust: ssl.SSLContext | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self.name = name
        self.circuit = circuit
        self._allowed = tuple(allowed)
        self._trust = trust
        self._timeout = timeout
        self._queue: deque[Entry] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    def start(self, finished: Finished, ready: Callable[[], None]) -> None:
        """Begin; nothing is connected until there is something to tell."""
        self._finished = finished
        self._now = asyncio.get_running_loop().time
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=AT_ONCE,
                resolver=_Resolver(self._allowed),
                use_dns_cache=False,
                force_close=True,
                ssl=self._trust or True,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            auto_decompress=False,
            trust_env=False,
        )

    @property
    def room(self) -> int:
        """None of its own."""
        return 0

    @property
    def crowded(self) -> bool:
        """Whether it has more than it can use soon."""
        return len(self._queue) >= _CROWDED

    @property
    def head(self) -> Entry | None:
        """The entry that has waited longest and was not begun."""
        return self._queue[0] if self._queue else None

    def push(self, entry: Entry) -> None:
        """Tell the tool as soon as may be."""
        self._queue.append(entry)
        if len(self._tasks) < AT_ONCE and not self._stopping:
            task = asyncio.get_running_loop().create_task(self._work(), name="one-click")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def reclaim(self) -> Sequence[Entry]:
        """Take back what was not begun."""
        waiting = list(self._queue)
        self._queue.clear()
        return waiting

    def forget(self, ids: Set[str]) -> None:
        """Begin none of these."""
        self._queue = deque(entry for entry in self._queue if entry.id not in ids)

    async def stop(self, grace: float) -> None:
        """Let calls under way end, then close."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()

    async def _work(self) -> None:
        while self._queue and not self._stopping:
            entry = self._queue.popleft()
            started = self._now()
            try:
                result = await self._try(entry)
            except asyncio.CancelledError:
                lost = Result(Kind.DOUBT, "http", text="stopped before the answer")
                self._finished(entry, lost, self.name, self._now() - started)
                raise
            if result.kind is not Kind.DELIVERED and entry.attempts + 1 >= TRIES:
                result = Result(Kind.PERMANENT, "http", text=result.text)
            self._finished(entry, result, self.name, self._now() - started)

    async def _try(self, entry: Entry) -> Result:
        try:
            return await self._call(entry)
        except Exception as error:  # noqa: BLE001  # a bug costs this entry an attempt, not the relay
            journal.broken(self.name, error)
            return Result(Kind.PROTOCOL, "http", text=f"gateway error: {type(error).__name__}")

    async def _call(self, entry: Entry) -> Result:
        url = read_url(entry.raw.decode("utf-8", "replace"), self._allowed)
        if url is None:
            return Result(Kind.PERMANENT, "http", text="an address that is not called")
        headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "Galateo"}
        try:
            async with self._client.post(url, data=BODY, headers=headers, allow_redirects=False) as answer:
                await read_text(answer)
                return read_status(answer.status)
        except TimeoutError:
            return Result(Kind.TIMEOUT, "http", text="no answer in time")
        except aiohttp.InvalidURL:
            return Result(Kind.PERMANENT, "http", text="an address that is not called")
        except aiohttp.ClientError as error:
            if _is_forbidden(error):
                return Result(Kind.PERMANENT, "http", text="leads into a private network")
            return Result(Kind.NETWORK, "http", text=type(error).__name__)


def _is_forbidden(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, Forbidden) or isinstance(getattr(error, "os_error", None), Forbidden):
            return True
        error = error.__cause__
    return False


def read_status(status: int) -> Result:
    """What a tool's answer means. Codes are left to the text: this is no delivery that could bounce."""
    text: Any = f"HTTP {status}"
    if 200 <= status < 300:
        return Result(Kind.DELIVERED, "http", text=text)
    if status in (408, 425, 429) or status >= 500:
        return Result(Kind.TEMPORARY, "http", text=text)
    return Result(Kind.PERMANENT, "http", text=text)
