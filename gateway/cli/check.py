"""`galateo check`: would these policies load, and do their cases come out as written?"""

import sys
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.access import Access, AccessError, doubts, unmet
from gateway.app.access_file import read_access_file
from gateway.cli.in_force import NotGiven, fetch
from gateway.cli.tongue import LANG, language, say, told
from gateway.evidence.regressions import regressions
from gateway.evidence.retention import FILE as RETENTION
from gateway.evidence.retention import BadRetention, load_retention
from gateway.evidence.telling import OUTCOMES
from gateway.policy.cases import Trial
from gateway.policy.load import PolicyErrors, Problem, overlooked, try_folder
from gateway.policy.load import load as load_policies
from gateway.policy.policies import PolicySet
from gateway.reading.lexicon import BadLexicon
from gateway.reading.load import load_lexicons
from gateway.reading.read import Reader
from gateway.settings import SHIPPED_LEXICONS, Settings, SettingsError, load


@click.command("check")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--quiet", "-q", is_flag=True, help="Show only what is wrong.")
@click.option(
    "--against", default="", metavar="live|FOLDER|URL", help="Fail where cases of these differ, too."
)
@LANG
def check_command(folder: Path | None, quiet: bool, against: str) -> None:
    """Check the policies in FOLDER (default: those that the settings name) and try their cases. With
    --against, every case that holds for the policies in force (`live`: those that the settings name; a URL:
    those of the gateway whose OPS_LISTEN that is, asked with GALATEO_TOKEN) or for those of another folder
    has to hold under these as well.

    Exit codes: 0 all is well, 1 something is wrong in the files, 2 there is no such folder.
    """
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    warnings: Sequence[str] = ()
    access, known = None, True
    if folder is None:
        folder, access, warnings, wrong = _from_settings()
        known = not wrong
        for line in wrong:
            console.print(Text(line, style="red"))
    else:
        access = _access_at_hand()
    if folder.is_file():
        it = f"{folder} è un file: indicare la cartella in cui sta, {folder.parent}."
        raise click.UsageError(
            say(f"{folder} is a file: name the folder that it stands in, {folder.parent}.", it)
        )
    if not folder.is_dir():
        raise click.UsageError(_no_folder(folder))
    fine = check(folder, console, warnings, access, quiet=quiet) and known
    if fine and against:
        fine = _compare(folder, against, console)
    sys.exit(0 if fine else 1)


def _compare(draft: Path, against: str, console: Console) -> bool:
    if not against.startswith(("http://", "https://")):
        return compare(draft, _settings().policies_folder if against == "live" else Path(against), console)
    with tempfile.TemporaryDirectory(prefix="galateo-") as name:
        try:
            fetch(against, Path(name))
        except NotGiven as error:
            console.print(Text(told(error), style="red"))
            return False
        return compare(draft, Path(name), console)


def compare(draft: Path, live: Path, console: Console) -> bool:
    """Prints the cases of a folder that a draft breaks; whether there are none."""
    if not live.is_dir():
        raise click.UsageError(_no_folder(live))
    try:
        before = try_folder(live, _reader(live))[1]
        found = regressions(before, try_folder(draft, _reader(draft))[0], _reader(draft))
    except BadLexicon as error:
        console.print(Text(f"lexicons/{told(error)}", style="red"))
        return False
    except PolicyErrors as error:
        _print_problems(console, error.problems)
        return False
    for line in found:
        mark = say("regression: ", "regressione: ")
        console.print(Text(mark, style="bold red").append(told(line), style="default"))
    return not found


def _no_folder(folder: Path) -> str:
    return say(f"There is no folder {folder}.", f"Non c'è nessuna cartella {folder}.")


def _reader(folder: Path) -> Reader:
    lexicons = folder / "lexicons"
    return Reader(load_lexicons(lexicons, _spare() if lexicons.is_dir() else SHIPPED_LEXICONS))


def _spare() -> Path | None:
    """Where lexicons come from that a folder lacks, if the settings can say."""
    try:
        return load().spare_lexicons
    except SettingsError:
        return None


def check(
    folder: Path,
    console: Console,
    warnings: Sequence[str] = (),
    access: Access | None = None,
    *,
    quiet: bool = False,
) -> bool:
    """Prints the cases and whatever is wrong; whether all is well. Warnings change nothing, nor do doubts
    about an access file."""
    try:
        reader = _reader(folder)
        policies, trials = try_folder(folder, reader, _spare())
    except BadLexicon as error:
        console.print(Text(f"lexicons/{told(error)}", style="red"))
        return False
    except PolicyErrors as error:
        _print_problems(console, error.problems)
        return False
    kept = _retention(folder)
    failed = [trial for trial in trials if not trial.passed]
    if not quiet:
        _print_policies(console, policies, trials)
    _print_problems(console, [trial.problem() for trial in failed])
    if kept:
        stays = say(
            "Until it is right, nothing is let go of.", "Finché non è corretto, nulla viene eliminato."
        )
        console.print(Text(f"{told(kept)}. {stays}", style="red"))
    doubted: list[str] = []
    if access is not None:
        doubted = [*doubts(access, policies.jurisdictions), *unmet(access, policies.policies)]
    also = (
        *_without_policies(folder, policies), *_overlooked(folder), *_unkept(folder), *_unsigned(policies)
    )  # fmt: skip
    for warning in (*warnings, *doubted, *also):
        mark = say("warning: ", "avviso: ")
        console.print(Text(mark, style="yellow").append(told(warning), style="default"))
    if not failed and not kept and not quiet:
        console.print(_all_is_well(len(policies.policies), len(trials), policies.version))
    return not failed and not kept


def _all_is_well(known: int, tried: int, version: str) -> str:
    en = f"{known} polic{'y' if known == 1 else 'ies'}, {tried} case{'' if tried == 1 else 's'}"
    it = f"{known} policy, {tried} cas{'o' if tried == 1 else 'i'}"
    return say(f"{en}, version {version}: all is well.", f"{it}, versione {version}: tutto bene.")


def _access_at_hand() -> Access | None:
    """The access file that the settings name, if they name one that can be read."""
    try:
        settings = load()
        return read_access_file(settings.access) if settings.access.is_file() else None
    except (SettingsError, AccessError):
        return None


def _retention(folder: Path) -> str:
    """What is wrong in the retention file of the folder, if it has one."""
    try:
        load_retention(folder)
    except BadRetention as error:
        return str(error)
    return ""


def _settings() -> Settings:
    try:
        return load()
    except SettingsError as error:
        raise click.UsageError(str(error)) from None


class _Named(NamedTuple):
    """What the settings name: the folder and the access file, what they leave undone, and what is wrong in
    the access file."""

    folder: Path
    access: Access | None
    warnings: Sequence[str]
    wrong: Sequence[str]


def _from_settings() -> _Named:
    settings = _settings()
    access, wrong = None, []
    if settings.access.is_file():
        try:
            access = read_access_file(settings.access)
        except AccessError as error:
            wrong = str(error).splitlines()
    return _Named(settings.policies_folder, access, setting_warnings(settings, access), wrong)


def laws_of(folder: Path) -> Collection[str]:
    """The jurisdictions for which a folder of policies has files; none where it cannot be read."""
    try:
        return load_policies(folder).jurisdictions
    except PolicyErrors:
        return ()


def setting_warnings(settings: Settings, access: Access | None) -> Sequence[str]:
    """What settings and access file leave undone that policies rely on."""
    found = []
    if not settings.public_url.startswith("https://"):
        found.append("without an https PUBLIC_URL the gateway adds no way to unsubscribe (RFC 8058)")
    if settings.webhook_relay is None:
        found.append("without WEBHOOK_RELAY accepted messages of other channels than email are not delivered")
    blind = (
        sorted(source.name for source in access.sources.values() if not source.reply_feed) if access else ()
    )
    if blind:
        found.append(
            f"no reply feed, so that the reply rules are blind for these sources: {', '.join(blind)}"
        )
    return found


def _print_policies(console: Console, policies: PolicySet, trials: Sequence[Trial]) -> None:
    table = Table(say("case", "caso"), say("expects", "atteso"), "", title_justify="left")
    for policy in policies.policies:
        table.add_section()
        mode = "" if policy.mode == "enforce" else f"  ({say(policy.mode, 'in osservazione')})"
        table.add_row(Text(f"{policy.file}: {policy.title}{mode}", style="bold"), "", "")
        for trial in (t for t in trials if t.example.policy == policy.name):
            failed = Text(say("failed", "fallito"), style="red")
            expected = OUTCOMES[trial.example.expect.outcome.word].in_(language())
            mark = Text("ok", style="green") if trial.passed else failed
            table.add_row(Text(f"  {trial.example.name}"), expected, mark)
    console.print(table)


def _print_problems(console: Console, problems: Sequence[Problem]) -> None:
    for problem in problems:
        line = Text(f"{problem.file}:{problem.line}: ", style="bold red").append(
            told(problem.text), style="default"
        )
        if problem.suggestion:
            line.append(f" ({told(problem.suggestion)})", style="dim")
        console.print(line)
    if problems:
        count = len(problems)
        en = f"{count} problem{'s' if count > 1 else ''}. A running gateway keeps its last good policies."
        it = "Un gateway in funzione tiene le ultime policy valide."
        console.print(say(en, f"{count} problem{'i' if count > 1 else 'a'}. {it}"))


def _without_policies(folder: Path, policies: PolicySet) -> Sequence[str]:
    if policies.policies:
        return ()
    return (f"no policy stands in {folder}, so the floor alone would hold: is it the folder you meant?",)


def _overlooked(folder: Path) -> Sequence[str]:
    return [
        f"{name} is not read: a policy's file stands in {folder} and ends in .yaml"
        for name in overlooked(folder)
    ]


def _unkept(folder: Path) -> Sequence[str]:
    if (folder / RETENTION).is_file():
        return ()
    return (f"there is no {RETENTION}, so that everything is kept for good",)


def _unsigned(policies: PolicySet) -> Sequence[str]:
    codes = sorted(code for code, law in policies.jurisdictions.items() if law.unsigned)
    if not codes:
        return ()
    return (f"jurisdictions not signed off by counsel yet: {', '.join(codes)}",)
