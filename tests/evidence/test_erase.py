"""Erased is erased: in every table, in the files, in later backups; and nobody is written to again."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest

from gateway.evidence.backup import back_up, shred
from gateway.evidence.checkpoint import public_key, read_checkpoints, take_checkpoint
from gateway.evidence.entries import FileRows
from gateway.evidence.erase import empty, erase, resume
from gateway.evidence.pack import make_pack, verify_pack
from gateway.evidence.subjects import as_html, export, restrict, subjects_of
from gateway.evidence.traces import subjects_like, traces_of
from gateway.evidence.verify import Verification
from gateway.policy.policies import PolicySet
from gateway.store.protocol import HoldFilter
from tests.evidence.traffic import NEWS, traffic
from tests.line import KEYS, Clock, Line, line

SECRET = "Parola segreta per Anna: zafferano"
ANNA = "anna@example.org"


async def refs(gateway: Line, address: str = ANNA) -> list[tuple[str, bytes]]:
    return await subjects_like(gateway.store, subjects_of(KEYS, "email", address))


async def write_to_anna(gateway: Line) -> None:
    await traffic(gateway)
    await gateway.submit(to=ANNA, name="Anna Zafferani", class_="outreach", text=SECRET, idempotency_key="k1")
    await gateway.submit(
        to=[ANNA, "bruno@example.org"], text=f"A tutti: {SECRET}", message_id="<a@anna.example>"
    )


async def gone(gateway: Line, address: str = ANNA) -> None:
    who = await refs(gateway, address)
    async for _ in erase(gateway.store, who, "dpo", gateway.clock(), KEYS):
        pass


def traces_in(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("line.db*")):
        data = path.read_bytes()
        for word in (b"anna@", b"Zafferani", b"zafferano", b"anna.example", b"192.0.2.1"):
            if word in data:
                yield f"{path.name}: {word.decode()}"


async def test_no_table_and_no_file_holds_a_trace(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await gateway.submit(to=ANNA, name="Anna Zafferani", text=SECRET)
        await gateway.submit(to=[ANNA, "bruno@example.org"], text="A tutti.", message_id="<a@anna.example>")
        await gateway.consent(ANNA)
        await gateway.submit(to=ANNA, class_="outreach", text=SECRET, idempotency_key="k1")
        for entry in await gateway.store.take(10):
            if entry.address != ANNA:
                gateway.store.settle(entry, _delivered())
        assert list(traces_in(tmp_path))
        await gone(gateway)
        await gateway.submit(to="carla@example.org")
        assert shred(tmp_path / "line.db") is False
        assert list(traces_in(tmp_path)) == []
    assert shred(tmp_path / "line.db") is True
    assert list(traces_in(tmp_path)) == []
    back_up(tmp_path / "line.db", tmp_path / "line.db.backup", 1.0)
    assert list(traces_in(tmp_path)) == []


async def test_no_log_and_no_metric_holds_a_trace(
    tmp_path: Path, rules: PolicySet, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await write_to_anna(gateway)
        await gone(gateway)
        await gateway.submit(to=ANNA, name="Anna Zafferani", text=SECRET, **{k: NEWS[k] for k in ("class_",)})
        said = caplog.text + repr([record.__dict__ for record in caplog.records])
        said += generate_latest(gateway.metrics.registry).decode()
        for word in ("anna@", "Zafferani", "zafferano", "192.0.2.1"):
            assert word not in said, word


def _delivered() -> Any:
    from gateway.store.attempt import Attempt, Kind, Outcome

    return Attempt(outcome=Outcome.DELIVERED, kind=Kind.DELIVERED, relay="smtp", code=250)


async def test_the_log_still_verifies_and_the_checkpoint_still_fits(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await write_to_anna(gateway)
        points = read_checkpoints(await take_checkpoint(gateway.store, KEYS, 1.0), [public_key(KEYS.signing)])
        await gone(gateway)
        state = await Verification(gateway.store, checkpoints=points).run()
        assert state.breaks == []


async def test_nobody_writes_to_them_again(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await write_to_anna(gateway)
        assert await gateway.store.holds(HoldFilter())
        who = await refs(gateway)
        await gone(gateway)
        assert await gateway.store.holds(HoldFilter()) == []
        assert await gateway.store.rows("SELECT id FROM outbox WHERE subject = ?", (who[0][1],)) == []
        refused = await gateway.submit(to=ANNA, **NEWS)
        assert refused.status == "rejected"
        assert "suppressed.erased" in {v.code for v in refused.recipients[0].decision.enforced}
        await gateway.consents.record([], "x")
        await gateway.consent(ANNA)
        assert (await gateway.submit(to=ANNA, **NEWS)).status == "rejected"


async def test_a_receipt_that_is_held_goes_too(tmp_path: Path) -> None:
    async with line(tmp_path, clock=Clock()) as gateway:
        held = await gateway.submit(
            to=ANNA,
            name="Anna Zafferani",
            text=f"{SECRET}. Buy now! Only today 50% discount on our whole catalogue. Order now.",
        )
        [hold] = await gateway.store.holds(HoldFilter(message=held.id))
        assert (hold.class_, hold.status) == ("transactional", "open")
        await gone(gateway)
        left = await gateway.store.hold(hold.id)
        assert left is not None
        assert (left.status, left.subject, left.reason) == ("cancelled", bytes(16), "")
        told = await gateway.store.rows("SELECT kind, salt FROM audit WHERE reference = ?", (hold.id,))
        assert sorted(told) == [("decision", b""), ("hold.cancelled", b"")]
        assert (await gateway.store.depths()).holds == {}
        assert (await Verification(gateway.store).run()).breaks == []
        await gateway.submit(to="carla@example.org")
        shred(tmp_path / "line.db")
        assert list(traces_in(tmp_path)) == []


async def test_others_in_the_same_message_keep_what_is_theirs(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        receipt = await gateway.submit(to=[ANNA, "bruno@example.org"], text="A tutti e due.")
        await gone(gateway)
        found = await gateway.store.message(receipt.id)
        assert found is not None
        assert b"anna" not in found[0].meta
        assert b"bruno@example.org" in found[0].meta
        decisions = await gateway.store.decisions(receipt.id)
        assert [d.subject == bytes(16) for d in decisions] == [True, False]
        assert (await Verification(gateway.store).run()).breaks == []
        await gone(gateway, "bruno@example.org")
        assert (await Verification(gateway.store).run()).breaks == []


async def test_an_interrupted_erasure_goes_on(
    tmp_path: Path, rules: PolicySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.evidence.erase.BATCH", 1)
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await write_to_anna(gateway)
        [ref] = await refs(gateway)
        erasing = erase(gateway.store, [ref], "dpo", gateway.clock())
        await anext(erasing)
        await erasing.aclose()
        assert (await traces_of(gateway.store, ref)).decisions
        assert await resume(gateway.store) == 1
        left = (await traces_of(gateway.store, ref)).counts
        assert not any(left.values()), left
        assert await resume(gateway.store) == 0
        assert [s.kind for s in (await gateway.store.person(ref)).stops] == ["erased"]
        assert (await Verification(gateway.store).run()).breaks == []
        async for counts in empty(gateway.store, ref, "again", "dpo"):
            raise AssertionError(counts)


async def test_a_copy_holds_everything_and_nothing_of_others(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await write_to_anna(gateway)
        told = await export(gateway.store, await refs(gateway), "email", ANNA, 1.0)
        [known] = told["known_by"]
        assert known["consents"][0]["proof"]["ip"] == "192.0.2.1"
        assert len(known["messages"]) == 4
        assert "bruno@" not in str(told)
        page = as_html(told)
        assert "Zafferani" in page
        assert "<script" not in as_html({**told, "about": {"channel": "email", "address": "<script>x"}})
        assert as_html(await export(gateway.store, [], "email", ANNA, 1.0)).count("Nothing") == 1


async def test_a_copy_tells_what_relays_answered(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        receipt = await gateway.submit(to=[ANNA, "bruno@example.org"])
        for entry in await gateway.store.take(2):
            answer = replace(_delivered(), text=f"accepted for {entry.address}")
            gateway.store.settle(entry, answer)
        await gateway.submit(to="carla@example.org")
        told = await export(gateway.store, await refs(gateway), "email", ANNA, 1.0)
        [known] = told["known_by"]
        [one] = known["deliveries"]
        assert (one["id"], one["outcome"], one["code"]) == (f"{receipt.id}-0", "delivered", 250)
        assert one["answer"] == f"accepted for {ANNA}"
        assert "accepted for" in as_html(told)
        assert "bruno@" not in str(told)


async def test_a_restriction_stops_and_is_lifted(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await gateway.consent(ANNA)
        who = await refs(gateway)
        assert await restrict(gateway.store, who, "dpo", bytes(10)) == 1
        assert await restrict(gateway.store, who, "dpo", bytes(10)) == 0
        refused = await gateway.submit(to=ANNA, **NEWS)
        assert "suppressed.restricted" in {v.code for v in refused.recipients[0].decision.enforced}
        assert await restrict(gateway.store, who, "dpo", bytes(10), lift=True) == 1
        assert (await gateway.submit(to=ANNA, **NEWS)).status == "accepted"


async def test_a_changed_list_of_erased_rows_shows(tmp_path: Path, rules: PolicySet) -> None:
    from tests.evidence.conftest import change

    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await write_to_anna(gateway)
        await gone(gateway)
    path = tmp_path / "line.db"
    other = "CAST(replace(CAST(detail AS TEXT), '-0', '-9') AS BLOB)"
    change(path, f"UPDATE audit SET detail = {other} WHERE kind = 'erased'")
    found = (await Verification(FileRows(path)).run()).breaks
    assert any("list of removed rows" in b.problem for b in found)


async def test_salts_go_and_proof_is_found_also_where_the_clock_was_put_back(
    tmp_path: Path, rules: PolicySet
) -> None:
    """Entries of that time are not in the order of their times."""
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        receipts = []
        for n in range(520):
            gateway.clock.now += 10.1 - 2626 * (n == 260)
            receipts.append(await gateway.submit(to=f"p{n}@example.org"))
        some = range(0, 520, 20)
        for n in some:
            said = verify_pack(await make_pack(gateway.store, KEYS, receipts[n].id, 1.0)).lines
            assert "1 audit entries fit the decisions, holds and consents in it" in said, n
            await gone(gateway, f"p{n}@example.org")
        salted = "SELECT count(*) FROM audit WHERE kind = 'decision' AND length(salt) > 0"
        assert await gateway.store.rows(salted) == [(520 - len(some),)]
        assert (await Verification(gateway.store).run()).breaks == []
