"""`galateo replies`: what came back by mail and could not be matched or believed, for a person to look at."""

import sys
from typing import Any

import click
import orjson

from gateway.app import Ledger
from gateway.cli.holds import when
from gateway.cli.session import plain, with_ledger
from gateway.store.records import EventRow

PAGE = 200
REASONS = {
    "unmatched": "it answers nothing that was sent",
    "untrusted": "no trusted mail server vouches for its author",
    "other_address": "somebody else wrote than was written to",
    "bounce": "it names nothing that was sent",
    "complaint": "it names nothing that was sent, and nobody vouches for the reporter",
}


@click.group("replies")
def replies_command() -> None:
    """Look at replies, bounces and complaints that nobody could place. They opened no door."""


@replies_command.command("list")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--json", "as_json", is_flag=True, help="One object a line, with the text.")
def list_command(limit: int, as_json: bool) -> None:
    """List them, oldest first. Retention lets them go."""
    rows = with_ledger(lambda ledger: _waiting(ledger, limit))
    if not rows and not as_json:
        click.echo("Nothing waits to be looked at.")
    for row in rows:
        told = describe(row)
        if as_json:
            click.echo(orjson.dumps(told).decode())
        else:
            why = REASONS.get(told["reason"], told["reason"])
            click.echo(f"{told['id']}  {told['at']}  {told['from']}: {plain(told['subject'])[:60]} ({why})")


@replies_command.command("show")
@click.argument("name")
def show_command(name: str) -> None:
    """Show one with its text."""
    rows = with_ledger(lambda ledger: ledger.store.rows(_ONE, (name,)))
    if not rows:
        click.echo(f"There is no reply {name} to look at.", err=True)
        sys.exit(1)
    told = describe(EventRow(*rows[0]))
    for field in ("id", "at", "controller", "from", "to", "subject", "message"):
        click.echo(f"{field:<11}{plain(str(told[field]))}")
    click.echo(f"{'why':<11}{REASONS.get(told['reason'], told['reason'])}\n")
    click.echo("\n".join(plain(line) for line in str(told["text"]).splitlines()))


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
