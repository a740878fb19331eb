import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.retry import DELAYS, SPREAD, next_at

DAY = 86400.0


@given(
    attempts=st.integers(0, 1000),
    age=st.floats(0, 10 * DAY),
    jitter=st.floats(0, 1),
    max_age=st.floats(60, 5 * DAY),
)
def test_always_later_never_past_the_age_and_given_up_after_it(
    attempts: int, age: float, jitter: float, max_age: float
) -> None:
    now = 1_800_000_000.0
    queued_at = now - age
    due = next_at(attempts, queued_at, now, jitter, max_age)
    if now >= queued_at + max_age:
        assert due is None
    else:
        assert due is not None
        assert now < due <= queued_at + max_age
        assert due - now <= DELAYS[-1] * (1 + SPREAD)


def test_delays_grow_and_spread() -> None:
    delays = [next_at(n, 0, 0, 0.5, 10 * DAY) for n in range(1, 10)]
    assert delays == [*DELAYS, DELAYS[-1], DELAYS[-1]]
    assert next_at(1, 0, 0, 0.0, DAY) == pytest.approx(DELAYS[0] * 0.8)
    assert next_at(1, 0, 0, 1.0, DAY) == pytest.approx(DELAYS[0] * 1.2)


def test_there_is_one_last_try_when_the_age_is_reached() -> None:
    assert next_at(9, 0, DAY - 60, 0.5, DAY) == DAY
    assert next_at(10, 0, DAY, 0.5, DAY) is None
