"""`galateo consents import` into PostgreSQL: the same lines, the same way to go on."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from tests.cli.test_cli_consents import bulk
from tests.postgres import database, server

pytestmark = pytest.mark.postgres


async def fetch(url: str, sql: str) -> int:
    db = await asyncpg.connect(url)
    try:
        return int(await db.fetchval(sql) or 0)
    finally:
        await db.close()


def test_an_import_and_going_on(tmp_path: Path) -> None:
    wrong = bulk(tmp_path / "big.csv", 2500)
    (tmp_path / "keys").write_text(
        '{"peppers": ["%s"], "tokens": ["%s"], "signing": "%s"}' % (("ab" * 32,) * 3)
    )

    async def whole() -> None:
        with server() as base:
            async with database(base) as url:
                environment = {
                    "GALATEO_DATABASE": url, "GALATEO_KEYS": str(tmp_path / "keys"),
                    "GALATEO_DEVELOPMENT": "1", "GALATEO_ACCESS": str(tmp_path / "access.yaml"),
                }  # fmt: skip

                def run(*words: str) -> Result:
                    told = ["consents", "import", str(tmp_path / "big.csv"), *words]
                    return CliRunner().invoke(main, told, env=environment)

                done = await asyncio.to_thread(run, "--errors", str(tmp_path / "refused.txt"))
                assert done.stdout.startswith(f"{2500 - wrong} lines imported"), done.output
                assert await fetch(url, "SELECT count(*) FROM consent_events") == 2500 - wrong
                assert await fetch(url, "SELECT count(*) FROM settings WHERE name LIKE 'import:%'") == 0
                again = await asyncio.to_thread(run, "--resume")
                assert " 0 changed something" in again.stdout

    asyncio.run(whole())
