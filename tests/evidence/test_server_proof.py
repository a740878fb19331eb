"""On PostgreSQL: whatever is changed shows and is named; what was erased is in no file after VACUUM."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from gateway.evidence.checkpoint import public_key, read_checkpoints, take_checkpoint
from gateway.evidence.entries import heads
from gateway.evidence.erase import erase
from gateway.evidence.origin import Origin, ServerRows
from gateway.evidence.replaying import Drafted, replay, versions_of
from gateway.evidence.stretch import Bench, Check, State, Stretch
from gateway.evidence.subjects import subjects_of
from gateway.evidence.traces import subjects_like
from gateway.evidence.verify import Verification
from gateway.policy.policies import PolicySet
from gateway.store.postgres import PostgresStore
from tests.evidence.traffic import traffic
from tests.line import KEYS, NOW, Clock, line
from tests.postgres import NAMED, Cluster, cluster, database

pytestmark = pytest.mark.postgres
ANNA = "anna@example.org"
SECRET = "Parola segreta per Anna: zafferano"


@pytest.fixture(scope="module")
def private() -> Iterator[Cluster]:
    with cluster() as made:
        yield made


CHANGES = {
    "a byte of an entry": ("UPDATE audit SET actor = 'someone' WHERE seq = 3", 3),
    "an entry deleted": ("DELETE FROM audit WHERE seq = 4", 5),
    "two entries swapped": (
        (
            "UPDATE audit a SET at = b.at, kind = b.kind, reference = b.reference, actor = b.actor,"
            " digest = b.digest, salt = b.salt, detail = b.detail, hash = b.hash"
            " FROM audit b WHERE a.chain = b.chain AND (a.seq, b.seq) IN ((3, 4), (4, 3))"
        ),
        3,
    ),
    "an outcome": ("UPDATE decisions SET outcome = 0 WHERE outcome = 2", 0),
    "a decision deleted": ("DELETE FROM decisions WHERE outcome = 2", 0),
    "a message changed": ("UPDATE messages SET campaign = 'other' WHERE class = 'outreach'", 0),
    "a withdrawal deleted": ("DELETE FROM consent_events WHERE action = 'withdrawn'", 0),
    "the octets of a message": ("UPDATE bodies SET content = '\\x00'", 0),
}  # fmt: skip


async def test_a_change_is_found_and_named(tmp_path: Path, rules: PolicySet, private: Cluster) -> None:
    clock = Clock()
    async with database(private.url()) as url:
        store = PostgresStore(url, clock=clock)
        async with line(tmp_path, rules, clock=clock, store=store) as gateway:
            await traffic(gateway)
            kept = await take_checkpoint(store, KEYS, 5.0)
            last = (await store.rows("SELECT max(seq) FROM audit"))[0][0]
        points = read_checkpoints(kept, [public_key(KEYS.signing)])
        assert (await verified(url, checkpoints=points)).breaks == []
        for what, (sql, entry) in CHANGES.items():
            async with copied(url) as other:
                await execute(other, sql)
                found = (await verified(other)).breaks
                assert found, what
                if entry:
                    assert found[0].seq == entry, (what, list(map(str, found)))
                assert all(str(b) for b in found)
        async with copied(url) as other:
            await execute(other, f"DELETE FROM audit WHERE seq > {last - 2}")
            cut = (await verified(other, checkpoints=points)).breaks
            assert any(f"saw entry {last}" in b.problem for b in cut)


async def test_workers_read_a_server_by_themselves(
    tmp_path: Path, rules: PolicySet, private: Cluster
) -> None:
    clock = Clock()
    async with database(private.url()) as url:
        store = PostgresStore(url, clock=clock)
        async with line(tmp_path, rules, clock=clock, store=store) as gateway:
            await traffic(gateway)
            rows = Origin(url=url).open()
            assert url not in repr(Origin(url=url))
            versions = await versions_of(rows, 0, NOW * 2)
            found = await replay(rows, Drafted(draft=rules.texts, versions=versions), 0, NOW * 2)
            assert (found.decided, found.same) == (7, 7)
            found = await replay(rows, Drafted(draft={}, versions=versions), 0, NOW * 2)
            assert found.kinds == {"accepted": 2}
            [chain] = await heads(rows)
            await rows.close()

        def check() -> State:
            bench = Bench(Origin(url=url))
            try:
                return bench.run(lambda own: Check(own, frozenset(), {}).stretch(stretch))
            finally:
                bench.close()

        stretch = Stretch(chain=chain, after=2, last=9)
        state = await asyncio.to_thread(check)
        assert (state.entries, state.breaks) == (7, [])


@pytest.mark.skipif(bool(NAMED), reason="the files of a named server cannot be read")
async def test_no_file_holds_a_trace_after_vacuum(tmp_path: Path, rules: PolicySet, private: Cluster) -> None:
    clock = Clock()
    async with database(private.url()) as url:
        store = PostgresStore(url, clock=clock)
        async with line(tmp_path, rules, clock=clock, store=store) as gateway:
            await traffic(gateway)
            long = SECRET + " parola" * 2000
            await gateway.submit(to=ANNA, name="Anna Zafferani", class_="outreach", text=long)
            await execute(url, "CHECKPOINT")
            assert list(traces_in(private))
            who = await subjects_like(store, subjects_of(KEYS, "email", ANNA))
            async for _ in erase(store, who, "dpo", clock(), KEYS):
                pass
            assert (await gateway.submit(to="carla@example.org")).status == "accepted"
        await execute(url, "VACUUM FULL")
        await execute(url, "CHECKPOINT")
        assert list(traces_in(private)) == []
        assert (await verified(url)).breaks == []


def traces_in(server: Cluster) -> Iterator[str]:
    """Files of tables and indexes that hold a trace; the WAL is another matter (docs/privacy.md)."""
    for path in sorted((server.data / "base").rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            for word in (b"anna@", b"Zafferani", b"zafferano"):
                if word in data:
                    yield f"{path.name}: {word.decode()}"


async def verified(url: str, **given: object) -> State:
    rows = ServerRows(url)
    try:
        return await Verification(rows, **given).run()  # type: ignore[arg-type]
    finally:
        await rows.close()


async def execute(url: str, sql: str) -> None:
    db = await asyncpg.connect(url)
    try:
        await db.execute(sql)
    finally:
        await db.close()


class copied:  # noqa: N801 - reads as a verb
    """A copy of a database, dropped afterwards."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._name = urlsplit(url).path.strip("/") + "_copy"

    async def __aenter__(self) -> str:
        admin = urlunsplit(urlsplit(self._url)._replace(path="/postgres"))
        self._admin = admin
        await execute(admin, f"CREATE DATABASE {self._name} TEMPLATE {urlsplit(self._url).path.strip('/')}")
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{self._name}"))

    async def __aexit__(self, *_: object) -> None:
        await execute(self._admin, f"DROP DATABASE {self._name} WITH (FORCE)")
