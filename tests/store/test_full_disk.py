"""A full disk defers, loses nothing, and is over once there is room again."""

import asyncio
import subprocess
from pathlib import Path

import asyncpg
import pytest

from gateway.store.postgres import PostgresStore
from gateway.store.protocol import DiskFull
from tests.flow.harness import Client, Gateway, Sink, eventually
from tests.line import Clock, line
from tests.store.conftest import Stores
from tests.store.test_serve import receipt, wanted
from tests.tools import need


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What fills the disk, compiled."""
    made = tmp_path_factory.mktemp("full") / "full_disk.so"
    source = Path(__file__).with_name("full_disk.c")
    subprocess.run(
        [need("cc"), "-shared", "-fPIC", "-O1", "-o", made, source, "-ldl"], check=True, timeout=60
    )
    return made


def send(port: int, first: int) -> list[str]:
    """Five submissions; the first line of each reply."""
    with Client(port) as client:
        return [str(client.send(*receipt(number)).code) for number in range(first, first + 5)]


def test_sqlite_on_a_disk_that_fills_up(library: Path, tmp_path: Path) -> None:
    mark = tmp_path / "full"
    preload = {"LD_PRELOAD": str(library), "FULL_DISK": str(mark)}
    with Sink() as sink, Gateway(tmp_path, relay=sink.url, environment=preload) as one:
        assert send(one.smtp_port, 0) == ["250"] * 5
        sink.wait(5)
        mark.touch()
        with Client(one.smtp_port) as client:
            refused = client.send(*receipt(100))
        assert refused.code == 452
        assert "4.3.1" in refused.text
        assert send(one.smtp_port, 10) == ["452"] * 5
        answer = one.request("POST", "/v1/messages", neutral("w1"))
        assert answer.status == 503
        assert answer.headers.get("Retry-After")
        mark.unlink()
        eventually(lambda: send(one.smtp_port, 20) == ["250"] * 5, 20)
        assert one.request("POST", "/v1/messages", neutral("w2")).status in (200, 201, 202)
        mark.touch()
        assert send(one.smtp_port, 30) == ["452"] * 5
        one.kill()
        mark.unlink()
        one.start()
        eventually(lambda: wanted([*range(5), *range(20, 25)]) <= set(sink.message_ids), 20)
        assert not wanted([*range(10, 15), *range(30, 35), 100]) & set(sink.message_ids)
        assert len(sink.message_ids) == len(set(sink.message_ids))


def neutral(key: str) -> dict[str, object]:
    return {
        "channel": "email",
        "class": "transactional",
        "sender": {"addresses": [{"type": "email", "value": "orders@acme.example"}]},
        "recipient": {"addresses": [{"type": "email", "value": f"{key}@example.org"}]},
        "subject": "Il suo ordine",
        "text": "Il suo ordine 12 è partito oggi.",
    }


FILL = """
CREATE OR REPLACE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'could not extend file: no space left'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION full_disk();
"""


@pytest.mark.postgres
async def test_postgresql_on_a_disk_that_fills_up(postgres: Stores, tmp_path: Path) -> None:
    async with line(tmp_path, store=PostgresStore(postgres.url, clock=Clock())) as gateway:
        await gateway.consent(*(f"p{n}@example.org" for n in range(6)))
        assert (await gateway.submit(to="p0@example.org")).status == "accepted"
        db = await asyncpg.connect(postgres.url)
        try:
            await db.execute(FILL)
            found = await asyncio.gather(
                *(gateway.submit(to=f"p{n}@example.org") for n in range(1, 6)), return_exceptions=True
            )
            assert [type(one) for one in found] == [DiskFull] * 5
            await db.execute("DROP FUNCTION full_disk CASCADE")
            assert (await gateway.submit(to="p1@example.org")).status == "accepted"
            assert await db.fetchval("SELECT count(*) FROM decisions") == 2
        finally:
            await db.close()
