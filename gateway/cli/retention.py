"""`galateo retention`: what is kept how long, and letting go of what is over."""

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from gateway.app import Parts
from gateway.cli.session import with_parts
from gateway.evidence.retention import DAY, BadRetention, Retention, load_retention
from gateway.evidence.sweep import Sweep
from gateway.policy.outcome import Outcome
from gateway.settings import SettingsError, load


@click.command("retention")
@click.option(
    "--policies", "folder", type=click.Path(file_okay=False, path_type=Path), help="The folder of policies."
)
@click.option("--sweep", is_flag=True, help="Let go of what is over, now.")
def retention_command(folder: Path | None, sweep: bool) -> None:
    """Show how long things are kept, and why. A gateway that serves lets go of what is over by itself."""
    try:
        folder = folder or load().policies_folder
        if not folder.is_dir():
            raise BadRetention(f"there is no folder {folder}")
        retention = load_retention(folder)
    except (BadRetention, SettingsError) as error:
        click.echo(f"galateo: {error}", err=True)
        sys.exit(1)
    if not sweep:
        _print(retention)
        return
    found = with_parts(lambda parts: _sweep(parts, retention))
    told = ", ".join(f"{count} {what}" for what, count in found.items() if count)
    click.echo(f"Let go: {told or 'nothing'}.")


async def _sweep(parts: Parts, retention: Retention) -> dict[str, int]:
    return await Sweep(parts.store, retention, parts.store.now(), rest=2.0).run()


def _print(retention: Retention) -> None:
    if not retention.lines:
        click.echo("There is no retention file: everything is kept.")
        return
    table = Table("what", "of", "days", "why", box=None)
    for line in retention.lines:
        of = [*sorted(line.classes), *(Outcome(one).word for one in sorted(line.outcomes))]
        table.add_row(line.what, ", ".join(of) or "all", f"{line.seconds / DAY:.0f}", line.why)
    Console().print(table)
