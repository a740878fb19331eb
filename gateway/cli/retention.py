"""`galateo retention`: what is kept how long, and letting go of what is over."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from gateway.app.parts import Parts
from gateway.cli.session import refuse, with_parts
from gateway.cli.tongue import LANG, language, say
from gateway.evidence.retention import DAY, BadRetention, Retention, load_retention
from gateway.evidence.sweep import Sweep
from gateway.evidence.telling import OUTCOMES
from gateway.policy.outcome import Outcome
from gateway.settings import SettingsError, load

NAMES = {
    "words": "parole", "facts": "fatti", "decisions": "decisioni", "holds": "trattenuti",
    "consents": "consensi", "events": "eventi", "replies": "risposte", "attempts": "tentativi",
}  # fmt: skip


@click.command("retention")
@click.option(
    "--policies", "folder", type=click.Path(file_okay=False, path_type=Path), help="The folder of policies."
)
@click.option("--sweep", is_flag=True, help="Let go of what is over, now.")
@LANG
def retention_command(folder: Path | None, sweep: bool) -> None:
    """Show how long things are kept, and why. A gateway that serves lets go of what is over by itself."""
    try:
        folder = folder or load().policies_folder
        if not folder.is_dir():
            raise BadRetention(f"there is no folder {folder}")
        retention = load_retention(folder)
    except (BadRetention, SettingsError) as error:
        refuse(error)
    if not sweep:
        _print(retention)
        return
    found = with_parts(lambda parts: _sweep(parts, retention))
    gone = ", ".join(f"{count} {_name(what)}" for what, count in found.items() if count)
    click.echo(say(f"Let go: {gone or 'nothing'}.", f"Eliminato: {gone or 'nulla'}."))


def _name(what: str) -> str:
    return say(what, NAMES.get(what, what))


async def _sweep(parts: Parts, retention: Retention) -> dict[str, int]:
    return await Sweep(parts.store, retention, parts.store.now(), rest=2.0).run()


def _print(retention: Retention) -> None:
    if not retention.lines:
        en = "There is no retention file: everything is kept."
        click.echo(say(en, "Non c'è un file dei termini di conservazione: tutto viene conservato."))
        return
    heads = (say("what", "che cosa"), say("of", "di"), say("days", "giorni"), say("why", "perché"))
    table = Table(*heads, box=None)
    for line in retention.lines:
        outcomes = (OUTCOMES[Outcome(one).word].in_(language()) for one in sorted(line.outcomes))
        of = ", ".join((*sorted(line.classes), *outcomes)) or say("all", "tutto")
        table.add_row(_name(line.what), of, f"{line.seconds / DAY:.0f}", line.why)
    Console().print(table)
