"""`galateo holds`: what waits for a decision, and deciding it."""

import getpass
import sys
from datetime import UTC, datetime
from typing import Any

import click
import msgspec
import orjson

from gateway.app import Ledger
from gateway.cli.session import plain, with_ledger, with_parts
from gateway.message.address import without_addresses
from gateway.review import LONGEST_REASON, ReviewResult
from gateway.store.packing import unpack_decision
from gateway.store.protocol import HoldFilter
from gateway.store.records import HoldRow


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
def list_command(as_json: bool, status: str, source: str, campaign: str, code: str, limit: int) -> None:
    """List holds, oldest first."""
    wanted = HoldFilter(status=status, source=source, campaign=campaign, code=code, limit=limit + 1)
    found = with_ledger(lambda ledger: ledger.store.holds(wanted))
    holds = found[:limit]
    if as_json:
        click.echo(orjson.dumps([describe(hold) for hold in holds], option=orjson.OPT_INDENT_2).decode())
    else:
        _print_lines(holds)
    if len(found) > limit:
        click.echo(f"These are the oldest {limit}; there are more (--limit).", err=True)


def _print_lines(holds: list[HoldRow]) -> None:
    """Two lines each, so that an id is never broken, and can be copied."""
    if not holds:
        click.echo("Nothing is held.")
    for hold in holds:
        since = when(hold.created_at)[:16].replace("T", " ")
        told = (hold.id, f"{since} UTC", hold.source, hold.class_, hold.campaign)
        click.echo(plain("  ".join(filter(None, told))))
        click.echo(f"    {hold.codes}; waits for: {hold.condition}")


@holds_command.command("show")
@click.argument("hold_id")
@click.option("--json", "as_json", is_flag=True)
def show_command(hold_id: str, as_json: bool) -> None:
    """Show one hold: why it waits, and what would let it pass."""
    found = with_ledger(lambda ledger: _find(ledger, hold_id))
    if found is None:
        click.echo(f"There is no hold {hold_id}.", err=True)
        sys.exit(1)
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    for name in ("id", "status", "created_at", "expires_at", "source", "class", "campaign", "condition"):
        click.echo(f"{name:>12}  {plain(found[name])}")
    for violation in found["violations"]:
        observed = " (observed only: not why it waits)" if violation["mode"] == "observe" else ""
        click.echo(f"\n{violation['policy']}/{violation['code']}{observed}")
        click.echo(f"  {plain(violation['reason'][0])}")
        for text, *_ in violation["evidence"]:
            click.echo(f'  "{plain(text)}"')
        if violation["remedy"][0]:
            click.echo(f"  To pass: {plain(violation['remedy'][0])}")


async def _find(ledger: Ledger, hold_id: str) -> dict[str, Any] | None:
    hold = await ledger.store.hold(hold_id)
    if hold is None:
        return None
    rows = [d for d in await ledger.store.decisions(hold.message_id) if d.n == hold.n]
    decision = unpack_decision(
        rows[-1].violations, rows[-1].outcome, rows[-1].class_, rows[-1].policy_version
    )
    violations = msgspec.to_builtins(decision.violations)
    return {**describe(hold), "policy_version": decision.policy_version, "violations": violations}


def _why(_: click.Context, parameter: click.Parameter, reason: str) -> str:
    if not without_addresses(reason) or len(reason) > LONGEST_REASON:
        told = f"say why, in 1 to {LONGEST_REASON} characters and not by an address alone."
        raise click.BadParameter(told, param=parameter)
    return reason


@holds_command.command("release")
@click.argument("hold_id")
@click.option("--reason", required=True, callback=_why, help="Why it may go; kept in the audit log.")
@click.option("--as", "actor", default="", help="Who decides; your login name without it.")
def release_command(hold_id: str, reason: str, actor: str) -> None:
    """Send a held message, if today's policies let it."""
    result = with_parts(lambda parts: parts.review.release(hold_id, actor or login(), reason))
    _tell(result)


@holds_command.command("reject")
@click.argument("hold_id")
@click.option("--reason", required=True, callback=_why, help="Why it may not go; kept in the audit log.")
@click.option("--as", "actor", default="", help="Who decides; your login name without it.")
def reject_command(hold_id: str, reason: str, actor: str) -> None:
    """Never send a held message."""
    _tell(with_parts(lambda parts: parts.review.reject(hold_id, actor or login(), reason)))


def _tell(result: ReviewResult) -> None:
    if result.status == "open" and result.decision is not None:
        click.echo(f"{result.hold_id} is not released: the policies now refuse it.")
        for violation in result.decision.enforced:
            click.echo(f"  {violation.policy}/{violation.code}: {plain(violation.reason.en)}")
        sys.exit(1)
    click.echo(f"{result.hold_id} {result.status}")


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
