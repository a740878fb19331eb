"""`galateo copy-database SQLITE POSTGRES`: for the day one machine is not enough."""

import asyncio
import sys
from pathlib import Path

import click

from gateway.cli.refusals import REFUSALS
from gateway.store.copy import Copied, copy_database


@click.command("copy-database")
@click.argument("sqlite", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("postgres")
def copy_database_command(sqlite: Path, postgres: str) -> None:
    """Copy everything in the file SQLITE into the database POSTGRES (a postgresql:// URL).

    Stop the gateway first, and run `galateo migrate` on POSTGRES. If it is interrupted, run it again: it
    goes on where it stopped. In the end both sides are counted and compared. Give the new gateway the
    same key file (GALATEO_KEYS). There is no way back.
    """
    if not sqlite.is_file():  # it is not repeated: in the wrong place stands a URL with a password
        raise click.UsageError("the first is no file: name the SQLite file, then the postgresql:// URL")
    try:
        copied = asyncio.run(copy_database(sqlite, postgres, _say))
    except REFUSALS as error:
        click.echo(f"galateo: {error}", err=True)
        sys.exit(1)
    wrong = [table for table in copied if not table.same]
    for table in wrong:
        click.echo(f"galateo: {table.name}: the copy differs from the original", err=True)
    if wrong:
        sys.exit(1)
    click.echo(f"Copied and compared {sum(table.rows for table in copied)} rows in {len(copied)} tables.")


def _say(table: Copied) -> None:
    click.echo(f"{table.name}: {table.rows} rows, {'the same on both sides' if table.same else 'DIFFERENT'}")
