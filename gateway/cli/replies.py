"""`galateo replies`: what came back by mail and could not be matched or believed, for a person to look at."""

import sys
from typing import Any

import click
import orjson

from gateway.app.parts import Ledger
from gateway.cli.holds import when
from gateway.cli.session import plain, with_ledger
from gateway.cli.tongue import LANG, language, say
from gateway.policy.outcome import Words
from gateway.store.records import EventRow

PAGE = 200
REASONS = {
    "unmatched": Words("it answers nothing that was sent", "non risponde a nulla di ciò che è stato inviato"),
    "untrusted": Words(
        "no trusted mail server vouches for its author",
        "nessun server di posta fidato garantisce chi l'ha scritta",
    ),
    "other_address": Words(
        "somebody else wrote than was written to", "ha scritto una persona diversa da quella contattata"
    ),
    "bounce": Words("it names nothing that was sent", "non nomina nulla di ciò che è stato inviato"),
    "complaint": Words(
        "it names nothing that was sent, and nobody vouches for the reporter",
        "non nomina nulla di ciò che è stato inviato, e nessuno garantisce chi segnala",
    ),
}
LABELS = {
    "id": "id", "at": "quando", "controller": "titolare", "from": "da", "to": "a", "subject": "oggetto",
    "message": "messaggio",
}  # fmt: skip


@click.group("replies")
def replies_command() -> None:
    """Look at replies, bounces and complaints that nobody could place. They opened no door."""


@replies_command.command("list")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--json", "as_json", is_flag=True, help="One object a line, with the text.")
@LANG
def list_command(limit: int, as_json: bool) -> None:
    """List them, oldest first. Retention lets them go."""
    rows = with_ledger(lambda ledger: _waiting(ledger, limit))
    if not rows and not as_json:
        click.echo(say("Nothing waits to be looked at.", "Nulla attende di essere guardato."))
    for row in rows:
        told = describe(row)
        if as_json:
            click.echo(orjson.dumps(told).decode())
        else:
            said = f"{told['id']}  {told['at']}  {told['from']}: {plain(told['subject'])[:60]}"
            click.echo(f"{said} ({_why(told['reason'])})")


@replies_command.command("show")
@click.argument("name")
@LANG
def show_command(name: str) -> None:
    """Show one with its text."""
    rows = with_ledger(lambda ledger: ledger.store.rows(_ONE, (name,)))
    if not rows:
        en, it = f"There is no reply {name} to look at.", f"Non c'è nessuna risposta {name} da guardare."
        click.echo(say(en, it), err=True)
        sys.exit(1)
    told = describe(EventRow(*rows[0]))
    for field, label in LABELS.items():
        click.echo(f"{say(field, label):<11}{plain(str(told[field]))}")
    click.echo(f"{say('why', 'perché'):<11}{_why(told['reason'])}\n")
    click.echo("\n".join(plain(line) for line in str(told["text"]).splitlines()))


def _why(reason: str) -> str:
    return REASONS[reason].in_(language()) if reason in REASONS else reason


_ONE = (
    "SELECT id, controller, subject, source, type, at, recorded_at, dedup, data FROM events"
    " WHERE id = ? AND type = 'reply.unmatched'"
)


async def _waiting(ledger: Ledger, limit: int) -> list[EventRow]:
    found: list[EventRow] = []
    while len(found) < limit:
        page = await ledger.store.unmatched(found[-1].id if found else "", min(PAGE, limit - len(found)))
        if not page:
            break
        found += page
    return found


def describe(row: EventRow) -> dict[str, Any]:
    """One of them as plain data."""
    told = orjson.loads(row.data)
    return {
        "id": row.id,
        "at": when(row.at),
        "controller": row.controller,
        "reason": told.get("reason", ""),
        "from": told.get("from", ""),
        "to": ", ".join(told.get("to", ())),
        "subject": told.get("subject", ""),
        "message": told.get("message", ""),
        "text": told.get("text", ""),
    }
