"""A backup of a running gateway comes back whole, or not at all; packs and keys hold."""

import io
import os
import zipfile
from pathlib import Path

import apsw
import pytest

from gateway.evidence.backup import BackupError, back_up, restore, verify
from gateway.evidence.checkpoint import public_key
from gateway.evidence.entries import FileRows
from gateway.evidence.erase import erase
from gateway.evidence.pack import BadPack, NothingToPack, make_pack, verify_pack
from gateway.evidence.rotation import KeysInUse, adopt, drop_unused, rotate, usage, with_known
from gateway.evidence.subjects import subjects_of
from gateway.evidence.traces import subjects_like
from gateway.evidence.verify import Verification
from gateway.evidence.versions import keep_policies
from gateway.intake.tokens import Kind, Refused, seal, unseal
from gateway.keys import load_keys, save_keys
from gateway.policy.policies import PolicySet
from gateway.store.sqlite import connect
from tests.evidence.traffic import NEWS, traffic
from tests.line import KEYS, Clock, line


async def test_a_running_gateway_is_backed_up_and_restored(tmp_path: Path, rules: PolicySet) -> None:
    there = tmp_path / "there" / "galateo.db"
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await gateway.store.fingerprint(KEYS.fingerprint)
        await traffic(gateway)
        made = back_up(tmp_path / "line.db", tmp_path / "b.zip", 1.0)
        await gateway.submit(to="later@example.org")
        assert made.rows["decisions"] == 7
    assert verify(tmp_path / "b.zip") == made
    restored = restore(tmp_path / "b.zip", there, KEYS.fingerprint)
    assert restored.rows == made.rows
    assert (await Verification(FileRows(there)).run()).breaks == []
    assert [p.name for p in sorted(there.parent.iterdir())] == ["galateo.db", "galateo.db.lock"]
    with pytest.raises(BackupError, match="--replace"):
        restore(tmp_path / "b.zip", there, KEYS.fingerprint)
    restore(tmp_path / "b.zip", there, KEYS.fingerprint, replace=True)
    assert (there.parent / "galateo.db.before-restore").exists()


def test_a_second_restore_spares_what_the_first_kept(database: Path, tmp_path: Path) -> None:
    back_up(database, tmp_path / "b.zip", 1.0)
    restore(tmp_path / "b.zip", database, "", replace=True)
    kept, before = tmp_path / "line.db.before-restore", database.read_bytes()
    kept.write_bytes(b"the only one")
    with pytest.raises(BackupError, match="before-restore already"):
        restore(tmp_path / "b.zip", database, "", replace=True)
    assert (kept.read_bytes(), database.read_bytes()) == (b"the only one", before)
    kept.rename(tmp_path / "elsewhere")
    restore(tmp_path / "b.zip", database, "", replace=True)
    assert kept.exists()


def test_a_database_that_others_have_open_stays(database: Path, tmp_path: Path) -> None:
    """Their end would delete the log of the one in its place; and what stands in its log is not lost."""
    back_up(database, tmp_path / "b.zip", 1.0)
    reader, writer = apsw.Connection(str(database)), connect(database)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM audit").fetchall()
    writer.execute("INSERT INTO settings VALUES ('said', 'stop')")
    writer.close()
    with pytest.raises(BackupError, match="open"):
        restore(tmp_path / "b.zip", database, "", replace=True)
    assert not (tmp_path / "line.db.before-restore").exists()
    reader.close()
    restore(tmp_path / "b.zip", database, "", replace=True)
    kept = apsw.Connection(str(tmp_path / "line.db.before-restore"))
    assert kept.execute("SELECT value FROM settings WHERE name = 'said'").fetchall() == [("stop",)]
    kept.close()


def test_a_damaged_database_moves_aside_with_its_log(database: Path, tmp_path: Path) -> None:
    back_up(database, tmp_path / "b.zip", 1.0)
    writer, wal = connect(database), tmp_path / "line.db-wal"
    writer.execute("INSERT INTO settings VALUES ('said', 'the newest')")
    log = wal.read_bytes()
    writer.close()
    wal.write_bytes(log)
    database.write_bytes(b"no database" + database.read_bytes()[11:4096])
    restore(tmp_path / "b.zip", database, "", replace=True)
    assert any(b"the newest" in path.read_bytes() for path in tmp_path.glob("line.db.before-restore*"))
    assert not wal.exists()


async def test_a_database_and_its_backup_are_for_their_owner_alone(tmp_path: Path, rules: PolicySet) -> None:
    made = tmp_path / "made"
    made.mkdir()
    seen: dict[str, int] = {}

    def look(done: int, total: int) -> None:
        for folder in (tmp_path, made):
            seen.update(
                (path.suffix, path.stat().st_mode & 0o777) for path in folder.iterdir() if path.is_file()
            )

    before = os.umask(0o022)
    try:
        async with line(tmp_path, rules, clock=Clock()) as gateway:
            await gateway.submit()
            back_up(tmp_path / "line.db", made / "b.zip", 1.0, look)
            assert {".db", ".db-wal", ".db-shm"} <= seen.keys()
            look(1, 1)
    finally:
        os.umask(before)
    assert ".zip" in seen
    assert set(seen.values()) == {0o600}


async def test_a_file_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "line.db").touch(0o640)
    async with line(tmp_path):
        assert (tmp_path / "line.db").stat().st_mode & 0o777 == 0o640


async def test_a_database_in_use_is_left_alone(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await gateway.submit()
        back_up(tmp_path / "line.db", tmp_path / "b.zip", 1.0)
        with pytest.raises(BackupError, match="Stop it first"):
            restore(tmp_path / "b.zip", tmp_path / "line.db", "", replace=True)
        assert (await gateway.submit()).status == "accepted"


def test_a_lock_that_cannot_be_had_is_told(database: Path, tmp_path: Path) -> None:
    back_up(database, tmp_path / "b.zip", 1.0)
    lock = database.with_name(database.name + ".lock")
    lock.unlink(missing_ok=True)
    lock.mkdir()  # for root, too, no file can be opened there
    with pytest.raises(BackupError, match=r"^This user cannot write .*\.lock in /"):
        restore(tmp_path / "b.zip", database, "", replace=True)


def test_a_damaged_backup_changes_nothing(database: Path, tmp_path: Path) -> None:
    back_up(database, tmp_path / "b.zip", 1.0)
    whole = (tmp_path / "b.zip").read_bytes()
    before = database.read_bytes()
    middle = len(whole) // 2
    for broken in (whole[:middle], whole[:middle] + b"\0\1\2" + whole[middle + 3 :], b"", b"PK", whole[100:]):
        (tmp_path / "broken.zip").write_bytes(broken)
        with pytest.raises(BackupError):
            restore(tmp_path / "broken.zip", database, "", replace=True)
        assert database.read_bytes() == before
        assert not list(tmp_path.glob(".*part*"))
    with pytest.raises(BackupError, match="There is no file"):
        restore(tmp_path / "none.zip", database, "", replace=True)


def test_a_backup_of_other_keys_or_of_nothing_is_refused(database: Path, tmp_path: Path) -> None:
    db = apsw.Connection(str(database))
    db.execute("INSERT INTO settings VALUES ('fingerprint', 'abc')")
    db.close()
    back_up(database, tmp_path / "b.zip", 1.0)
    with pytest.raises(BackupError, match="another key file"):
        restore(tmp_path / "b.zip", tmp_path / "new.db", "xyz")
    assert not (tmp_path / "new.db").exists()
    with pytest.raises(BackupError, match="exists already"):
        back_up(database, tmp_path / "b.zip", 1.0)
    with pytest.raises(BackupError, match="no database"):
        back_up(tmp_path / "none.db", tmp_path / "c.zip", 1.0)


# -- evidence packs -----------------------------------------------------------------------------------


async def test_a_pack_proves_itself_and_shows_every_change(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await keep_policies(gateway.store, rules)
        await traffic(gateway)
        receipt = await gateway.submit(to="anna@example.org", **NEWS)
        data = await make_pack(gateway.store, KEYS, receipt.id, 2.0)
        with pytest.raises(NothingToPack):
            await make_pack(gateway.store, KEYS, "0" * 26, 2.0)
    checked = verify_pack(data, public_key(KEYS.signing))
    assert any("audit entries fit" in text and not text.startswith("0") for text in checked.lines)
    assert any(rules.version in text for text in checked.lines)
    with pytest.raises(BadPack, match="another key"):
        verify_pack(data, bytes(32))
    names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    assert "index.html" in names
    assert "message.eml" in names
    for name in names:
        with pytest.raises(BadPack):
            verify_pack(_changed(data, name))
    for broken in (b"", data[:-30], data[50:], b"PK\3\4"):
        with pytest.raises(BadPack):
            verify_pack(broken)


def _changed(data: bytes, name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for other in old.namelist():
            new.writestr(other, old.read(other) + (b" " if other == name else b""))
    return out.getvalue()


async def test_a_forger_with_a_key_cannot_rewrite_the_decision(tmp_path: Path, rules: PolicySet) -> None:
    """Even signed again, rows that the audit entries do not fit are refused."""
    from gateway.evidence import pack

    async with line(tmp_path, rules, clock=Clock()) as gateway:
        receipt = await gateway.submit(to="carla@example.org", **NEWS)
        data = await make_pack(gateway.store, KEYS, receipt.id, 2.0)
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        files = {name: old.read(name) for name in old.namelist() if not name.startswith("manifest")}
    files["decisions.json"] = files["decisions.json"].replace(b'"outcome": 2', b'"outcome": 0')
    with pytest.raises(BadPack, match="not the one that the audit log saw"):
        verify_pack(pack._zip(files, KEYS, receipt.id, 2.0))


# -- keys ---------------------------------------------------------------------------------------------


async def test_a_new_pepper_still_knows_everyone(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await gateway.consent("anna@example.org")
        store = gateway.store
        fresh = await with_known(store, rotate(KEYS, pepper=True))
        assert fresh.fingerprint == KEYS.fingerprint
        assert subjects_of(fresh, "email", "anna@example.org") == subjects_of(
            KEYS, "email", "anna@example.org"
        )
        new = subjects_of(fresh, "email", "new@example.org")
        assert new != subjects_of(KEYS, "email", "new@example.org")
        assert new[-1:] == fresh.tags[0]
        counts = await usage(store, fresh)
        assert (counts[0]["people"], counts[1]["people"]) == (0, 1)
        with pytest.raises(KeysInUse, match="1 people"):
            await drop_unused(store, fresh)
        async for _ in erase(
            store, await subjects_like(store, subjects_of(fresh, "email", "anna@example.org")), "x", 1.0
        ):
            pass
        with pytest.raises(KeysInUse):
            await drop_unused(store, fresh)


async def test_an_unused_pepper_goes(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await gateway.store.fingerprint(KEYS.fingerprint)
        fresh = rotate(KEYS, pepper=True)
        after = await drop_unused(gateway.store, fresh)
        assert after.peppers == fresh.peppers[:1]
        await adopt(gateway.store, after)
        await gateway.store.fingerprint(after.fingerprint)


def test_old_links_open_and_old_signatures_are_known(tmp_path: Path) -> None:
    token = seal(KEYS, Kind.SHOW, [b"x"], 100.0)
    fresh = rotate(KEYS, tokens=True, signing=True)
    assert unseal(fresh, Kind.SHOW, token, 1.0) == (b"x",)
    assert isinstance(unseal(KEYS, Kind.SHOW, seal(fresh, Kind.SHOW, [b"x"], 100.0), 1.0), Refused)
    assert fresh.retired == (public_key(KEYS.signing),)
    save_keys(tmp_path / "keys", fresh)
    assert load_keys(tmp_path / "keys") == fresh
    assert "retired" not in repr(fresh)
