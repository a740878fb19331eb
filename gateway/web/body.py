"""Reading the body of a request: bounded in size, time and in what all bodies together may hold."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiohttp import web

from gateway.policy.outcome import Words
from gateway.web.media import is_utf8, media_type
from gateway.web.problem import Problem, unavailable

JSON_TYPES = frozenset({"application/json"})


class Full(Problem):
    """Memory for bodies is used up: nothing was stored, the same request may be sent again."""

    def __init__(self) -> None:
        after = unavailable(2)
        super().__init__(after.kind, after.detail, headers=after.headers, members=after.members)


class Inflight:
    """Octets of bodies in memory, of all requests together, of which there may be `limit`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.used = 0

    @contextmanager
    def share(self) -> Iterator["Share"]:
        """One request's part, given back at the end."""
        share = Share(self)
        try:
            yield share
        finally:
            self.used -= share.size

    def has_room(self, size: int) -> bool:
        """Whether so many octets more would fit."""
        return self.used + size <= self._limit


class Share:
    """What one request holds of the whole."""

    __slots__ = ("_whole", "size")

    def __init__(self, whole: Inflight) -> None:
        self._whole = whole
        self.size = 0

    def grow(self, size: int) -> None:
        """Hold `size` octets in all. Raises Full when memory for bodies is used up."""
        if size <= self.size:
            return
        if not self._whole.has_room(size - self.size):
            raise Full
        self._whole.used += size - self.size
        self.size = size


def check_json(request: web.Request) -> None:
    """Refuse a body that is not plain JSON, before it is read."""
    coding = request.headers.get("Content-Encoding", "").strip().lower()
    if coding not in ("", "identity"):
        raise Problem(
            "unsupported-media-type",
            Words("Send the body without Content-Encoding.", "Inviare il corpo senza Content-Encoding."),
            headers={"Accept-Encoding": "identity"},
        )
    kind = media_type(request)
    if (kind not in JSON_TYPES and not kind.endswith("+json")) or not is_utf8(request):
        raise Problem(
            "unsupported-media-type",
            Words(
                "Send JSON in UTF-8, with Content-Type: application/json.",
                "Inviare JSON in UTF-8, con Content-Type: application/json.",
            ),
            headers={"Accept": "application/json"},
        )


async def read_body(request: web.Request, limit: int, timeout: float, share: Share) -> bytes:
    """The whole body, at most `limit` octets, within `timeout` seconds. Raises Problem."""
    declared = request.content_length or 0
    if declared > limit:
        raise too_large(limit)
    share.grow(declared)
    try:
        return await collect(request, limit, timeout, share.grow)
    except Overlong:
        raise too_large(limit) from None
    except TimeoutError:
        raise Problem(
            "timeout",
            Words(
                f"The body did not arrive within {timeout:.0f} seconds.",
                f"Il corpo non è arrivato entro {timeout:.0f} secondi.",
            ),
            headers={"Connection": "close"},
        ) from None
    except (web.RequestPayloadError, ConnectionError):
        raise Problem(
            "malformed",
            Words(
                "The body did not arrive whole.",
                "Il corpo non è arrivato intero.",
            ),
            headers={"Connection": "close"},
        ) from None


class Overlong(Exception):
    """A body goes on beyond its limit."""


async def collect(
    request: web.Request, limit: int, timeout: float, grow: Callable[[int], None] = lambda size: None
) -> bytes:
    """The octets of a body, at most `limit`, within `timeout` seconds; `grow` is told how many there are so
    far. Raises Overlong, TimeoutError, and what aiohttp raises where a body breaks off."""
    chunks: list[bytes] = []
    size = 0
    async with asyncio.timeout(timeout):
        async for chunk in request.content.iter_any():
            size += len(chunk)
            if size > limit:
                raise Overlong
            grow(size)
            chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def too_large(limit: int) -> Problem:
    """A body beyond the limit."""
    return Problem(
        "too-large",
        Words(
            f"The body is larger than {limit} octets. Send less, or attach a link.",
            f"Il corpo supera {limit} ottetti. Inviare meno, o allegare un collegamento.",
        ),
        headers={"Connection": "close"},
    )
