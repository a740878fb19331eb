"""`galateo restore`: put a backup in the database's place."""

import sys
from pathlib import Path

import click

from gateway.cli.backup import database_file, describe
from gateway.cli.moments import bar
from gateway.cli.refusals import REFUSALS
from gateway.evidence.backup import BackupError, restore
from gateway.keys import load_keys
from gateway.settings import load


@click.command("restore")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Put it in the place of the database that is there.")
def restore_command(file: Path, replace: bool) -> None:
    """Put the backup FILE in the place of the SQLite database. No gateway may serve it meanwhile.

    What was decided, withdrawn or delivered after the backup is not in it: docs/backup.md says what to do.
    """
    try:
        database, keys = database_file(), load_keys(load().keys_file)
        with bar("restoring") as progress:
            manifest = restore(file, database, keys.fingerprint, replace=replace, progress=progress)
    except (BackupError, *REFUSALS) as error:
        click.echo(f"galateo: {error}", err=True)
        sys.exit(1)
    click.echo(describe(database, manifest))
    waiting = manifest.rows.get("outbox", 0)
    if waiting:
        click.echo(
            f"{waiting} messages waited to be sent when the backup was made, and will be sent when the"
            " gateway starts, with the Message-ID they had. Those delivered since would arrive twice."
        )
