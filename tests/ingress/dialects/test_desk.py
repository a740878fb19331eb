"""What all dialects share."""

import threading
from typing import Any

import pytest

from gateway.ingress.dialects.desk import LARGE, Call


@pytest.mark.parametrize(("size", "apart"), [(LARGE, False), (LARGE + 1, True)])
async def test_large_bodies_are_read_beside_the_loop(size: int, apart: bool) -> None:
    """Else everybody waits while somebody's attachment is decoded."""
    nothing: Any = None
    call = Call(
        request=nothing,
        source=nothing,
        raw=bytes(size),
        now=0.0,
        dialect=nothing,
        desk=nothing,
        share=nothing,
    )
    assert (await call.aside(threading.get_ident) != threading.get_ident()) is apart
