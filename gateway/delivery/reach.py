"""A TCP connection to whichever address of a name answers."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

TURN = 3.0
"""Seconds that an address may take while others wait: one that swallows what comes must not cost the rest
their time."""


async def reach(host: str, port: int, patience: float) -> socket.socket:
    """Connect to the first address of the host that answers, in the system's order, within some `patience`
    seconds. Raises OSError: of the name, or of the address that was tried last."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return await first_of([(family, address) for family, _, _, _, address in found], patience)


async def first_of(addresses: Sequence[tuple[int, Any]], patience: float) -> socket.socket:
    """Connect to the first of these (family and address each) that answers; the last one may take what is
    left of `patience`, those before it a turn each. Raises OSError."""
    turn = min(TURN, patience / max(len(addresses), 1))
    *others, last = addresses
    for family, address in others:
        try:
            async with asyncio.timeout(turn):
                return await _connect(family, address)
        except OSError:  # and TimeoutError: the next may do better
            continue
    async with asyncio.timeout(patience - turn * len(others)):
        return await _connect(*last)


async def _connect(family: int, address: Any) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, address)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        made.close()
        raise
    return made
