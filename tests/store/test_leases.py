"""When leases end: each at a moment of its own, by which it is found again where its answer was lost."""

import pytest

from gateway.store.postgres_leases import STEP, Leases
from gateway.store.postgres_link import Link, read_address
from tests.line import NOW, Clock

LEASE = 300.0


class Holder:
    name = "gateway"
    alive = True


@pytest.fixture
def leases() -> Leases:
    link = Link(read_address("postgresql://postgres@127.0.0.1:1/none"), "gateway")
    return Leases(link, Holder(), Clock(), LEASE)


def test_no_two_end_alike_while_the_clock_stands(leases: Leases) -> None:
    ends = [leases.end(NOW) for _ in range(1000)]
    assert ends == sorted(set(ends))
    assert ends[0] == NOW + LEASE
    assert ends[-1] < NOW + LEASE + 0.1


@pytest.mark.parametrize("back", [0.000001, 0.5, STEP / 2])
def test_nor_where_it_goes_back_a_little(leases: Leases, back: float) -> None:
    ends = [leases.end(NOW + n / 10) for n in range(5)]
    ends += [leases.end(NOW + 0.4 - back) for _ in range(5)]
    assert ends == sorted(set(ends))


def test_a_clock_that_was_put_right_is_followed(leases: Leases) -> None:
    leases.end(NOW)
    assert leases.end(NOW - 2 * STEP) == NOW - 2 * STEP + LEASE
    assert leases.end(NOW + 5) == NOW + 5 + LEASE
