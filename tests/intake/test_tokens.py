"""Tokens: what was sealed opens, and nothing else does."""

import string
import time

from hypothesis import given
from hypothesis import strategies as st

from gateway.intake.tokens import (
    Kind,
    Refused,
    WayOut,
    leave_address,
    open_showing,
    open_way_out,
    read_leave_address,
    seal,
    seal_way_out,
    unseal,
)
from gateway.keys import Keys, new_keys
from tests.line import KEYS, NOW

ENTRY = "01mcc5rm00zkmxthgd40xy0re4"
PARTS = st.lists(st.binary(max_size=255), max_size=4)


def way(**given: object) -> WayOut:
    fields = {
        "controller": "acme", "subject": bytes(16), "channel": "email", "purpose": "offers",
        "message": ENTRY, "n": 3,
    }  # fmt: skip
    return WayOut(**(fields | given))  # type: ignore[arg-type]


@given(st.sampled_from(Kind), PARTS)
def test_what_was_sealed_opens(kind: Kind, parts: list[bytes]) -> None:
    token = seal(KEYS, kind, parts, NOW + 10)
    assert unseal(KEYS, kind, token, NOW) == (Refused.FORGED if len(token) > 1024 else tuple(parts))
    assert set(token) <= set(string.ascii_letters + string.digits + "-_")


@given(st.text(max_size=300))
def test_a_way_out_opens_with_any_purpose(purpose: str) -> None:
    purpose = purpose.encode(errors="ignore").decode()
    found = open_way_out(KEYS, seal_way_out(KEYS, way(purpose=purpose), NOW + 10), NOW)
    assert isinstance(found, WayOut)
    assert purpose.startswith(found.purpose)
    assert (found.message, found.n) == (ENTRY, 3)


@given(st.data())
def test_no_other_spelling_opens(data: st.DataObject) -> None:
    token = seal_way_out(KEYS, way(), NOW + 10)
    at = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from(string.ascii_letters + string.digits + "-_=+/ \n%é\0"))
    for bent in (
        token[:at] + letter + token[at + 1 :],
        token[:at],
        token + letter,
        token[:at] + letter + token[at:],
    ):
        if bent != token:
            assert open_way_out(KEYS, bent, NOW) is Refused.FORGED


@given(st.text(max_size=2000))
def test_anything_else_is_refused(text: str) -> None:
    assert open_way_out(KEYS, text, NOW) is Refused.FORGED


def test_time_ends_it() -> None:
    token = seal_way_out(KEYS, way(), NOW)
    assert open_way_out(KEYS, token, NOW) is Refused.EXPIRED
    assert isinstance(open_way_out(KEYS, token, NOW - 1), WayOut)


def test_a_token_is_for_one_purpose_and_one_key_file() -> None:
    token = seal_way_out(KEYS, way(), NOW + 10)
    assert open_showing(KEYS, token, NOW) is Refused.FORGED
    assert unseal(KEYS, Kind.CONFIRM, token, NOW) is Refused.FORGED
    assert open_way_out(new_keys(), token, NOW) is Refused.FORGED


def test_tokens_of_older_keys_open() -> None:
    old, new = new_keys(), new_keys()
    both = Keys(new.peppers, (*new.tokens, *old.tokens), new.signing)
    assert isinstance(open_way_out(both, seal_way_out(old, way(), NOW + 10), NOW), WayOut)
    assert open_way_out(new, seal_way_out(old, way(), NOW + 10), NOW) is Refused.FORGED


def test_mailboxes_of_the_way_out() -> None:
    made = leave_address(KEYS, "r.example", f"{ENTRY}-12")
    assert len(made.partition("@")[0]) <= 64
    assert read_leave_address(KEYS, made.upper()) == (ENTRY, 12)
    for bad in (made.replace("leave+", "bounces+"), made.replace("-12-", "-13-"), "leave+@r.example", "x"):
        assert read_leave_address(KEYS, bad) is None
    assert read_leave_address(new_keys(), made) is None


def test_it_costs_little() -> None:
    started = time.process_time()
    for _ in range(2000):
        seal_way_out(KEYS, way(), NOW)
    assert (time.process_time() - started) / 2000 < 100e-6
