"""`galateo explain`: why a message was decided so, or what would become of one now."""

import os
import sys
import time
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.text import Text

from gateway.app.parts import Parts
from gateway.cli.session import plain, with_ledger, with_parts
from gateway.cli.tongue import LANG, language, say
from gateway.evidence.explain import Asked, Explanation, as_json, explain
from gateway.evidence.outlook import look, message_of
from gateway.evidence.stretch import moment
from gateway.evidence.telling import OUTCOMES, tell_known, tell_reading
from gateway.message.address import is_valid
from gateway.policy.dates import quoted

WORDS = {
    "en": {
        "now": "now", "under": "under policies", "class": "class", "read": "Read", "known": "Known",
        "passed": "passed", "violated": "violated", "elsewhere": "not meant here", "to pass": "To pass",
        "waived": "let pass", "observed": "observed only",
        "inexact": "The policy texts or the facts of this decision are not kept any more: what follows is"
        " what it found wrong.",
    },
    "it": {
        "now": "adesso", "under": "secondo le policy", "class": "classe", "read": "Letto", "known": "Noto",
        "passed": "superata", "violated": "violata", "elsewhere": "non riguarda", "to pass": "Per passare",
        "waived": "lasciata passare", "observed": "solo osservata",
        "inexact": "I testi delle policy o i fatti di questa decisione non sono più conservati: segue ciò che"
        " fu trovato.",
    },
}  # fmt: skip


@click.command("explain")
@click.argument("message_id", required=False)
@click.argument("recipient", required=False, default="")
@click.option("--eml", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A message.")
@click.option("--to", "address", default="", help="Whom it would go to.")
@click.option("--source", default="", help="Which source would send it; the only one without it.")
@click.option("--json", "as_data", is_flag=True)
@LANG
def explain_command(
    message_id: str | None,
    recipient: str,
    eml: Path | None,
    address: str,
    source: str,
    as_data: bool,
) -> None:
    """Explain the decisions of MESSAGE_ID, for all recipients or for one (its number or address); or, with
    --eml and --to, what would happen to that message now. Nothing is sent or kept."""
    if (eml is None) == (message_id is None):
        en = "Give a message's id, or --eml FILE --to ADDRESS."
        raise click.UsageError(say(en, "Indicare l'id di un messaggio, o --eml FILE --to INDIRIZZO."))
    if eml is not None:
        if not is_valid("email", address):
            raise click.UsageError(say("--to needs an email address.", "--to vuole un indirizzo email."))
        raw = eml.read_bytes()
        found = with_parts(lambda parts: _look(parts, raw, address, source))
    else:
        wanted = str(message_id)
        found = with_ledger(lambda ledger: explain(ledger.store, wanted, recipient))
    if not found:
        en = "There is no such message, or no such recipient of it."
        click.echo(say(en, "Questo messaggio o destinatario non esiste."), err=True)
        sys.exit(1)
    if as_data:
        told = [as_json(one, language()) for one in found]
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    for one in found:
        _print(console, one, language())


async def _look(parts: Parts, raw: bytes, address: str, source_name: str) -> list[Explanation]:
    sources = parts.access.sources
    if not source_name and len(sources) == 1:
        source_name = next(iter(sources))
    if source_name not in sources:
        raise click.UsageError(f"--source: {say('one of', 'una tra')} {', '.join(sorted(sources))}")
    message = message_of(raw, address, sources[source_name], time.time(), os.urandom(10))
    return await look(parts.store, parts.reader, parts.access, parts.keys, parts.policies.current, message)


def _print(console: Console, one: Explanation, lang: str) -> None:
    words = WORDS[lang]
    name = one.decision or words["now"]
    outcome = OUTCOMES[one.outcome].in_(lang)
    console.print(Text(f"{name}: {outcome}", style="bold"))
    judged = f"{words['class']} {' + '.join(one.classes)}"
    console.print(f"{moment(one.at)}, {judged}, {words['under']} {one.policy_version}", markup=False)
    if not one.exact:
        console.print(words["inexact"])
    for title, lines in (
        (words["read"], tell_reading(one.reading, lang)),
        (words["known"], tell_known(one.known, lang)),
    ):
        if lines:
            console.print(Text(f"\n{title}", style="bold"))
            for label, text in lines:
                console.print(f"  {label}: {plain(text)}", markup=False)
    console.print()
    for asked in one.asked:
        _print_asked(console, asked, words, lang)
    console.print()


def _print_asked(console: Console, asked: Asked, words: dict[str, str], lang: str) -> None:
    style = {"passed": "green", "violated": "red", "waived": "yellow"}.get(asked.answer, "dim")
    line = Text(f"{words[asked.answer]:>16}  ", style=style)
    line.append(f"{asked.policy}/{asked.rule}", style="default")
    if asked.written:
        line.append(f"  {asked.written}", style="dim")
    if asked.mode == "observe":
        line.append(f"  ({words['observed']})", style="dim")
    console.print(line)
    for v in asked.violations:
        console.print(f"{'':18}{v.code}: {plain(v.reason.in_(lang))}", markup=False)
        for evidence in v.evidence:
            if evidence.text:
                console.print(f'{"":18}"{plain(quoted(evidence, lang))}"', markup=False)
        if v.remedy.in_(lang):
            console.print(f"{'':18}{words['to pass']}: {v.remedy.in_(lang)}", markup=False)
