"""`galateo holds`: what waits for a decision, and deciding it."""

import getpass
import sys
from datetime import UTC, datetime
from typing import Any

import click
import msgspec
import orjson

from gateway.app.parts import Ledger
from gateway.cli.session import plain, with_ledger, with_parts
from gateway.cli.tongue import LANG, language, say
from gateway.message.address import without_addresses
from gateway.policy.dates import quoted
from gateway.policy.outcome import Decision, Outcome, Words
from gateway.review import LONGEST_REASON, ReviewResult
from gateway.store.packing import unpack_decision
from gateway.store.protocol import HoldFilter
from gateway.store.records import HoldRow

WORDS = {
    "none": Words("Nothing is held.", "Nulla è trattenuto."),
    "more": Words(
        "These are the oldest {limit}; there are more (--limit).",
        "Questi sono i {limit} più vecchi; ce ne sono altri (--limit).",
    ),
    "gone": Words("There is no hold {hold}.", "Non c'è nessun messaggio trattenuto {hold}."),
    "waits": Words(
        "{hold} is not released yet: a pause keeps it.",
        "{hold} non è ancora rilasciato: una pausa lo trattiene.",
    ),
    "anew": Words(
        "{hold} is not released: the policies now hold it for what was not found before.",
        "{hold} non è rilasciato: ora le policy lo trattengono per qualcosa che prima non c'era.",
    ),
    "refused": Words(
        "{hold} is not released: the policies now refuse it.",
        "{hold} non è rilasciato: ora le policy lo rifiutano.",
    ),
    "paused": Words(
        "What was approved stands: it goes by itself when the pause ends, unless something else comes up.",
        "Quanto approvato resta valido: partirà da sé al termine della pausa, salvo novità.",
    ),
    "again": Words(
        "To let it pass all the same, release it again: now that counts as seen too.",
        "Per farlo passare comunque, rilasciarlo di nuovo: ora conta come visto anche questo.",
    ),
    "waits for": Words("waits for", "in attesa di"),
    "observed": Words("observed only: not why it waits", "solo osservata: non è il motivo dell'attesa"),
    "to pass": Words("To pass", "Per passare"),
    "status": Words("status", "stato"),
    "created_at": Words("created_at", "trattenuto"),
    "expires_at": Words("expires_at", "scadenza"),
    "source": Words("source", "fonte"),
    "class": Words("class", "classe"),
    "campaign": Words("campaign", "campagna"),
    "condition": Words("condition", "in attesa di"),
    "open": Words("open", "aperto"),
    "released": Words("released", "rilasciato"),
    "rejected": Words("rejected", "rifiutato"),
    "expired": Words("expired", "scaduto"),
    "proposed": Words("proposed", "proposto: un secondo revisore deve confermare"),
    "cancelled": Words("cancelled", "annullato"),
    "reviewer": Words("reviewer", "un revisore"),
    "consent": Words("consent", "un consenso"),
    "reply": Words("reply", "una risposta a chi ha scritto"),
    "window": Words("window", "la fine di un intervallo"),
    "resumes": Words("resumes", "la fine di una pausa"),
}
SHOWN = ("id", "status", "created_at", "expires_at", "source", "class", "campaign", "condition")


@click.group("holds")
def holds_command() -> None:
    """List, show, release and reject held messages."""


@holds_command.command("list")
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
@click.option(
    "--status",
    type=click.Choice(("open", "released", "rejected", "expired", "cancelled")),
    default="open",
    show_default=True,
)
@click.option("--source", default="")
@click.option("--campaign", default="")
@click.option("--code", default="", help="Only holds that violated this, for example copied_text.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@LANG
def list_command(as_json: bool, status: str, source: str, campaign: str, code: str, limit: int) -> None:
    """List holds, oldest first."""
    wanted = HoldFilter(status=status, source=source, campaign=campaign, code=code, limit=limit + 1)
    found = with_ledger(lambda ledger: ledger.store.holds(wanted))
    holds = found[:limit]
    if as_json:
        click.echo(orjson.dumps([describe(hold) for hold in holds], option=orjson.OPT_INDENT_2).decode())
    else:
        _print_lines(holds, language())
    if len(found) > limit:
        click.echo(_say("more", language()).format(limit=limit), err=True)


def _say(name: str, lang: str) -> str:
    """A word of WORDS; one that is not there, as it stands."""
    return WORDS[name].in_(lang) if name in WORDS else name


def _condition(said: str, lang: str) -> str:
    """What a hold waits for, of one thing or several."""
    if lang == "en":
        return said
    return ", ".join(_say(one, lang) for one in said.split())


def _print_lines(holds: list[HoldRow], lang: str) -> None:
    """Two lines each, so that an id is never broken, and can be copied."""
    lines = []
    for hold in holds:
        since = when(hold.created_at)[:16].replace("T", " ")
        told = (hold.id, f"{since} UTC", hold.source, hold.class_, hold.campaign)
        lines.append(plain("  ".join(filter(None, told))))
        lines.append(f"    {hold.codes}; {_say('waits for', lang)}: {_condition(hold.condition, lang)}")
    click.echo("\n".join(lines) if holds else _say("none", lang))


@holds_command.command("show")
@click.argument("hold_id")
@click.option("--json", "as_json", is_flag=True)
@LANG
def show_command(hold_id: str, as_json: bool) -> None:
    """Show one hold: why it waits, and what would let it pass."""
    found = with_ledger(lambda ledger: _find(ledger, hold_id))
    if found is None:
        click.echo(_say("gone", language()).format(hold=hold_id), err=True)
        sys.exit(1)
    hold, decision = found
    if as_json:
        violations = msgspec.to_builtins(decision.violations)
        told = {**describe(hold), "policy_version": decision.policy_version, "violations": violations}
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    else:
        _print_hold(hold, decision, language())


def _print_hold(hold: HoldRow, decision: Decision, lang: str) -> None:
    told = describe(hold)
    told |= {"status": _say(hold.status, lang), "condition": _condition(hold.condition, lang)}
    for name in SHOWN:
        click.echo(f"{_say(name, lang):>12}  {plain(told[name])}")
    for violation in decision.violations:
        observed = f" ({_say('observed', lang)})" if violation.mode == "observe" else ""
        click.echo(f"\n{violation.policy}/{violation.code}{observed}")
        click.echo(f"  {plain(violation.reason.in_(lang))}")
        for evidence in violation.evidence:
            click.echo(f'  "{plain(quoted(evidence, lang))}"')
        if remedy := violation.remedy.in_(lang):
            click.echo(f"  {_say('to pass', lang)}: {plain(remedy)}")


async def _find(ledger: Ledger, hold_id: str) -> tuple[HoldRow, Decision] | None:
    hold = await ledger.store.hold(hold_id)
    if hold is None:
        return None
    rows = [d for d in await ledger.store.decisions(hold.message_id) if d.n == hold.n]
    last = rows[-1]
    return hold, unpack_decision(last.violations, last.outcome, last.class_, last.policy_version)


def _why(_: click.Context, parameter: click.Parameter, reason: str) -> str:
    if not without_addresses(reason) or len(reason) > LONGEST_REASON:
        en = f"say why, in 1 to {LONGEST_REASON} characters and not by an address alone."
        it = f"dire perché, in 1-{LONGEST_REASON} caratteri e non con il solo indirizzo."
        raise click.BadParameter(say(en, it), param=parameter)
    return reason


@holds_command.command("release")
@click.argument("hold_id")
@click.option("--reason", required=True, callback=_why, help="Why it may go; kept in the audit log.")
@click.option("--as", "actor", default="", help="Who decides; your login name without it.")
@LANG
def release_command(hold_id: str, reason: str, actor: str) -> None:
    """Send a held message, if today's policies let it."""
    result = with_parts(lambda parts: parts.review.release(hold_id, actor or login(), reason))
    _tell(result)


@holds_command.command("reject")
@click.argument("hold_id")
@click.option("--reason", required=True, callback=_why, help="Why it may not go; kept in the audit log.")
@click.option("--as", "actor", default="", help="Who decides; your login name without it.")
@LANG
def reject_command(hold_id: str, reason: str, actor: str) -> None:
    """Never send a held message."""
    _tell(with_parts(lambda parts: parts.review.reject(hold_id, actor or login(), reason)))


def _tell(result: ReviewResult) -> None:
    if result.status == "open" and result.decision is not None:
        held = result.decision.outcome is Outcome.HOLD
        paused = held and result.decision.paused_only
        word = "waits" if paused else "anew" if held else "refused"
        click.echo(_say(word, language()).format(hold=result.hold_id))
        for violation in result.decision.enforced:
            reason = plain(violation.reason.in_(language()))
            click.echo(f"  {violation.policy}/{violation.code}: {reason}")
        if held:
            click.echo(_say("paused" if paused else "again", language()))
        sys.exit(1)
    click.echo(f"{result.hold_id} {_say(result.status, language())}")


def login() -> str:
    """Who is at the keyboard."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli"


def when(at: float) -> str:
    """A time as people and scripts read it: ISO 8601 in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds") if at else ""


def describe(hold: HoldRow) -> dict[str, Any]:
    """A hold as plain data, without personal data."""
    return {
        "id": hold.id,
        "message_id": hold.message_id,
        "status": hold.status,
        "source": hold.source,
        "channel": hold.channel,
        "class": hold.class_,
        "campaign": hold.campaign,
        "codes": hold.codes.split(),
        "condition": hold.condition,
        "cluster": hold.cluster,
        "created_at": when(hold.created_at),
        "expires_at": when(hold.expires_at),
        "decided_at": when(hold.decided_at),
        "decided_by": hold.decided_by,
        "reason": hold.reason,
    }
