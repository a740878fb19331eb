"""`galateo consents`: what people agreed to, in and out."""

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

import click
import orjson

from gateway.app import Parts
from gateway.cli.holds import login, when
from gateway.cli.session import with_parts
from gateway.intake.consent_files import HeaderError, read_csv, read_jsonl
from gateway.intake.consents import ConsentInput
from gateway.store.records import ConsentRow

CHUNK = 2000
PAGE = 1000
EXPORT = (
    "SELECT id, controller, subject, at, recorded_at, action, purpose, channel, grade, basis, source, proof,"
    " lane FROM consent_events WHERE (lane, controller, subject, id) > (?, ?, ?, ?)"
    " ORDER BY lane, controller, subject, id LIMIT ?"
)
ERRORS_SHOWN = 20


@click.group("consents")
def consents_command() -> None:
    """Import, show and export what people agreed to."""


@consents_command.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check every line, write nothing.")
@click.option(
    "--errors", type=click.Path(dir_okay=False, path_type=Path), help="Write one line per refused line."
)
@click.option(
    "--resume", "resume_from", default=0, help="Skip lines up to this number (as told when it stopped)."
)
def import_command(file: Path, dry_run: bool, errors: Path | None, resume_from: int) -> None:
    """Import a CSV (with header) or JSONL file. Exits with 1 when a line was refused.

    Lines that were imported before change nothing, so a file may be imported again.
    """
    with file.open(encoding="utf-8-sig", newline="", errors="replace") as lines:
        report = errors.open("w", encoding="utf-8") if errors else None
        try:
            read = read_jsonl(lines) if file.suffix in (".jsonl", ".ndjson") else read_csv(lines)
            tally = with_parts(lambda parts: _import(parts, read, report, dry_run=dry_run, after=resume_from))
        except HeaderError as error:
            click.echo(f"{file.name}: {error}", err=True)
            sys.exit(1)
        finally:
            if report:
                report.close()
    said = "would be imported" if dry_run else "imported"
    click.echo(
        f"{tally['fine']} lines {said}, {tally['changed']} changed something, {tally['refused']} refused"
    )
    sys.exit(1 if tally["refused"] else 0)


async def _import(
    parts: Parts,
    read: Iterator[tuple[int, ConsentInput | str]],
    report: IO[str] | None,
    *,
    dry_run: bool,
    after: int,
) -> dict[str, int]:
    tally = {"fine": 0, "changed": 0, "refused": 0}
    rows = (entry for entry in read if entry[0] > after)
    last = 0
    while chunk := list(islice(rows, CHUNK)):
        fine = [line for _, line in chunk if isinstance(line, ConsentInput)]
        _refuse([(n, line) for n, line in chunk if isinstance(line, str)], tally, report)
        if fine and not dry_run:
            tally["changed"] += (await parts.consents.record(fine, login())).changed
        tally["fine"] += len(fine)
        last = chunk[-1][0]
        if sys.stderr.isatty() or (tally["fine"] + tally["refused"]) % (CHUNK * 100) == 0:
            click.echo(
                f"\r{last} lines read; go on with --resume {last}", err=True, nl=not sys.stderr.isatty()
            )
    return tally


def _refuse(problems: list[tuple[int, str]], tally: dict[str, int], report: IO[str] | None) -> None:
    for number, problem in problems:
        tally["refused"] += 1
        if report:
            report.write(f"line {number}: {problem}\n")
        elif tally["refused"] <= ERRORS_SHOWN:
            click.echo(f"line {number}: {problem}", err=True)
        elif tally["refused"] == ERRORS_SHOWN + 1:
            click.echo("more lines are refused; --errors FILE lists them all", err=True)


@consents_command.command("show")
@click.option("--controller", required=True)
@click.option("--channel", default="email", show_default=True)
@click.option("--json", "as_json", is_flag=True)
def show_command(controller: str, channel: str, as_json: bool) -> None:
    """Show what the person whose address is read from stdin agreed to, with the proof."""
    address = sys.stdin.readline().strip()
    rows = with_parts(lambda parts: _log_of(parts, controller, channel, address))
    if not rows:
        click.echo("Nothing is recorded for this address.")
        return
    for row in rows:
        if as_json:
            click.echo(orjson.dumps(describe(row)).decode())
        else:
            click.echo(
                f"{when(row.at)}  {row.action:<10} {row.purpose:<12} {row.channel:<9} grade {row.grade}"
            )


@consents_command.command("export")
@click.option("--controller", default="", help="Only of this controller.")
@click.option("--purpose", default="", help="Only for this purpose.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write here, not to stdout.")
def export_command(controller: str, purpose: str, out: Path | None) -> None:
    """Export the consent log as JSONL, every line with its proof.

    People stand in it by their subject key: the database does not hold their addresses.
    """
    file = out.open("w", encoding="utf-8") if out else sys.stdout
    try:
        count = with_parts(lambda parts: _export(parts, file, controller, purpose))
    finally:
        if out:
            file.close()
    click.echo(f"{count} lines exported", err=True)


async def _export(parts: Parts, file: IO[str], controller: str, purpose: str) -> int:
    count = 0
    after: tuple[Any, ...] = (-1, "", b"", "")
    while page := await parts.store.rows(EXPORT, (*after, PAGE)):
        for found in page:
            row = ConsentRow(*found[:12])
            if controller in ("", row.controller) and purpose in ("", row.purpose):
                line = {"subject": row.subject.hex(), **describe(row)}
                file.write(orjson.dumps(line).decode() + "\n")
                count += 1
        last = page[-1]
        after = (last[12], last[1], last[2], last[0])
    return count


async def _log_of(parts: Parts, controller: str, channel: str, address: str) -> list[ConsentRow]:
    return await parts.store.consents((controller, parts.consents.subject(channel, address)))


def describe(row: ConsentRow) -> dict[str, Any]:
    """A line of the consent log as plain data, with its proof and without the address."""
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
        "proof": orjson.loads(row.proof),
    }
