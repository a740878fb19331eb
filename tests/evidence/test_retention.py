"""What is over goes, in small steps; the rest stays, and the log still verifies."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.evidence.checkpoint import public_key, read_checkpoints
from gateway.evidence.pack import make_pack, verify_pack
from gateway.evidence.retention import (
    FILE,
    BadRetention,
    Keep,
    Retention,
    load_retention,
    read_retention,
)
from gateway.evidence.sweep import Sweep
from gateway.evidence.upkeep import Upkeep
from gateway.evidence.verify import Verification
from gateway.intake.gate import GatedOutbox
from gateway.intake.review_pile import Kept, TakeIn
from gateway.message.envelope import CLASSES
from gateway.policy.policies import PolicySet
from gateway.review import look, pause, resume
from gateway.store.protocol import HoldFilter
from tests.evidence.traffic import NEWS, deliver, traffic
from tests.intake.test_caps import rules as caps
from tests.line import DAY, KEYS, NOW, ROOT, Clock, Line, line


def keep(what: str, days: int, **given: object) -> Keep:
    return Keep(what=what, seconds=days * DAY, why="a test", **given)  # type: ignore[arg-type]


async def count(gateway: Line, table: str) -> int:
    return int((await gateway.store.rows(f"SELECT count(*) FROM {table}"))[0][0])


async def swept(gateway: Line, *lines: Keep) -> dict[str, int]:
    found = await Sweep(gateway.store, Retention(lines), gateway.clock(), rest=0.0).run()
    assert (await Verification(gateway.store).run()).breaks == []
    return found


def test_the_shipped_file_is_fine_and_gives_reasons() -> None:
    retention = load_retention(ROOT / "policies")
    assert {line.what for line in retention.lines} == {
        "words", "facts", "decisions", "holds", "consents", "events", "replies", "attempts"
    }  # fmt: skip
    assert all(len(line.why) > 40 for line in retention.lines)
    assert retention.seconds("decisions", "transactional") == 400 * DAY
    assert {retention.seconds("decisions", c) for c in CLASSES} == {400 * DAY, 5 * 365.25 * DAY}


async def test_decisions_go_when_their_time_is_over(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await traffic(gateway)
        await gateway.submit(to=["x@example.org", "y@example.org", "z@example.org"])
        await deliver(gateway)
        gateway.clock.now += 100 * DAY
        late = await gateway.submit(to="late@example.org")
        assert (await swept(gateway, keep("decisions", 200)))["decisions"] == 0
        found = await swept(gateway, keep("decisions", 90))
        assert found["decisions"] == 10
        assert await count(gateway, "decisions") == await count(gateway, "messages") == 1
        assert await gateway.store.message(late.id) is not None
        assert await count(gateway, "holds") == 0
        assert (await swept(gateway, keep("decisions", 90)))["decisions"] == 0


async def test_what_may_yet_be_released_stays(tmp_path: Path, rules: PolicySet) -> None:
    """A hold that is made anew on its way out has a whole term again, and so on."""
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        receipt = await gateway.submit(to="dino@example.org", class_="outreach", text="Come va il negozio?")
        hold = await gateway.store.hold(receipt.recipients[0].hold_id)
        assert hold is not None
        gateway.clock.now = hold.expires_at - 1
        assert (await swept(gateway, keep("decisions", 10)))["decisions"] == 0
        assert await gateway.store.hold(hold.id) == hold
        assert await gateway.store.message(receipt.id) is not None
        gateway.clock.now += 1
        assert (await swept(gateway, keep("decisions", 10)))["decisions"] == 1
        assert await gateway.store.hold(hold.id) is None
        assert await count(gateway, "bodies") == 0


async def test_what_only_a_pause_keeps_stays_though_its_time_is_over(tmp_path: Path) -> None:
    async with line(tmp_path, PolicySet(), clock=Clock()) as gateway:
        await pause(gateway.store, "source", "development", "default", "cli:ada")
        await look(gateway.store)
        receipt = await gateway.submit(to="dino@example.org")
        gateway.clock.now += 60 * DAY  # and nobody served meanwhile
        assert (await swept(gateway, keep("decisions", 10)))["decisions"] == 0
        await resume(gateway.store, "source", "development", "default", "cli:ada")
        await look(gateway.store)
        await gateway.review.sweep(gateway.clock())
        hold = await gateway.store.hold(receipt.recipients[0].hold_id)
        assert hold is not None
        assert hold.status == "released"


async def test_what_is_to_go_later_stays_and_is_asked_again_on_its_way_out(tmp_path: Path) -> None:
    """Its time comes in quiet hours, and long after the retention's."""
    quiet = 'rule: quiet_hours, from: "20:00", to: "08:00", holidays: false, outcome: hold'
    night = NOW - NOW % DAY + 60 * DAY + 23 * 3600
    async with line(tmp_path, caps(tmp_path, quiet), clock=Clock()) as gateway:
        await gateway.submit(to="soon@example.org")
        later = await gateway.submit(class_="outreach", to="anna@example.org", send_at=night)
        await deliver(gateway)
        gateway.clock.now += 45 * DAY
        assert (await swept(gateway, keep("decisions", 30)))["decisions"] == 1
        assert [row.round for row in await gateway.store.decisions(later.id)] == [0]
        gateway.clock.now = night
        gate = GatedOutbox(gateway.store, gateway.policies, gateway.access, KEYS, DAY, clock=gateway.clock)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await gate.take(10)
        [hold] = await gateway.store.holds(HoldFilter())
        assert hold.codes == "caps/quiet_hours.quiet"


async def test_classes_and_outcomes_differ_and_the_longest_stays(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await traffic(gateway)
        await deliver(gateway)
        gateway.clock.now += 100 * DAY
        receipts = keep("decisions", 50, classes=frozenset({"transactional"}))
        found = await swept(gateway, receipts, keep("decisions", 300))
        assert found["decisions"] == 0
        found = await swept(gateway, receipts)
        assert found["decisions"] == 3
        refused = keep("decisions", 50, outcomes=frozenset({2}))
        assert (await swept(gateway, refused))["decisions"] == 1


async def test_words_and_facts_go_before_the_decision(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        pitch = NEWS | {"text": "Sconto segreto del 30%: compra ora!"}
        receipt = await gateway.submit(to="carla@example.org", **pitch)
        gateway.clock.now += 100 * DAY
        await swept(gateway, keep("words", 90), keep("facts", 90))
        found = await gateway.store.message(receipt.id)
        assert found is not None
        assert b"segreto" not in found[0].reading
        [decision] = await gateway.store.decisions(receipt.id)
        assert decision.snapshot == b"{}"
        assert b"consent.missing" in decision.violations
        again = await swept(gateway, keep("words", 90), keep("facts", 90))
        assert (again["words"], again["facts"]) == (0, 0)


async def test_a_pack_holds_together_after_its_words_and_facts_went(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        refused = await gateway.submit(to="carla@example.org", **NEWS | {"text": "Sconto: compra ora!"})
        gateway.clock.now += 100 * DAY
        for kept in (keep("words", 90), keep("facts", 90)):
            await swept(gateway, kept)
            said = verify_pack(await make_pack(gateway.store, KEYS, refused.id, NOW)).lines
            assert "1 audit entries fit the decisions, holds and consents in it" in said
            assert any(one.startswith("words or facts went since") for one in said)


async def test_a_withdrawn_consent_goes_and_its_withdrawal_stays(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await gateway.consent("anna@example.org", "bruno@example.org")
        await gateway.consent("anna@example.org", action="withdrawn", purpose="", at=gateway.clock())
        gateway.clock.now += 100 * DAY
        assert (await swept(gateway, keep("consents", 90)))["consents"] == 1
        left = await gateway.store.rows("SELECT action FROM consent_events ORDER BY action")
        assert [row[0] for row in left] == ["confirmed", "withdrawn"]
        assert (await gateway.submit(to="bruno@example.org", **NEWS)).status == "accepted"
        assert (await gateway.submit(to="anna@example.org", **NEWS)).status == "rejected"


@pytest.mark.parametrize(("lines", "left"), [((("replies", 90),), 0), ((("events", 400),), 1), ((), 1)])
async def test_replies_that_nobody_could_place_go_by_a_line_of_their_own(
    tmp_path: Path, rules: PolicySet, lines: tuple[tuple[str, int], ...], left: int
) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        kept = Kept(
            dedup=b"k" * 16, controller="default", reason="unmatched", message="", author="x@example.org",
            addressed=(), subject="?", text="Chi siete?", at=gateway.clock(),
        )  # fmt: skip
        await gateway.store.run(TakeIn(kept=kept))
        gateway.clock.now += 100 * DAY
        await swept(gateway, *(keep(what, days) for what, days in lines))
        assert len(await gateway.store.unmatched()) == left


async def test_indexes_of_the_work_end(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await gateway.submit(message_id="<1@acme.example>", idempotency_key="k", class_="conversation")
        gateway.clock.now += 400 * DAY
        await gateway.submit(idempotency_key="k2")
        await swept(gateway)
        assert [await count(gateway, t) for t in ("replays", "sent_ids", "paces")] == [1, 0, 1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "version"),
        ("version: 2\nkeep: []", "version"),
        ("version: 1\nkeep: []\nother: 1", "other"),
        ("version: 1\nkeep: [{what: bodies, for: 1 days, why: x}]", "what is one of"),
        ("version: 1\nkeep: [{what: events, for: soon, why: x}]", "for is a time"),
        ("version: 1\nkeep: [{what: events, for: 9 days}]", "say why"),
        ("version: 1\nkeep: [{what: decisions, for: 2 days, why: x}]", "at least 30 days"),
        ("version: 1\nkeep: [{what: decisions, for: 90 days, why: x, class: [mail]}]", "choose among"),
        ("version: 1\nkeep: [{what: events, for: 90 days, why: x, class: [outreach]}]", "only decisions"),
        ("version: 1\nkeep: [{what: events, for: 90 days, why: x, whom: me}]", "unknown key"),
        ("version: 1\nkeep: [3]", "it needs what"),
        ("a: [", "line"),
    ],
)
def test_a_file_that_cannot_be_followed_is_refused(text: str, problem: str) -> None:
    with pytest.raises(BadRetention, match=problem):
        read_retention(text)


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_no_text_breaks_the_reader(text: str) -> None:
    for tried in (text, f"version: 1\nkeep: [{text}]"):
        try:
            read_retention(tried)
        except BadRetention:
            continue


async def test_upkeep_keeps_checkpoints_and_sweeps(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await traffic(gateway)
        folder = tmp_path / "kept"
        (folder / "retention").mkdir(parents=True)
        (folder / FILE).write_text("version: 1\nkeep: [{what: decisions, for: 90 days, why: test}]")
        upkeep = Upkeep(gateway.store, KEYS, folder, tmp_path / "points", gateway.clock)
        await upkeep.turn()
        await upkeep.turn()
        await deliver(gateway)
        gateway.clock.now += 100 * DAY
        await upkeep.turn()
        points = read_checkpoints((tmp_path / "points").read_bytes(), [public_key(KEYS.signing)])
        assert len(points) == 2
        assert await count(gateway, "decisions") == 0
        assert (await Verification(gateway.store, checkpoints=points).run()).breaks == []
