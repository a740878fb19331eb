"""`galateo replay`: what a draft of policies would have changed."""

import os
import sys
import time
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.table import Table

from gateway.app.parts import Parts
from gateway.app.rights import origin_of
from gateway.cli.moments import Ago, bar
from gateway.cli.processes import side_by_side
from gateway.cli.refusals import REFUSALS
from gateway.cli.session import refuse, with_ledger, with_parts
from gateway.cli.tongue import LANG, language, say
from gateway.evidence.observed import observed
from gateway.evidence.replay import Changes
from gateway.evidence.replaying import (
    Drafted,
    as_csv,
    as_json,
    count_past,
    prepare,
    replay,
    versions_of,
)
from gateway.evidence.telling import OUTCOMES
from gateway.policy.load import compose, read_folder
from gateway.policy.outcome import Words
from gateway.settings import Settings, load

ALONE = 5_000
"""Decisions that one process decides before others would have started."""

WORDS = {
    "sum": Words(
        "{decided} decisions, {same} unchanged, {changed} would change.",
        "Decisioni: {decided}; invariate: {same}; cambierebbero: {changed}.",
    ),
    "missing": Words(
        "{count} have no facts any more: nothing can be said about them.",
        "Senza più i dati di allora: {count}; di queste non si può dire nulla.",
    ),
    "unknown": Words(
        "Where rules ask for what is not kept (the text, a pace nobody asked for then):",
        "Dove le regole chiedono ciò che non è conservato (il testo, un ritmo che allora nessuno chiese):",
    ),
    "unknown for": Words("{rule}: unknown for {count}", "{rule}: ignoto per {count}"),
    "rule": Words("by rule", "per regola"),
    "campaign": Words("by campaign", "per campagna"),
    "source": Words("by source", "per fonte"),
    "newly": Words("newly", "esito nuovo"),
    "messages": Words("messages", "messaggi"),
    "none": Words("(none)", "(nessuna)"),
    "nothing": Words(
        "No policy in observe objected to anything in this time.",
        "In questo periodo nessuna policy in osservazione ha obiettato nulla.",
    ),
    "day": Words("day", "giorno"),
    "policy": Words("policy", "policy"),
    "would": Words("would be", "sarebbe"),
    "was": Words("was", "fu"),
}


@click.command("replay")
@click.option(
    "--policies",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the draft; the policies in force without it.",
)
@click.option("--since", type=Ago(), default="30d", show_default=True, help="How far back.")
@click.option("--format", "form", type=click.Choice(["text", "json", "csv"]), default="text")
@LANG
@click.option("--samples", default=5, show_default=True, help="Samples of each kind and rule.")
@click.option("--processes", default=0, help="How many work side by side; all processors without it.")
@click.option("--observed", "only_observed", is_flag=True, help="What policies in observe would have done.")
def replay_command(
    folder: Path | None, since: float, form: str, samples: int, processes: int, only_observed: bool
) -> None:
    """Decide past messages again under a draft, with the facts and readings kept of them, and show what
    would change. Nothing is sent and nothing is kept of it."""
    if only_observed:
        _tell_observed(since, language())
        return
    try:
        texts = read_folder(folder) if folder else _read_own(load())
        compose(texts)
    except REFUSALS as error:
        refuse(error)
    if folder is not None and not folder.is_dir():
        raise click.UsageError(say(f"There is no folder {folder}.", f"Non c'è nessuna cartella {folder}."))
    found = with_parts(lambda parts: _run(parts, texts, since, samples, processes))
    if form == "json":
        click.echo(orjson.dumps(as_json(found), option=orjson.OPT_INDENT_2).decode())
    elif form == "csv":
        click.echo(as_csv(found, language()), nl=False)
    else:
        _print(found, language())


async def _run(parts: Parts, texts: dict[str, str], since: float, samples: int, processes: int) -> Changes:
    now = time.time()
    drafted = Drafted(
        draft=texts,
        versions=await versions_of(parts.store, now - since, now),
        observing=parts.policies.current.observing,
        keep=samples,
    )
    origin = origin_of(parts.settings)
    many = await count_past(parts.store, now - since, now + 1) > ALONE
    count = processes or ((os.cpu_count() or 1) if many else 1)
    with side_by_side(count, prepare, origin, drafted) as pool, bar("replaying") as progress:
        return await replay(parts.store, drafted, now - since, now + 1, pool=pool, progress=progress)


def _print(found: Changes, lang: str) -> None:
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    words = {key: pair.in_(lang) for key, pair in WORDS.items()}
    changed = sum(found.kinds.values())
    console.print(words["sum"].format(decided=found.decided, same=found.same, changed=changed))
    if found.missing:
        console.print(words["missing"].format(count=found.missing))
    if found.unknown:
        console.print(words["unknown"])
        for rule, count in found.unknown.most_common():
            console.print(f"  {words['unknown for'].format(rule=rule, count=count)}")
    for title, counted in (
        ("rule", found.by_rule),
        ("campaign", found.by_campaign),
        ("source", found.by_source),
    ):
        if counted:
            table = Table(words[title], words["newly"], words["messages"], box=None)
            for (kind, name), count in counted.most_common(30):
                table.add_row(name or words["none"], OUTCOMES[kind].in_(lang), str(count))
            console.print(table)
    for change in found.changes:
        rules, before, after = ", ".join(change.rules), OUTCOMES[change.before], OUTCOMES[change.after]
        console.print(f"\n{change.decision}  {before.in_(lang)} -> {after.in_(lang)}  {rules}", markup=False)
        for en, it in change.reasons:
            console.print(f"  {it if lang == 'it' else en}", markup=False)


def _read_own(settings: Settings) -> dict[str, str]:
    return read_folder(settings.policies_folder, settings.spare_lexicons)


def _tell_observed(since: float, lang: str) -> None:
    now = time.time()
    rows = with_ledger(lambda ledger: observed(ledger.store, now - since, now + 1))
    if not rows:
        click.echo(WORDS["nothing"].in_(lang))
        return
    heads = (WORDS[name].in_(lang) for name in ("day", "policy", "would", "was", "messages"))
    table = Table(*heads, box=None)
    for row in rows:
        would, was = OUTCOMES[row.would], OUTCOMES[row.was]
        table.add_row(row.day, row.policy, would.in_(lang), was.in_(lang), str(row.count))
    Console(soft_wrap=not sys.stdout.isatty()).print(table)
