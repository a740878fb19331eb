"""What a failed delivery leaves behind, through the gated outbox."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.intake.failure import FailDelivery
from gateway.intake.gate import WAITED, GatedOutbox
from gateway.intake.return_path import read_return_path, return_path
from gateway.keys import new_keys
from gateway.ledger.bounce import SOFT_BOUNCES
from gateway.ledger.person import Person
from gateway.policy.policies import PolicySet
from gateway.store.attempt import Attempt, Kind, Outcome
from gateway.store.outbox import Entry
from gateway.store.protocol import HoldFilter
from gateway.store.records import HoldRow
from tests.intake.policies import line, policies
from tests.line import DAY, KEYS, NOW, Line

ANNA = KEYS.subject("email", "anna@example.org")


@asynccontextmanager
async def gated(gateway: Line, **given: Any) -> AsyncIterator[GatedOutbox]:
    outbox = GatedOutbox(
        gateway.store, gateway.policies, gateway.access, KEYS, 14 * DAY, clock=gateway.clock, **given
    )
    yield outbox
    await outbox.stop()


def failure(**given: Any) -> Attempt:
    fields: dict[str, Any] = {
        "outcome": Outcome.FAILED,
        "kind": Kind.PERMANENT,
        "relay": "smtp",
        "phase": "rcpt",
        "code": 550,
        "enhanced": "5.1.1",
    }
    return Attempt(**(fields | given))


async def anna(gateway: Line) -> Person:
    return await gateway.store.person(("default", ANNA))


async def take(outbox: GatedOutbox) -> Entry:
    [entry] = await outbox.take(10)
    return entry


async def take_all(outbox: GatedOutbox, taken: list[str]) -> None:
    while True:
        taken += [entry.address for entry in await outbox.take(10)]


@pytest.mark.parametrize(
    ("attempt", "dead", "soft"),
    [
        (failure(), True, 0),
        (failure(enhanced="5.7.1", phase="final"), False, 0),
        (failure(enhanced="5.2.2"), False, 1),
        (failure(enhanced="", code=552, text="Mailbox full"), False, 1),
        (failure(enhanced="5.7.1", code=554, text="5.7.1 Relay access denied"), False, 0),
        (failure(enhanced="", text="relay not permitted"), False, 0),
        (failure(enhanced="", code=553, text="Invalid recipient"), False, 0),
        (failure(enhanced="", text="No Such User Here"), True, 0),
        (failure(enhanced="5.1.1", phase="mail", text="5.1.1 sender unknown"), False, 0),
        (failure(enhanced="", phase="http", code=404, text="user not found"), False, 0),
        (failure(kind=Kind.EXPIRED, code=0, enhanced="", phase="connect"), False, 0),
    ],
)
async def test_a_failure_gives_back_and_a_dead_address_stops(
    tmp_path: Path, attempt: Attempt, dead: bool, soft: int
) -> None:
    async with line(tmp_path) as gateway, gated(gateway) as outbox:
        await gateway.submit()
        entry = await take(outbox)
        assert len((await anna(gateway)).contacts) == 1
        outbox.settle(entry, attempt)
        await outbox.stop()
        await gateway.store.check()
        known = await anna(gateway)
        assert known.contacts == ()
        assert {s.kind for s in known.stops} == ({"bounced"} if dead else set())
        assert known.soft_bounces == soft
        assert (await gateway.store.depths()).outbox == 0
        again = await gateway.submit(text="Buongiorno, ecco la sua ricevuta numero 13.")
        assert again.status == ("rejected" if dead else "accepted")


@pytest.mark.parametrize(
    "attempt",
    [
        failure(outcome=Outcome.DELIVERED, kind=Kind.DELIVERED, code=250),
        failure(outcome=Outcome.DEFERRED, kind=Kind.TEMPORARY, code=451, next_at=NOW + DAY),
        failure(kind=Kind.RETURNED, code=0),
    ],
)
async def test_anything_else_gives_nothing_back(tmp_path: Path, attempt: Attempt) -> None:
    async with line(tmp_path) as gateway, gated(gateway) as outbox:
        await gateway.submit()
        outbox.settle(await take(outbox), attempt)
        await gateway.store.check()
        assert len((await anna(gateway)).contacts) == 1


async def test_a_failure_told_twice_counts_once(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway, gated(gateway) as outbox:
        await gateway.submit()
        entry = await take(outbox)
        soft = failure(enhanced="5.2.2")
        assert [await gateway.store.run(FailDelivery(entry, soft)) for _ in range(3)] == [True, False, False]
        assert (await anna(gateway)).soft_bounces == 1


@pytest.mark.parametrize(("enhanced", "dead"), [("5.2.2", True), ("5.7.1", False)])
async def test_only_a_full_mailbox_five_times_makes_an_address_undeliverable(
    tmp_path: Path, enhanced: str, dead: bool
) -> None:
    async with line(tmp_path) as gateway, gated(gateway) as outbox:
        for n in range(SOFT_BOUNCES):
            assert (
                await gateway.submit(text=f"Buongiorno, la sua ricevuta numero {n}.")
            ).status == "accepted"
            await gateway.store.run(FailDelivery(await take(outbox), failure(enhanced=enhanced)))
        again = await gateway.submit(text="Buongiorno, ecco la sua ricevuta numero 13.")
        assert again.status == ("rejected" if dead else "accepted")


async def test_mail_of_our_own_is_about_nobody(tmp_path: Path) -> None:
    from gateway.store.attempt import Report

    async with line(tmp_path) as gateway, gated(gateway) as outbox:
        gateway.store.report(
            Report(
                id="r1",
                address="ops@acme.example",
                raw=b"Subject: x\r\n\r\nx\r\n",
                source="s",
                controller="c",
            )
        )
        entry = await take(outbox)
        outbox.settle(entry, failure())
        await gateway.store.check()
        assert (await gateway.store.depths()).outbox == 0
        assert await gateway.store.person((entry.controller, entry.subject_key)) == Person()


CAP = """
version: 1
policy: once
title: One message a day
owner: compliance@example.com
why: For tests.
mode: enforce
applies_to: {class: [outreach]}
rules:
  - rule: contact_cap
    limit: 1
    per: 1 day
    outcome: hold
cases: []
"""


async def test_what_failed_makes_room_for_what_waits(tmp_path: Path) -> None:
    async with line(tmp_path, policies(tmp_path, CAP)) as gateway, gated(gateway) as outbox:
        assert (await gateway.submit(class_="outreach", text="Uno")).status == "accepted"
        assert (await gateway.submit(class_="outreach", text="Due")).status == "held"
        outbox.settle(await take(outbox), failure(enhanced="5.7.1", phase="final"))
        await outbox.stop()
        [result] = await gateway.review.sweep(gateway.clock())
        assert result.status == "released"


# -- the gate -------------------------------------------------------------------------------------


async def test_what_waited_is_asked_again(tmp_path: Path, holding: PolicySet) -> None:
    async with line(tmp_path, holding) as gateway, gated(gateway) as outbox:
        await gateway.consent("anna@example.org", purpose="novita")
        assert (await gateway.submit(class_="outreach", purpose="novita")).status == "accepted"
        gateway.policies.current = policies(tmp_path, HOLD_ALL)
        entry = await take(outbox)
        outbox.settle(
            entry, failure(outcome=Outcome.DEFERRED, kind=Kind.TEMPORARY, code=451, next_at=NOW + WAITED)
        )
        await gateway.store.check()
        gateway.clock.now += 2 * WAITED
        await gateway.submit(to="bruno@example.org")
        taking = asyncio.create_task(take_all(outbox, taken := []))
        holds: list[HoldRow] = []
        for _ in range(500):
            if holds := await gateway.store.holds(HoldFilter()):
                break
            await asyncio.sleep(0.01)
        taking.cancel()
        assert taken == ["bruno@example.org"]
        [hold] = holds
        assert hold.subject == ANNA
        assert (await anna(gateway)).contacts == ()


HOLD_ALL = """
version: 1
policy: wait
title: Outreach waits for a consent of the best kind
owner: compliance@example.com
why: For tests.
mode: enforce
applies_to: {class: [outreach]}
rules:
  - rule: consent
    purposes: [other]
    outcome: hold
cases: []
"""


async def test_what_a_reviewer_let_pass_stays_passed(tmp_path: Path, holding: PolicySet) -> None:
    async with line(tmp_path, holding) as gateway, gated(gateway) as outbox:
        held = await gateway.submit(class_="outreach", purpose="novita")
        assert held.status == "held"
        released = await gateway.review.release(held.recipients[0].hold_id, "reviewer", "fine")
        assert released.status == "released"
        gateway.clock.now += 2 * WAITED
        assert (await take(outbox)).address == "anna@example.org"


# -- return paths ---------------------------------------------------------------------------------


async def test_mail_leaves_with_a_return_path_of_our_own(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway, gated(gateway, return_path_domain="b.example") as outbox:
        receipt = await gateway.submit(text="Buongiorno, ecco la sua ricevuta.")
        entry = await take(outbox)
        assert entry.envelope_from == "elena@acme.example"
        assert len(entry.return_path.partition("@")[0]) <= 64
        assert read_return_path(KEYS, entry.return_path.upper()) == (receipt.id, 0)


def test_return_paths_are_not_forged() -> None:
    entry = "01mcc5rm00zkmxthgd40xy0re4-0"
    good = return_path(KEYS, "b.example", entry)
    assert read_return_path(KEYS, good) == ("01mcc5rm00zkmxthgd40xy0re4", 0)
    assert read_return_path(new_keys(), good) is None
    other = return_path(KEYS, "b.example", entry.replace("re4", "re5"))
    swapped = good.rpartition("-")[0] + "-" + other.rpartition("-")[2]
    for bad in (
        "",
        "@",
        "bounces+",
        "bounces+x-0-y@b.example",
        swapped,
        good[:-20],
        good.replace("-0-", "-1-"),
    ):
        assert read_return_path(KEYS, bad) is None


def test_return_paths_of_older_keys_are_known() -> None:
    old, new = new_keys(), new_keys()
    both = type(old)(new.peppers, (*new.tokens, *old.tokens), new.signing)
    path = return_path(old, "b.example", "01mcc5rm00zkmxthgd40xy0re4-12")
    assert read_return_path(both, path) == ("01mcc5rm00zkmxthgd40xy0re4", 12)
