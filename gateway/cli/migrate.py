"""`galateo migrate`: bring the database's schema up to date, in two phases on PostgreSQL."""

import asyncio
import contextlib
import sys
from pathlib import Path

import apsw
import asyncpg
import click

from gateway.cli.refusals import REFUSALS
from gateway.settings import load
from gateway.store.distributed import distribute
from gateway.store.migrate import migrate_sqlite
from gateway.store.postgres_link import LOST, Link, read_address, translate
from gateway.store.postgres_schema import check, migrate
from gateway.store.sqlite import connect, make_folder
from gateway.store.sqlite_reads import translate as translate_sqlite


@click.command("migrate")
@click.option(
    "--finish",
    is_flag=True,
    help="The second phase: what may only be done once no older replica runs any more.",
)
@click.option(
    "--distributed",
    is_flag=True,
    help="Spread the tables over the nodes of a Citus cluster. Needs the extension.",
)
def migrate_command(*, finish: bool, distributed: bool) -> None:
    """Bring the database that GALATEO_DATABASE names up to date.

    The first phase only adds, so older replicas go on working: run it before the new ones start. Run it
    again with --finish when the last old one is gone. SQLite needs neither: the gateway does it at start.
    """
    try:
        settings = load()
        file = settings.sqlite_file
        if file is None:
            done = asyncio.run(_migrate(settings.database.get_secret_value(), finish, distributed))
        elif distributed:
            raise click.UsageError("--distributed needs PostgreSQL; GALATEO_DATABASE names an SQLite file")
        else:
            done = _migrate_file(file)
    except REFUSALS as error:
        click.echo(f"galateo: {error}", err=True)
        sys.exit(1)
    for name in done:
        click.echo(name)
    click.echo("The schema is up to date." if not done else f"Applied: {len(done)}.")


def _migrate_file(file: Path) -> list[str]:
    make_folder(file)
    try:
        with contextlib.closing(connect(file)) as db:
            return migrate_sqlite(db)
    except apsw.Error as error:
        raise translate_sqlite(error, file) from None


async def _migrate(url: str, finish: bool, distributed: bool) -> list[str]:
    db = await Link(read_address(url), "galateo-migrate").connect(patient=True)
    try:
        await db.execute("SET statement_timeout = 0; SET lock_timeout = '60s'")
        done = await migrate(db, "post" if finish else "pre")
        if distributed:
            done += await distribute(db)
        await check(db)
        return done
    except (asyncpg.PostgresError, *LOST) as error:
        raise translate(error) from None
    finally:
        await db.close()
