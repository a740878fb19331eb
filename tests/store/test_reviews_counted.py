"""What is counted of a review: also what a command decided, which is another process, and what goes out."""

import asyncio

import orjson

from gateway.metrics import Metrics
from gateway.review import Review
from gateway.review.counting import PREFIX, count_left
from tests.line import KEYS, Line, reader
from tests.review.test_many import hold_many
from tests.store.conftest import Stores
from tests.store.test_endings import Change

SOLD = {
    "galateo_marketing_messages_total": {"consent_grade": "C"},
    "galateo_accepted_by_stage_total": {"stage": "opted_in"},
    "galateo_messages_per_person_count": {},
    "galateo_sequence_step_count": {},
    "galateo_copied_share_count": {},
}


def reviews(line: Line, metrics: Metrics, **given: bool) -> Review:
    return Review(line.store, reader(), line.policies, line.access, KEYS, None, metrics, **given)


def decided(metrics: Metrics, decision: str) -> float | None:
    labels = {"decision": decision, "by": "reviewer"}
    return metrics.registry.get_sample_value("galateo_reviews_total", labels)


def sold(metrics: Metrics) -> set[float | None]:
    return {metrics.registry.get_sample_value(name, labels) for name, labels in SOLD.items()}


async def test_marketing_that_is_released_counts_as_what_is_accepted_at_once_does(stores: Stores) -> None:
    line, metrics = await stores.line(), Metrics()
    first, second = await hold_many(line, 2)
    assert (await reviews(line, metrics).release(first.id, "ada", "they asked")).status == "released"
    assert sold(metrics) == {1.0}
    assert (await reviews(line, metrics).reject(second.id, "ada", "no")).status == "rejected"
    assert sold(metrics) == {1.0}
    assert (decided(metrics, "overridden"), decided(metrics, "rejected")) == (1.0, 1.0)


async def test_what_a_command_decides_is_counted_once_by_whoever_serves(stores: Stores) -> None:
    line, nobodys = await stores.line(), Metrics()
    other = stores.make(serving=False, chain="cli-1")
    await other.start()
    try:
        first, second = await hold_many(line, 2)
        command = Review(other, reader(), line.policies, line.access, KEYS, None, nobodys, elsewhere=True)
        stores.clock.now += 100
        assert (await command.release(first.id, "ada", "they asked")).status == "released"
        assert (await command.reject(second.id, "ada", "no")).status == "rejected"
        serving, beside = Metrics(), Metrics()
        found = await asyncio.gather(count_left(line.store, serving), count_left(other, beside))
        assert sum(found) == 2
        told = [metrics for metrics in (serving, beside) if sold(metrics) == {1.0}]
        assert len(told) == 1
        for word in ("overridden", "rejected"):
            assert [decided(m, word) for m in (serving, beside, nobodys)].count(1.0) == 1
        assert told[0].registry.get_sample_value("galateo_review_seconds_sum") is not None
        assert await count_left(line.store, serving) == 0
    finally:
        await other.close()


async def test_what_a_command_of_a_newer_version_leaves_is_counted_as_far_as_it_is_known(
    stores: Stores,
) -> None:
    line, metrics = await stores.line(), Metrics()
    said = {"decision": "rejected", "by": "reviewer", "seconds": 3.0, "marketing": None, "room": "blue"}
    row = (PREFIX + b"x", line.store.now() + 60, orjson.dumps(said))
    await line.store.run(Change("INSERT INTO replays (key, expires_at, answer) VALUES (?, ?, ?)", row))
    assert await count_left(line.store, metrics) == 1
    assert decided(metrics, "rejected") == 1.0
