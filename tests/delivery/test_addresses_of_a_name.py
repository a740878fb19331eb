"""A name with several addresses, by real sockets: whichever answers is connected to."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from gateway.delivery import reach

LOCAL = "127.0.0.1"


@contextmanager
def silent() -> Iterator[int]:
    """A port that never answers who connects: it has no room left for another connection."""
    with closing(socket.socket()) as server:
        server.bind((LOCAL, 0))
        server.listen(0)
        port = server.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex((LOCAL, port))
        yield port
        for one in waiting:
            one.close()


@contextmanager
def listening() -> Iterator[int]:
    with closing(socket.create_server((LOCAL, 0))) as server:
        yield server.getsockname()[1]


def closed() -> int:
    with listening() as port:
        return port


def addresses(*ports: int) -> list[tuple[int, tuple[str, int]]]:
    return [(socket.AF_INET, (LOCAL, port)) for port in ports]


async def test_an_address_that_never_answers_leaves_time_for_the_others() -> None:
    began = time.monotonic()
    with silent() as first, listening() as second:
        made = await reach.first_of(addresses(first, second), 2.0)
        with made:
            assert made.getpeername() == (LOCAL, second)
            assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert time.monotonic() - began < 1.9


async def test_an_address_that_refuses_costs_nothing() -> None:
    with listening() as port:
        made = await reach.first_of(addresses(closed(), closed(), port), 1.0)
        with made:
            assert made.getpeername() == (LOCAL, port)


async def test_what_the_last_address_says_is_told() -> None:
    with silent() as port:
        with pytest.raises(ConnectionRefusedError):
            await reach.first_of(addresses(port, closed()), 0.4)
        with pytest.raises(TimeoutError):
            await reach.first_of(addresses(closed(), port), 0.4)


async def test_a_name_is_looked_up_anew_each_time() -> None:
    with listening() as port:
        for _ in range(2):
            with closing(await reach.reach("localhost", port, 1.0)) as made:
                assert made.getpeername()[1] == port
    with pytest.raises(socket.gaierror):
        await reach.reach("relay.invalid", 25, 5.0)
