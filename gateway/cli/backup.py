"""`galateo backup`: a copy of the embedded database while the gateway runs."""

import sys
import time
from pathlib import Path

import click

from gateway.cli.moments import bar
from gateway.cli.refusals import REFUSALS
from gateway.evidence.backup import BackupError, Manifest, back_up, verify
from gateway.evidence.stretch import moment
from gateway.settings import load


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--verify", "only_verify", is_flag=True, help="Check a backup instead of making one.")
def backup_command(file: Path, only_verify: bool) -> None:
    """Copy the SQLite database into FILE; for PostgreSQL see docs/backup.md.

    The key file is not in it: without that nobody in the backup is recognized, so keep it as well, apart.
    """
    try:
        with bar("checking" if only_verify else "backing up") as progress:
            if only_verify:
                manifest = verify(file, progress)
            else:
                manifest = back_up(database_file(), file, time.time(), progress)
    except (BackupError, *REFUSALS) as error:
        click.echo(f"galateo: {error}", err=True)
        sys.exit(1)
    click.echo(describe(file, manifest))


def database_file() -> Path:
    """The embedded database. Raises BackupError where it is PostgreSQL."""
    found = load().sqlite_file
    if found is None:
        raise BackupError("The database is PostgreSQL: use pg_dump or pg_basebackup, see docs/backup.md.")
    return found


def describe(file: Path, manifest: Manifest) -> str:
    """A backup in two lines."""
    rows = ", ".join(f"{count} {name}" for name, count in manifest.rows.items() if count)
    return f"{file}: made {moment(manifest.made_at)}, {manifest.size} bytes, whole\n{rows or 'empty'}"
