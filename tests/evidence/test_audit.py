"""Whatever is changed in the database shows, with the entry that says so; what goes by right does not."""

import asyncio
import random
from pathlib import Path
from shutil import copyfile

import apsw
import orjson
import pytest
from msgspec import structs

from gateway.evidence import shelf
from gateway.evidence.checkpoint import BadCheckpoint, public_key, read_checkpoints, take_checkpoint
from gateway.evidence.entries import FileRows
from gateway.evidence.pack import BadPack, make_pack, verify_pack
from gateway.evidence.stretch import State
from gateway.evidence.verify import Verification
from gateway.intake.gate import GatedOutbox
from gateway.ledger.consent import ACTIONS
from gateway.policy.policies import PolicySet
from gateway.store.protocol import HoldFilter
from tests.evidence.conftest import change
from tests.evidence.traffic import NEWS
from tests.intake.policies import policies
from tests.line import DAY, KEYS, NOW, Clock, consent, line


async def verified(path: Path, **given: object) -> State:
    return await Verification(FileRows(path), **given).run()  # type: ignore[arg-type]


async def test_an_untouched_log_is_whole(database: Path) -> None:
    state = await verified(database)
    assert state.breaks == []
    assert state.entries > 8
    assert state.matched["decisions"] == 7
    assert state.matched["consents"] == 3
    assert state.matched["holds"] == 1


CHANGES = {
    "a byte of an entry": "UPDATE audit SET actor = 'someone' WHERE seq = 3",
    "an entry deleted": "DELETE FROM audit WHERE seq = 4",
    "the first entry deleted": "DELETE FROM audit WHERE seq = 1",
    "two entries swapped": "UPDATE audit SET seq = CASE seq WHEN 3 THEN -4 ELSE -3 END WHERE seq IN (3, 4)",
    "an outcome": "UPDATE decisions SET outcome = 0 WHERE outcome = 2",
    "a reason": "UPDATE decisions SET violations = x'7b7d' WHERE outcome = 2",
    "a fact": "UPDATE decisions SET snapshot = CAST(replace(CAST(snapshot AS TEXT), 'it', 'us') AS BLOB)",
    "a class": "UPDATE decisions SET class = 'transactional' WHERE class = 'newsletter'",
    "a recipient": "UPDATE decisions SET subject = x'00000000000000000000000000000000' WHERE outcome = 0",
    "a decision deleted": "DELETE FROM decisions WHERE outcome = 2",
    "a decision made up": "INSERT INTO decisions SELECT message_id, 9, lane, controller, subject, at,"
    " outcome, class, source, sender, channel, campaign, policy_version, violations, snapshot, round"
    " FROM decisions WHERE outcome = 2 LIMIT 1",
    "what a message was": "UPDATE messages SET campaign = 'other'",
    "whom it went to": "UPDATE messages SET meta = CAST(replace(CAST(meta AS TEXT), 'anna', 'enna') AS BLOB)",
    "what was read": "UPDATE messages SET reading = x'7b7d'",
    "a message deleted": "DELETE FROM messages WHERE class = 'outreach'",
    "octets that wait": "UPDATE bodies SET content = x'00'",
    "a reviewer's reason": "UPDATE holds SET reason = 'fine' WHERE status = 'rejected'",
    "a hold released": "UPDATE holds SET status = 'released' WHERE status = 'rejected'",
    "a hold deleted": "DELETE FROM holds WHERE status = 'rejected'",
    "another type": "UPDATE consent_events SET proof = '{}', at = 'then'",
    "a digest of another type": "UPDATE audit SET digest = 'none' WHERE seq = 2",
    "a salt too long": "UPDATE audit SET salt = zeroblob(99) WHERE seq = 2",
    "a proof": "UPDATE consent_events SET proof = x'7b7d' WHERE action = 'confirmed'",
    "an octet that is no text": "UPDATE decisions SET campaign = CAST(x'61ff' AS TEXT) WHERE outcome = 2",
    "an entry that is no text": "UPDATE audit SET reference = CAST(x'61ff' AS TEXT) WHERE seq = 3",
    "a name that is no text": "UPDATE messages SET id = CAST(x'ff' AS TEXT) WHERE class = 'outreach'",
    "a withdrawal deleted": "DELETE FROM consent_events WHERE action = 'withdrawn'",
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
async def test_a_change_is_found_and_named(database: Path, what: str) -> None:
    if what == "two entries swapped":
        assert change(database, CHANGES[what])
        change(database, "UPDATE audit SET seq = -seq WHERE seq < 0")
    else:
        assert change(database, CHANGES[what])
    found = (await verified(database)).breaks
    assert found, what
    assert all(str(b) for b in found)
    if what == "a byte of an entry":
        assert [(b.chain, b.seq) for b in found] == [("gateway", 3)]
    if what == "a withdrawal deleted":
        assert "consent it speaks of is gone" in found[0].problem


async def test_a_cut_end_shows_by_the_checkpoint(database: Path) -> None:
    rows = FileRows(database)
    kept = await take_checkpoint(rows, KEYS, 5.0)
    last = (await rows.rows("SELECT max(seq) FROM audit"))[0][0]
    change(database, "DELETE FROM audit WHERE seq > ?", last - 2)
    change(database, "DELETE FROM consent_events WHERE action = 'withdrawn'")
    change(database, "UPDATE holds SET status = 'open' WHERE status = 'rejected'")
    assert (await verified(database)).breaks == []
    points = read_checkpoints(kept, [public_key(KEYS.signing)])
    found = (await verified(database, checkpoints=points)).breaks
    assert len(found) == 1
    assert f"saw entry {last}" in found[0].problem


async def test_a_chain_that_was_written_anew_shows_by_the_checkpoint(database: Path) -> None:
    kept = await take_checkpoint(FileRows(database), KEYS, 5.0)
    forge(database)
    assert (await verified(database)).breaks == []
    points = read_checkpoints(kept, [public_key(KEYS.signing)])
    assert "saw another entry" in (await verified(database, checkpoints=points)).breaks[0].problem


def forge(path: Path) -> None:
    """Change an actor and compute every later hash again."""
    from gateway.evidence.entries import COLUMNS, Entry
    from gateway.store.records import AuditRow
    from gateway.store.sqlite_writes import chain_hash

    db = apsw.Connection(str(path))
    before = bytes(32)
    for row in db.execute(f"SELECT {COLUMNS} FROM audit ORDER BY seq").fetchall():
        entry = Entry(*row)  # type: ignore[arg-type]
        actor = "forger" if entry.kind == "hold.rejected" else entry.actor
        said = AuditRow(entry.at, entry.kind, entry.reference, actor, entry.digest)
        before = chain_hash(before, "gateway", entry.seq, said)
        db.execute("UPDATE audit SET actor = ?, hash = ? WHERE seq = ?", (actor, before, entry.seq))
    db.close()


async def test_checkpoints_are_believed_only_with_their_signature(database: Path) -> None:
    kept = await take_checkpoint(FileRows(database), KEYS, 5.0)
    trusted = [public_key(KEYS.signing)]
    assert read_checkpoints(kept, trusted)[0].at == 5.0
    for broken in (kept.replace(b"5.0", b"6.0"), b"{}\n", b"\xff\n", kept[:40], b"[1]\n"):
        with pytest.raises(BadCheckpoint):
            read_checkpoints(broken, trusted)
    with pytest.raises(BadCheckpoint):
        read_checkpoints(kept, [bytes(32)])


async def test_a_verification_goes_on_where_it_stopped(database: Path) -> None:
    kept: list[bytes] = []
    first = await verified(database, keep=lambda state: kept.append(state.pack()))
    again = await verified(database, state=State.unpack(kept[-1]))
    assert again.entries == first.entries
    assert again.breaks == []
    change(database, "UPDATE audit SET actor = 'x' WHERE seq = 2")
    assert (await verified(database, state=State.unpack(kept[-1]))).breaks == []
    assert (await verified(database)).breaks


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"reached": 1}', b"\xff"])
def test_a_state_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="does not say"):
        State.unpack(data)


async def test_stretches_meet_without_a_seam(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.evidence.verify.STRETCH", 3)
    assert (await verified(database)).breaks == []
    change(database, "DELETE FROM audit WHERE seq = 6")
    assert [b.seq for b in (await verified(database)).breaks if "missing" in b.problem] == [7]


async def test_rows_read_along_the_key_are_those_read_by_name(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was changed, a walk along the key finds what a look-up by name finds, however short it is."""
    for n, sql in enumerate(["SELECT 1", *CHANGES.values()]):
        copy = tmp_path / f"copy-{n}.db"
        copyfile(database, copy)
        change(copy, sql)
        named = (await verified(copy)).breaks
        for few, stray in ((0, 2), (0, 3), (0, 50)):
            monkeypatch.setattr(shelf, "FEW", few)
            monkeypatch.setattr(shelf, "STRAY", stray)
            assert (await verified(copy)).breaks == named, sql
        monkeypatch.undo()
        assert bool(named) is (n > 0)


async def test_a_hold_made_anew_on_the_way_out_was_not_tampered_with(tmp_path: Path) -> None:
    """Refused and released by reviewers, held by the gate at night, released in the morning."""
    quiet = (
        "version: 1\npolicy: quiet\nrules:\n  - {rule: phrases, lexicon: pressure, outcome: hold}\n"
        '  - {rule: quiet_hours, from: "20:00", to: "08:00", days: [mon, tue, wed, thu, fri, sat, sun],'
        " holidays: false, outcome: hold}\n"
    )
    path, noon = tmp_path / "line.db", NOW - NOW % DAY + 12 * 3600
    clock = Clock(noon)
    async with line(tmp_path, policies(tmp_path, quiet), clock=clock) as gateway:
        held = await gateway.submit(class_="outreach", text="Ultima occasione: solo per oggi!")
        hold_id = held.recipients[0].hold_id
        outbox = GatedOutbox(gateway.store, gateway.policies, gateway.access, KEYS, 14 * DAY, clock=clock)
        clock.now = noon + 10 * 3600
        assert (await gateway.review.release(hold_id, "ada", "fine")).status == "open"
        clock.now = noon + DAY
        assert (await gateway.review.release(hold_id, "ada", "fine")).status == "released"
        clock.now = noon + DAY + 10 * 3600
        leaving = asyncio.ensure_future(outbox.take(5))
        for _ in range(300):
            if not (await gateway.store.depths()).outbox:
                break
            await asyncio.sleep(0.05)
        leaving.cancel()
        await well(path, held.id)
        clock.now = noon + DAY + 21 * 3600
        assert [result.status for result in await gateway.review.sweep(clock.now)] == ["released"]
    await well(path, held.id)
    assert change(path, "UPDATE holds SET reason = 'never mind'") == 1
    assert ["hold it speaks of was changed" in found.problem for found in (await verified(path)).breaks] == [
        True
    ]
    with pytest.raises(BadPack):
        await well(path, held.id)


async def well(path: Path, message_id: str) -> None:
    """The pack of a message holds together; without it, so does the whole log."""
    rows = FileRows(path)
    verify_pack(await make_pack(rows, KEYS, message_id, NOW))
    assert (await verified(path)).breaks == []


async def test_a_long_log_with_what_came_late(tmp_path: Path, rules: PolicySet) -> None:
    """Holds that are decided long after they were made, several writers, many rows between: all is well, and
    one row that is gone is named."""
    clock = Clock()
    async with line(tmp_path, rules, clock=clock) as gateway:
        await gateway.consent(*(f"r{n}@example.org" for n in range(0, 90, 2)))
        for n in range(90):
            await gateway.submit(to=f"r{n}@example.org", **NEWS)
            clock.now += 60
        for n in range(30):
            await gateway.submit(to=f"h{n}@example.org", class_="outreach", text=f"Gentile {n}, come va?")
            clock.now += 60
        for hold in await gateway.store.holds(HoldFilter()):
            await gateway.review.release(hold.id, "rita", "we met")
        assert await gateway.store.holds(HoldFilter(status="released"))
    path = tmp_path / "line.db"
    state = await verified(path)
    assert state.breaks == []
    assert state.matched["decisions"] == 150
    gone = "SELECT message_id FROM decisions ORDER BY message_id LIMIT 1 OFFSET 70"
    assert change(path, f"DELETE FROM decisions WHERE message_id = ({gone})") == 1
    [found] = (await verified(path)).breaks
    assert "decision it speaks of is gone" in found.problem
    assert found.seq


async def test_a_consent_told_again_with_better_proof_is_in_the_log_too(
    tmp_path: Path, rules: PolicySet
) -> None:
    """Of the same moment: the form first, then what confirmed it. The same told twice stays one."""
    form = {"wording": "I agree.", "form_url": "https://acme.example/f"}
    whole = form | {"ip": "192.0.2.1", "confirmed_at": "2026-01-01T00:00:00Z", "confirmed_ip": "192.0.2.1"}
    lines = [
        structs.replace(consent("anna@example.org", at=NOW - DAY, expires_at=end), proof=proof)
        for proof, end in ((form, 0.0), (whole, 0.0), (whole, 0.0), (whole, NOW + DAY), (whole, 0.0))
    ]
    ref = ("default", KEYS.subject("email", "anna@example.org"))
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        changed = []
        for one in lines:
            changed.append((await gateway.consents.record([one], "chiara")).changed)
            gateway.clock.now += 1
        assert changed == [1, 1, 0, 1, 1]
        log = await gateway.store.consents(ref)
        assert [one.grade for one in log] == ["D", "A", "A", "A"]
        assert ["confirmed_at" in orjson.loads(one.proof) for one in log] == [False, True, True, True]
        [standing] = (await gateway.store.person(ref)).permissions
        assert (standing.grade, standing.expires_at, standing.event) == ("A", 0.0, log[-1].id)
    assert (await verified(tmp_path / "line.db")).breaks == []


async def test_lines_of_the_same_moments_in_any_order_keep_the_log_whole(
    tmp_path: Path, rules: PolicySet
) -> None:
    """Two purposes of one moment change nothing when their list is imported again."""
    chance = random.Random(7)
    ends, proofs = (0.0, NOW + DAY, NOW - 1.5 * DAY), ({}, {"wording": "Sì"}, None)
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        both = [consent("zoe@example.org", at=NOW - DAY, purpose=name) for name in ("newsletter", "offers")]
        for changed in (2, 0, 0):
            assert (await gateway.consents.record(both, "chiara")).changed == changed
        for _ in range(200):
            given = consent(
                f"p{chance.randrange(6)}@example.org",
                at=NOW - chance.randrange(1, 4) * DAY,
                action=chance.choice(ACTIONS),
                purpose=chance.choice(["newsletter", "offers"]),
                expires_at=chance.choice(ends),
                by_compliance=chance.random() < 0.3,
                imported=chance.random() < 0.5,
            )
            proof = chance.choice(proofs)
            said = given if proof is None else structs.replace(given, proof=proof)
            await gateway.consents.record([said], "chiara")
            gateway.clock.now += 1
    assert (await verified(tmp_path / "line.db")).breaks == []


async def test_a_long_list_of_one_day_about_people_who_are_known_is_in_the_log_whole(
    tmp_path: Path, rules: PolicySet
) -> None:
    """As tools export it: thousands in one transaction, all of the same moment, first one purpose, then
    another; what is told of one person twice is there in the order of its telling."""
    who = [f"p{n}@example.org" for n in range(9000)]
    ref = ("default", KEYS.subject("email", who[0]))
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        for purpose in ("newsletter", "offers"):
            told = [consent(address, at=NOW - DAY, purpose=purpose) for address in who]
            assert (await gateway.consents.record(told, "chiara")).changed == len(who)
            gateway.clock.now += 1
        ends = [consent(who[0], at=NOW - DAY, expires_at=NOW + n * DAY) for n in (5, 3, 7, 4)]
        assert (await gateway.consents.record(ends, "chiara")).changed == 4
        log = await gateway.store.consents(ref)
        assert [one.purpose for one in log] == ["newsletter", "offers", *["newsletter"] * 4]
        [(rows,)] = await gateway.store.rows("SELECT count(*) FROM consent_events")
        assert rows == 2 * len(who) + 4
        [standing] = [p for p in (await gateway.store.person(ref)).permissions if p.expires_at]
        assert (standing.expires_at, standing.event) == (NOW + 4 * DAY, log[-1].id)
    assert (await verified(tmp_path / "line.db")).breaks == []
