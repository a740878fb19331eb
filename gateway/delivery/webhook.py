"""A webhook relay: messages of channels that have no SMTP, posted as Standard Webhooks 1.0."""

import asyncio
import os
import random
import re
import time
from collections import deque
from collections.abc import Callable, Sequence, Set
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
import orjson

from gateway.delivery import journal
from gateway.delivery.circuit import Circuit, State
from gateway.delivery.outbox import Entry
from gateway.delivery.relay import Finished
from gateway.delivery.signature import sign
from gateway.delivery.target import WebhookTarget
from gateway.delivery.verdict import Result
from gateway.store.attempt import Kind

TIMEOUT = 20.0
LONGEST_PAUSE = 300.0  # of the whole relay; one entry may be asked to wait for longer
LONGEST_RETRY_AFTER = 6 * 3600.0
_READ = 2048  # bytes of an answer that anyone will ever look at
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_-]")

# The target understood and will not have this message; anything else may be cured on its side.
_FINAL = frozenset({400, 405, 406, 411, 413, 415, 422, 431, 451})
_PAUSES = frozenset({429, 502, 503, 504})


class WebhookRelay:
    """Posts to one URL, at most `connections` messages at once, and follows no redirect."""

    def __init__(
        self,
        name: str,
        target: WebhookTarget,
        *,
        connections: int = 8,
        timeout: float = TIMEOUT,
        clock: Callable[[], float] = time.time,
        rng: random.Random | None = None,
    ) -> None:
        self.name = name
        self.circuit = Circuit()
        self._target = target
        self._connections = connections
        self._timeout = timeout
        self._clock = clock
        self._rng = rng or random.Random()
        self._backlog = 8 * connections
        self._queue: deque[Entry] = deque()
        self._lanes: list[asyncio.Task[None]] = []
        self._busy = 0
        self._stopping = False

    def start(self, finished: Finished, ready: Callable[[], None]) -> None:
        """Begin; connections are made when there is something to post."""
        self._now = asyncio.get_running_loop().time
        self._finished, self._ready = finished, ready
        self._wake = asyncio.Event()
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            auto_decompress=False,
            trust_env=False,
        )
        self._lanes = [asyncio.create_task(self._lane(n)) for n in range(self._connections)]

    @property
    def room(self) -> int:
        """How many more entries it can use soon: one while it is being tried, none while it is down."""
        self.circuit.try_again(self._now())
        if self._stopping or self.circuit.state is State.OPEN:
            return 0
        if self.circuit.state is State.TRYING:
            return 0 if self._queue or self._busy else 1
        return max(self._backlog - len(self._queue), 0)

    @property
    def crowded(self) -> bool:
        """Whether it has more than it can use soon."""
        return len(self._queue) >= 2 * self._backlog

    @property
    def head(self) -> Entry | None:
        """The entry that has waited longest and was not begun."""
        return self._queue[0] if self._queue else None

    def push(self, entry: Entry) -> None:
        """Post it as soon as a lane is free."""
        self._queue.append(entry)
        self._wake.set()

    def reclaim(self) -> Sequence[Entry]:
        """Take back what was not begun."""
        waiting = list(self._queue)
        self._queue.clear()
        return waiting

    def forget(self, ids: Set[str]) -> None:
        """Begin none of these."""
        self._queue = deque(entry for entry in self._queue if entry.id not in ids)

    async def stop(self, grace: float) -> None:
        """Let posts under way end, then close."""
        self._stopping = True
        end = self._now() + grace
        while self._busy and self._now() < end:  # noqa: ASYNC110  # once, at the end
            await asyncio.sleep(0.02)
        for lane in self._lanes:
            lane.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)
        await self._client.close()

    async def _lane(self, number: int) -> None:
        while True:
            entry = self._next(number)
            if entry is None:
                self._wake.clear()
                wait = self.circuit.until - self._now() if self.circuit.state is State.OPEN else None
                await _pause(self._wake, wait)
                continue
            self._busy += 1
            started = self._now()
            try:
                result = await self._try(entry)
            except asyncio.CancelledError:
                lost = Result(Kind.DOUBT, "http", text="stopped before the answer; it may have arrived")
                self._finished(entry, lost, self.name, self._now() - started)
                raise
            finally:
                self._busy -= 1
            self._note(result)
            self._finished(entry, result, self.name, self._now() - started)
            self._ready()

    def _next(self, number: int) -> Entry | None:
        self.circuit.try_again(self._now())
        one_at_a_time = self.circuit.state is State.TRYING and (number > 0 or self._busy > 0)
        if self._stopping or one_at_a_time or self.circuit.state is State.OPEN or not self._queue:
            return None
        return self._queue.popleft()

    async def _try(self, entry: Entry) -> Result:
        try:
            return await self._post(entry)
        except Exception as error:  # noqa: BLE001  # a bug costs this entry an attempt, not the lane
            journal.broken(self.name, error)
            return Result(Kind.PROTOCOL, "http", text=f"gateway error: {type(error).__name__}")

    async def _post(self, entry: Entry) -> Result:
        made = self._request(entry)
        if made is None:
            return Result(Kind.PERMANENT, "route", 0, "5.6.1", "the message is no JSON object")
        url, body, headers = made
        try:
            async with self._client.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                text = await read_text(answer)
                return read_answer(answer.status, answer.headers.get("Retry-After", ""), text, self._clock())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return read_failure(error)

    def _request(self, entry: Entry) -> tuple[str, bytes | aiohttp.FormData, dict[str, str]] | None:
        """Where to, what and with which headers; None where the message is no JSON object."""
        body = wrap(entry)
        return None if body is None else (self._target.url, body, self._headers(entry, body))

    def _headers(self, entry: Entry, body: bytes) -> dict[str, str]:
        id, now = webhook_id(entry.id), int(self._clock())  # noqa: A001  # the standard's word
        return {
            "Content-Type": "application/json",
            "User-Agent": "Galateo",
            "webhook-id": id,
            "webhook-timestamp": str(now),
            "webhook-signature": sign(id, now, body, self._target.secrets),
        }

    def _note(self, result: Result) -> None:
        now, jitter = self._now(), self._rng.random()
        pause = min(result.retry_after, LONGEST_PAUSE)
        if result.code == 410 or result.kind is Kind.AUTH:
            opened = self.circuit.trip(now, jitter, result.kind, LONGEST_PAUSE)
        elif result.code in _PAUSES and pause:
            opened = self.circuit.trip(now, jitter, result.kind, pause)
        elif result.relay_fault or result.code >= 500:
            opened = self.circuit.strike(now, jitter, result.kind)
        else:
            if self.circuit.succeed():
                journal.relay_up(self.name, now - self.circuit.since)
                self._wake.set()
            return
        if opened:
            journal.relay_down(self.name, result)


def webhook_id(id: str) -> str:  # noqa: A002  # the standard's word
    """The same for every attempt at an entry; the standard forbids dots in it."""
    return _NOT_IN_IDS.sub("-", id)


def wrap(entry: Entry) -> bytes | None:
    """The webhook's body: type, the time of acceptance (the same in every attempt) and the native message
    as its data; None where the message is no JSON object."""
    at = datetime.fromtimestamp(entry.queued_at, UTC).isoformat(timespec="milliseconds")
    try:
        data = orjson.loads(entry.raw)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(data, dict):
        return None
    # As it was accepted, byte for byte: numbers and their spelling survive. `to` says which of several
    # recipients this delivery is for.
    return b'{"type":"message.deliver","timestamp":"%b","to":%b,"data":%b}' % (
        at.replace("+00:00", "Z").encode(),
        orjson.dumps(entry.address),
        entry.raw,
    )


async def read_text(answer: aiohttp.ClientResponse) -> bytes:
    """How the text of an answer begins; empty where it breaks off or never comes. The status was said before
    it and stands: what was taken with 2xx must not be sent again."""
    try:
        return await answer.content.read(_READ)
    except (aiohttp.ClientError, TimeoutError, OSError):
        return b""


def read_answer(status: int, retry_after: str, text: bytes, now: float) -> Result:
    """What an HTTP answer means: 2xx has it, a few 4xx will never have it, all else may later."""
    wait = _seconds(retry_after, now) if status in _PAUSES else 0.0
    if 200 <= status < 300:
        return Result(Kind.DELIVERED, "http", status)
    if status == 410:
        return Result(Kind.PERMANENT, "http", status, "", text or b"the target is gone")
    if status in {401, 403, 407}:
        return Result(Kind.AUTH, "http", status, "", text)
    if status in _FINAL:
        return Result(Kind.PERMANENT, "http", status, "", text)
    if status < 400:
        return Result(Kind.PROTOCOL, "http", status, "", "a redirect is not followed")
    return Result(Kind.TEMPORARY, "http", status, "", text, wait)


def read_failure(error: Exception) -> Result:
    """What it means that no answer came, in words of our own."""
    match error:
        case TimeoutError():
            return Result(Kind.TIMEOUT, "http", text="no answer in time")
        case aiohttp.ClientConnectorCertificateError():
            why = getattr(error.certificate_error, "verify_message", "") or "it is not to be trusted"
            return Result(Kind.TLS, "http", text=f"its certificate is refused: {why.rstrip('.')}")
        case aiohttp.ClientSSLError():
            return Result(Kind.TLS, "http", text="TLS could not be agreed on")
        case aiohttp.ClientConnectorDNSError():
            return Result(Kind.NETWORK, "connect", text="cannot connect: its name is not known")
        case aiohttp.ClientConnectorError():
            why = f": {os.strerror(error.os_error.errno).lower()}" if error.os_error.errno else ""
            return Result(Kind.NETWORK, "connect", text=f"cannot connect{why}")
        case aiohttp.ClientConnectionError() | aiohttp.ClientPayloadError() | OSError():
            lost = "connection lost before the answer; it may have arrived"
            return Result(Kind.DOUBT, "http", text=lost)
    return Result(Kind.PROTOCOL, "http", text="an answer that is no HTTP")


def _seconds(retry_after: str, now: float) -> float:
    text = retry_after.strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return min(float(text), LONGEST_RETRY_AFTER)
    try:
        return min(max(parsedate_to_datetime(text).timestamp() - now, 0.0), LONGEST_RETRY_AFTER)
    except (ValueError, OverflowError):
        return 0.0


async def _pause(wake: asyncio.Event, seconds: float | None) -> None:
    try:
        async with asyncio.timeout(seconds):
            await wake.wait()
    except TimeoutError:
        return
