"""Several addresses of one person: what restricts is read over all of them, what opens over none."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.evidence.recall import recall_facts
from gateway.intake.failure import FailDelivery
from gateway.intake.receipt import Receipt
from gateway.ledger.relationship import relationship
from gateway.store.attempt import Attempt, Kind, Outcome
from gateway.store.packing import pack_facts, unpack_facts
from tests.intake.policies import line
from tests.intake.test_caps import codes, rules
from tests.intake.test_events import RUI, event, ident, person, tell
from tests.line import NOW, Line, message

HOME, WORK, OTHER = "anna@example.org", "anna@work.example", "a.verdi@example.net"
URL, ID = ident("linkedin.com/in/anna-verdi-example", "linkedin"), ident("ACoAAB1234567", "linkedin")


async def submit_naming(gateway: Line, to: str, *aliases: str) -> Receipt:
    """Outreach to an address, by a message that names others of the same person."""
    about = message(to=to, class_="outreach", now=gateway.clock())
    named = replace(about.recipients[0], aliases=tuple(ident(alias) for alias in aliases))
    return await gateway.intake.submit(replace(about, recipients=(named,)))


@pytest.mark.parametrize("deliver", [True, False])
async def test_what_a_message_names_is_one_person_from_then_on(tmp_path: Path, deliver: bool) -> None:
    """A stop under an address that an earlier message named holds for the others, and cancels what waits."""
    async with line(tmp_path) as gateway:
        about = message(to=HOME, class_="outreach", now=gateway.clock(), deliver=deliver)
        about = replace(about, send_at=gateway.clock() + 3600)
        named = replace(about.recipients[0], aliases=(ident(WORK),))
        asked = await gateway.intake.submit(replace(about, recipients=(named,)))
        assert asked.status == "accepted"
        assert (await gateway.store.depths()).outbox == deliver
        await tell(gateway, event("message.replied", ident(WORK), text="STOP"))
        assert (await gateway.store.depths()).outbox == 0
        assert codes(await gateway.submit(class_="outreach", to=HOME)) == ["stop_request.said"]


@pytest.mark.parametrize("named", [HOME, WORK])
async def test_a_stop_is_found_behind_an_address_that_the_message_names(tmp_path: Path, named: str) -> None:
    async with line(tmp_path) as gateway:
        await tell(gateway, event("connection.accepted", ident(HOME), ident(WORK)))
        await tell(gateway, event("unsubscribe", ident(WORK), data={"everywhere": True}))
        assert (await submit_naming(gateway, OTHER)).status == "accepted"
        assert (await submit_naming(gateway, OTHER, named)).status == "rejected"


async def test_a_reply_to_one_identifier_is_owed_an_answer_on_all(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, "rule: reply_duty, outcome: hold")) as gateway:
        await tell(gateway, event("connection.accepted", URL, ID))
        await tell(gateway, event("message.replied", ID, text="Volentieri, mi dica.", thread="t1"))
        held = await gateway.submit(class_="outreach", to=URL.key, channel="linkedin")
        assert codes(held) == ["reply_duty.unanswered"]
        facts = held.recipients[0].facts
        assert facts is not None
        for again in (unpack_facts, recall_facts):
            assert again(pack_facts(facts, RUI)).relationship == facts.relationship
        answer = {"class_": "conversation", "channel": "linkedin", "in_reply_to": ("t1",)}
        assert (await gateway.submit(to=ID.key, **answer)).status == "accepted"
        [released] = await gateway.review.sweep(gateway.clock())
        assert released.status == "released"
        assert codes(await gateway.submit(class_="outreach", to=URL.key, channel="linkedin")) == []


async def test_an_answer_on_one_identifier_is_one_on_all(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, "rule: reply_duty, outcome: hold")) as gateway:
        await tell(gateway, event("connection.accepted", URL, ID))
        for one, thread in ((URL, "t1"), (ID, "t2")):
            await tell(gateway, event("message.replied", one, text="Volentieri.", thread=thread))
        assert (await gateway.store.depths()).unanswered == 2
        answer = {"class_": "conversation", "channel": "linkedin", "in_reply_to": ("t1",)}
        assert (await gateway.submit(to=URL.key, **answer)).status == "accepted"
        assert (await gateway.store.depths()).unanswered == 0
        assert codes(await gateway.submit(class_="outreach", to=ID.key, channel="linkedin")) == []


async def test_an_answer_on_another_identifier_that_failed_is_none(tmp_path: Path) -> None:
    """Unless another one answers too, on whichever identifier."""
    async with line(tmp_path, rules(tmp_path, "rule: reply_duty, outcome: hold")) as gateway:
        await tell(gateway, event("connection.accepted", URL, ID))
        await tell(gateway, event("message.replied", ID, text="Volentieri.", thread="t1"))
        answer = {"class_": "conversation", "channel": "linkedin", "in_reply_to": ("t1",)}
        sent = [await gateway.submit(to=one.key, **answer) for one in (URL, URL, ID)]
        left = []
        for one, to in zip(sent, (URL, URL, ID), strict=True):
            await tell(gateway, event("message.failed", to, message=one.id, source_event_id=one.id))
            left.append((await gateway.store.depths()).unanswered)
        assert left == [0, 0, 1]
        assert codes(await gateway.submit(class_="outreach", to=URL.key, channel="linkedin")) == [
            "reply_duty.unanswered"
        ]
        assert (await gateway.submit(to=URL.key, **answer)).status == "accepted"
        assert (await gateway.store.depths()).unanswered == 0


@pytest.mark.parametrize("order", [(HOME, WORK), (WORK, HOME)])
async def test_an_answer_to_two_addresses_fails_when_both_copies_do(
    tmp_path: Path, order: tuple[str, str]
) -> None:
    async with line(tmp_path) as gateway:
        await tell(gateway, event("connection.accepted", ident(HOME), ident(WORK)))
        await tell(gateway, event("message.replied", ident(WORK), text="Volentieri."))
        answer = await gateway.submit(class_="conversation", to=[HOME, WORK])
        for waits, to in enumerate(order):
            assert answer.status == "accepted"
            await tell(gateway, event("message.failed", ident(to), message=answer.id))
            assert (await gateway.store.depths()).unanswered == waits
            assert relationship(await person(gateway, WORK), RUI).answers == 0


async def test_an_answer_by_another_address_that_the_relay_refused_is_none(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        await tell(gateway, event("connection.accepted", ident(HOME), ident(WORK)))
        await tell(gateway, event("message.replied", ident(WORK), text="Volentieri."))
        assert (await gateway.submit(class_="conversation", to=HOME)).status == "accepted"
        assert (await gateway.store.depths()).unanswered == 0
        [entry] = await gateway.store.take(5)
        refused = Attempt(outcome=Outcome.FAILED, kind=Kind.PERMANENT, relay="r", phase="data", code=554)
        assert await gateway.store.run(FailDelivery(entry, refused))
        assert (await gateway.store.depths()).unanswered == 1
        assert relationship(await person(gateway, WORK), RUI).unanswered_since == NOW


async def test_a_reply_is_found_under_an_identifier_that_the_message_names(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, "rule: reply_duty, outcome: hold")) as gateway:
        await tell(gateway, event("message.replied", ident(WORK), text="Volentieri, mi dica."))
        assert (await submit_naming(gateway, HOME)).status == "accepted"
        assert codes(await submit_naming(gateway, HOME, WORK)) == ["reply_duty.unanswered"]


async def test_a_sequence_is_one_over_all_identifiers(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, "rule: sequence_length, limit: 2, outcome: reject")) as gateway:
        await tell(gateway, event("connection.accepted", URL, ID))
        sent = [
            (await gateway.submit(class_="outreach", to=one.key, channel="linkedin")).status
            for one in (URL, ID, URL, ID)
        ]
        assert sent == ["accepted", "accepted", "rejected", "rejected"]
        gateway.clock.now += 60
        await tell(gateway, event("message.replied", ID, text="Sì", occurred_at=gateway.clock()))
        assert (await gateway.submit(class_="outreach", to=ID.key, channel="linkedin")).status == "accepted"


async def test_a_reply_leaves_only_newer_messages_to_other_identifiers_unanswered(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, "rule: sequence_length, limit: 3, outcome: reject")) as gateway:
        await tell(gateway, event("connection.accepted", URL, ID))
        outreach = {"class_": "outreach", "channel": "linkedin"}
        for _ in range(2):
            await gateway.submit(to=ID.key, **outreach)
        gateway.clock.now += 60
        await tell(gateway, event("message.replied", URL, text="Sì", occurred_at=gateway.clock()))
        gateway.clock.now += 60
        sent = [(await gateway.submit(to=one.key, **outreach)).status for one in (ID, URL, URL, URL)]
        assert sent == ["accepted", "accepted", "accepted", "rejected"]


async def test_what_opens_a_door_on_one_address_opens_none_on_another(tmp_path: Path) -> None:
    """Neither across channels nor for whoever names somebody else's address as an alias."""
    known = rules(tmp_path, "rule: min_stage, stage: connected, outcome: reject")
    async with line(tmp_path, known) as gateway:
        await tell(gateway, event("connection.accepted", URL, ident(HOME)))
        await tell(gateway, event("meeting.held", ident(HOME)))
        assert (await gateway.submit(class_="outreach", to=HOME)).status == "accepted"
        assert (await gateway.submit(class_="outreach", to=URL.key, channel="linkedin")).status == "accepted"
        await tell(gateway, event("unsubscribe", ident(OTHER), ident(HOME), purpose="newsletter"))
        assert (await gateway.submit(class_="outreach", to=OTHER)).status == "rejected"
        assert (await submit_naming(gateway, WORK, HOME)).status == "rejected"


async def test_who_parted_under_one_identifier_is_connected_under_none(tmp_path: Path) -> None:
    known = rules(tmp_path, "rule: min_stage, stage: connected, outcome: reject")
    outreach = {"class_": "outreach", "to": URL.key, "channel": "linkedin"}
    async with line(tmp_path, known) as gateway:
        await tell(gateway, event("connection.accepted", URL, ID, occurred_at=NOW - 900))
        assert (await gateway.submit(**outreach)).status == "accepted"
        await tell(gateway, event("connection.withdrawn", ID, occurred_at=NOW - 500, opens=False))
        assert (await gateway.submit(**outreach)).status == "rejected"
        await tell(gateway, event("connection.accepted", URL, occurred_at=NOW - 600))
        assert (await gateway.submit(**outreach)).status == "rejected", "told late"
        await tell(gateway, event("connection.accepted", URL, occurred_at=NOW - 100))
        assert (await gateway.submit(**outreach)).status == "accepted"


async def test_an_older_acceptance_of_another_identifier_undoes_no_withdrawal(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        await tell(gateway, event("purchase", URL, ID))
        await tell(gateway, event("connection.withdrawn", URL, occurred_at=NOW - 500, opens=False))
        await tell(gateway, event("connection.accepted", ID, occurred_at=NOW - 600))
        assert not relationship(await person(gateway, ID.address, "linkedin"), RUI).connected_at
        await tell(gateway, event("connection.accepted", ID, occurred_at=NOW - 400))
        assert relationship(await person(gateway, ID.address, "linkedin"), RUI).connected_at == NOW - 400


async def test_what_a_tool_sent_to_two_identifiers_counts_once(tmp_path: Path) -> None:
    both = (
        "rule: contact_cap, limit: 2, per: 1 day, outcome: hold",
        "rule: sequence_length, limit: 2, outcome: reject",
    )
    async with line(tmp_path, rules(tmp_path, *both)) as gateway:
        await tell(gateway, event("message.sent", URL, ID, message="m-1"))
        again = await tell(gateway, event("message.sent", ID, URL, message="m-1", source_event_id="2"))
        assert again.effect.note == "counted_before"
        assert relationship(await person(gateway, ID.address, "linkedin"), RUI).sent == 1
        outreach = {"class_": "outreach", "to": ID.key, "channel": "linkedin"}
        assert codes(await gateway.submit(**outreach)) == []
        assert codes(await gateway.submit(**outreach)) == ["sequence_length.reached", "contact_cap.reached"]
