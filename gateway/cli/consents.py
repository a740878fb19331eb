"""`galateo consents`: what people agreed to, in and out."""

import sys
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

import click
import orjson

from gateway.app.parts import Ledger
from gateway.cli.consent_import import import_command
from gateway.cli.holds import when
from gateway.cli.session import with_ledger
from gateway.cli.tongue import LANG, language, lines_of, say
from gateway.evidence.rights import NoSuchController, known_as
from gateway.private import private
from gateway.store.records import ConsentRow

PAGE = 1000
EXPORT = (
    "SELECT id, controller, subject, at, recorded_at, action, purpose, channel, grade, basis, source, proof,"
    " lane FROM consent_events WHERE (lane, controller, subject, id) > (?, ?, ?, ?)"
    " ORDER BY lane, controller, subject, id LIMIT ?"
)
ACTIONS = {
    "requested": "chiesto", "granted": "dato", "confirmed": "confermato", "withdrawn": "revocato",
    "objected": "opposizione", "expired": "scaduto", "changed": "cambiato",
}  # fmt: skip
LOGGED = "SELECT 1 FROM consent_events WHERE controller = ? LIMIT 1"


@click.group("consents")
def consents_command() -> None:
    """Import, show and export what people agreed to."""


consents_command.add_command(import_command)


@consents_command.command("show")
@click.option("--controller", required=True)
@click.option("--channel", default="email", show_default=True)
@click.option("--json", "as_json", is_flag=True)
@LANG
def show_command(controller: str, channel: str, as_json: bool) -> None:
    """Show what the person whose address is read from stdin agreed to, with the proof."""
    address = sys.stdin.readline().strip()
    rows = with_ledger(lambda ledger: _log_of(ledger, controller, channel, address))
    if not rows:
        click.echo(say("Nothing is recorded for this address.", "Per questo indirizzo non risulta nulla."))
        return
    for row in rows:
        if as_json:
            click.echo(orjson.dumps(describe(row)).decode())
        else:
            action = say(row.action, ACTIONS.get(row.action, row.action))
            grade = f"{say('grade', 'grado')} {row.grade}"
            click.echo(f"{when(row.at)}  {action:<10} {row.purpose:<12} {row.channel:<9} {grade}")


@consents_command.command("export")
@click.option("--controller", default="", help="Only of this controller.")
@click.option("--purpose", default="", help="Only for this purpose.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write here, not to stdout.")
@LANG
def export_command(controller: str, purpose: str, out: Path | None) -> None:
    """Export the consent log as JSONL, every line with its proof.

    People stand in it by their subject key: the database does not hold their addresses.
    """
    if controller:
        with_ledger(lambda ledger: _check(ledger, controller))
    file = open(out, "w", encoding="utf-8", opener=private) if out else sys.stdout  # noqa: SIM115
    try:
        count = with_ledger(lambda ledger: _export(ledger, file, controller, purpose))
    finally:
        if out:
            file.close()
    done = say("exported", "esportata" if count == 1 else "esportate")
    click.echo(f"{lines_of(count)} {done}", err=True)


async def _check(ledger: Ledger, controller: str) -> None:
    """Raises UsageError for a controller that access.yaml does not have and that nothing is logged for."""
    known = ledger.access.controllers
    if controller not in known and not await ledger.store.rows(LOGGED, (controller,)):
        raise click.UsageError(NoSuchController(known).words.in_(language()))


async def _export(ledger: Ledger, file: IO[str], controller: str, purpose: str) -> int:
    count = 0
    after: tuple[Any, ...] = (-1, "", b"", "")
    while page := await ledger.store.rows(EXPORT, (*after, PAGE)):
        for found in page:
            row = ConsentRow(*found[:12])
            if controller in ("", row.controller) and purpose in ("", row.purpose):
                line = {"subject": row.subject.hex(), **describe(row)}
                file.write(orjson.dumps(line).decode() + "\n")
                count += 1
        last = page[-1]
        after = (last[12], last[1], last[2], last[0])
    return count


async def _log_of(ledger: Ledger, controller: str, channel: str, address: str) -> list[ConsentRow]:
    subject = ledger.consents.subject(channel, address)
    try:
        await known_as(ledger.store, subject, controller, ledger.access.controllers)
    except NoSuchController as error:
        raise click.UsageError(error.words.in_(language())) from None
    return await ledger.store.consents((controller, subject))


def describe(row: ConsentRow) -> dict[str, Any]:
    """A line of the consent log as plain data, with its proof and without the address. The wording's hash
    (BLAKE2b, 16 octets) tells whether two people were shown the same words."""
    proof = orjson.loads(row.proof) if row.proof else {}
    if "wording" in proof:
        said = str(proof["wording"]).encode(errors="replace")
        proof.setdefault("wording_hash", blake2b(said, digest_size=16).hexdigest())
    return {
        "id": row.id,
        "controller": row.controller,
        "action": row.action,
        "purpose": row.purpose,
        "channel": row.channel,
        "grade": row.grade,
        "basis": row.basis,
        "at": when(row.at),
        "recorded_at": when(row.recorded_at),
        "source": row.source,
        "proof": proof,
    }
