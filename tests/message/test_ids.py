"""Identifiers that sort by time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message.ids import is_id, new_id, time_of

TIMES = st.integers(0, (1 << 48) - 1)
SECONDS = st.integers(0, 1 << 38)
ENTROPY = st.binary(min_size=10, max_size=16)


@given(TIMES, ENTROPY)
def test_the_time_comes_back(moment: int, entropy: bytes) -> None:
    made = new_id(moment / 1000, entropy)
    assert is_id(made)
    assert round(time_of(made) * 1000) == moment


@given(SECONDS, SECONDS, ENTROPY, ENTROPY)
def test_ids_sort_by_time_then_entropy(one: int, two: int, first: bytes, second: bytes) -> None:
    a, b = new_id(one, first), new_id(two, second)
    assert (a < b) == ((one, first[:10]) < (two, second[:10]))


def test_known_value() -> None:
    assert new_id(1469918176.385, b"\0" * 10) == "01aryz6s41" + "0" * 16
    assert new_id(1469918176.385, b"\xff" * 10) == "01aryz6s41" + "z" * 16


@pytest.mark.parametrize("bad", ["", "0" * 25, "0" * 27, "U" * 26, "8" + "0" * 25, "0" * 25 + "é"])
def test_other_text_is_no_id(bad: str) -> None:
    assert not is_id(bad)
    with pytest.raises(ValueError, match="not an id"):
        time_of(bad)


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="entropy"):
        new_id(0, b"short")
    with pytest.raises(ValueError, match="time"):
        new_id(-1, b"0123456789")
