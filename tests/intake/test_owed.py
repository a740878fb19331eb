"""Who waits for an answer, and what counts as one."""

from pathlib import Path

import pytest

from gateway.access import Access, Controller, Source
from gateway.intake.events import Events
from gateway.intake.failure import FailDelivery
from gateway.intake.owed import BACKLOG_PAUSE
from gateway.store.attempt import Attempt, Kind, Outcome
from tests.intake.policies import line
from tests.intake.test_caps import codes, rules
from tests.intake.test_events import event, tell
from tests.line import DAY, KEYS, NOW, Line, reader

DUTY = "rule: reply_duty, outcome: hold"


def only(kind: str) -> Access:
    """Who may submit: one source of this kind."""
    source = Source(name="development", controller="default", kind=kind)
    return Access(
        sources={source.name: source}, controllers={"default": Controller(name="default")}, reviewers={}
    )


async def converse(gateway: Line) -> str:
    """What becomes of a conversation in the thread of the reply."""
    return (await gateway.submit(class_="conversation", in_reply_to=("t1",))).status


async def test_an_answer_told_late_is_none_to_a_later_reply(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, DUTY)) as gateway:
        await tell(gateway, event("message.replied", text="Sì", occurred_at=NOW - 5000))
        await tell(gateway, event("message.replied", text="E allora?", occurred_at=NOW - 1000))
        await tell(gateway, event("message.answered", occurred_at=NOW - 4000))
        assert codes(await gateway.submit(class_="outreach")) == ["reply_duty.unanswered"]
        assert (await gateway.store.depths()).unanswered == 1
        await tell(gateway, event("message.answered", occurred_at=NOW - 1001, received_at=NOW - 1001))
        assert (await gateway.store.depths()).unanswered == 1
        await tell(gateway, event("message.answered", occurred_at=NOW - 500))
        assert codes(await gateway.submit(class_="outreach")) == []
        assert (await gateway.store.depths()).unanswered == 0


@pytest.mark.parametrize(("kind", "left"), [("tool", ["reply_duty.unanswered"]), ("person", [])])
async def test_only_a_person_answers_by_a_conversation(tmp_path: Path, kind: str, left: list[str]) -> None:
    async with line(tmp_path, rules(tmp_path, DUTY), access=only(kind)) as gateway:
        await tell(gateway, event("message.replied", text="Sì", thread="t1"))
        assert await converse(gateway) == "accepted"
        assert codes(await gateway.submit(class_="outreach")) == left
        assert (await gateway.store.depths()).unanswered == len(left)


async def test_a_tools_conversation_that_a_reviewer_released_is_an_answer(tmp_path: Path) -> None:
    duty = rules(tmp_path, DUTY, classes="[outreach, conversation]")
    async with line(tmp_path, duty, access=only("tool")) as gateway:
        await tell(gateway, event("message.replied", text="Sì", thread="t1"))
        held = await gateway.submit(class_="conversation", in_reply_to=("t1",))
        assert codes(held) == ["reply_duty.unanswered"]
        released = await gateway.review.release(held.recipients[0].hold_id, "dora", "it answers her question")
        assert released.status == "released"
        assert codes(await gateway.submit(class_="outreach")) == []


@pytest.mark.parametrize("kind", ["tool", "person"])
async def test_an_answer_by_a_conversation_is_counted_as_one(tmp_path: Path, kind: str) -> None:
    duty = rules(tmp_path, DUTY, classes="[outreach, conversation]")
    async with line(tmp_path, duty, access=only(kind)) as gateway:
        await tell(gateway, event("message.replied", text="Sì", thread="t1"))
        gateway.clock.now += 600
        first = await gateway.submit(class_="conversation", in_reply_to=("t1",))
        if kind == "tool":
            assert answers(gateway) == (0, 0)
            await gateway.review.release(first.recipients[0].hold_id, "dora", "it answers her question")
        assert answers(gateway) == (1, 600)
        assert await converse(gateway) == "accepted"  # nobody waits for this one
        assert answers(gateway) == (1, 600)


@pytest.mark.parametrize(("earlier", "counted"), [(0, 1), (30, 1), (3000, 0)])
async def test_an_answer_by_a_clock_that_goes_back_is_counted(
    tmp_path: Path, earlier: float, counted: int
) -> None:
    """Told promptly it answers what stands; told long after, only what was there then."""
    async with line(tmp_path) as gateway:
        events = Events(gateway.store, reader(), KEYS, gateway.metrics, Access({}, {}, {}))
        await events.tell(event("message.replied", text="Sì"))
        await events.tell(event("message.answered", occurred_at=NOW - earlier))
        assert (await gateway.store.depths()).unanswered == 1 - counted
        assert answers(gateway) == (counted, 0)


def answers(gateway: Line) -> tuple[float | None, float | None]:
    """How many answers were counted, and the seconds that they took together."""
    count, total = (f"galateo_reply_answer_seconds_{what}" for what in ("count", "sum"))
    value = gateway.metrics.registry.get_sample_value
    return value(count), value(total)


@pytest.mark.parametrize(("at", "waits"), [(NOW, 0), (NOW - 3 * DAY, 1)])
async def test_nobody_owes_an_answer_to_who_said_stop(tmp_path: Path, at: float, waits: int) -> None:
    """But to what they wrote after it, where the stop is told late."""
    backlog = rules(tmp_path, "rule: reply_backlog, limit: 0, age: 1 day, outcome: hold")
    async with line(tmp_path, backlog) as gateway:
        await tell(gateway, event("message.replied", text="Chi siete?", occurred_at=NOW - 2 * DAY))
        held = await gateway.submit(class_="outreach", to="bruno@example.org")
        assert codes(held) == ["reply_backlog.waiting"]
        await tell(gateway, event("message.replied", text="STOP", occurred_at=at))
        assert (await gateway.store.depths()).unanswered == waits
        gateway.clock.now += 2 * BACKLOG_PAUSE
        assert [result.status for result in await gateway.review.sweep(gateway.clock())] == ["released"][
            waits:
        ]
        again = codes(await gateway.submit(class_="outreach", to="carla@example.org"))
        assert again == ["reply_backlog.waiting"] * waits


async def test_an_answer_that_failed_is_none(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, DUTY)) as gateway:
        await tell(gateway, event("message.replied", text="Sì", thread="t1"))
        answer = await gateway.submit(class_="conversation", in_reply_to=("t1",))
        assert (await gateway.store.depths()).unanswered == 0
        await tell(gateway, event("message.failed", message=answer.id))
        assert (await gateway.store.depths()).unanswered == 1
        assert codes(await gateway.submit(class_="outreach")) == ["reply_duty.unanswered"]
        assert await converse(gateway) == "accepted"
        assert (await gateway.store.depths()).unanswered == 0


async def test_an_answer_that_the_relay_refused_is_none(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, DUTY)) as gateway:
        await tell(gateway, event("message.replied", text="Sì", thread="t1"))
        assert await converse(gateway) == "accepted"
        [entry] = await gateway.store.take(5)
        refused = Attempt(outcome=Outcome.FAILED, kind=Kind.PERMANENT, relay="r", phase="data", code=554)
        assert await gateway.store.run(FailDelivery(entry, refused))
        assert (await gateway.store.depths()).unanswered == 1


async def test_a_second_answer_stands_when_the_first_failed(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, DUTY)) as gateway:
        await tell(gateway, event("message.replied", text="Sì", thread="t1"))
        first = await gateway.submit(class_="conversation", in_reply_to=("t1",))
        second = await gateway.submit(class_="conversation", in_reply_to=("t1",))
        await tell(gateway, event("message.failed", message=first.id, source_event_id="1"))
        assert (await gateway.store.depths()).unanswered == 0
        await tell(gateway, event("message.failed", message=second.id, source_event_id="2"))
        assert (await gateway.store.depths()).unanswered == 1


async def test_a_clock_that_tells_whole_seconds_answers_what_came_within_one(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        await tell(gateway, event("message.replied", text="Sì", occurred_at=NOW + 0.4, received_at=NOW + 0.4))
        gateway.clock.now += 1
        await tell(gateway, event("message.replied", text="E poi?", occurred_at=gateway.clock.now - 0.2))
        await tell(gateway, event("message.answered", occurred_at=NOW))
        assert (await gateway.store.depths()).unanswered == 0
