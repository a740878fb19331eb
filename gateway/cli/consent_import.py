"""`galateo consents import`: a file of consents, however long, told line by line."""

import asyncio
import gc
import sys
import time
from collections.abc import Iterator
from hashlib import blake2b
from io import SEEK_END, TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import IO, Any

import click

from gateway.app.parts import Ledger
from gateway.cli.holds import login
from gateway.cli.session import with_ledger
from gateway.cli.tongue import LANG, lines_of, say, told
from gateway.intake.consent_files import HeaderError, Read, bounded, read_csv, read_jsonl
from gateway.intake.consents import ConsentInput, Statement

CHUNK = 4000
"""Lines in one transaction: few enough that a gateway that serves meanwhile waits a moment only."""
SHARED_CHUNK = 1000
"""The same where every person is locked: a server has a few thousand locks for everyone."""
ERRORS_SHOWN = 20
HEAD = 65_536
TELL_SECONDS = 10.0
"""How often it says how far it came, where nobody watches a terminal."""
WHERE_IT_STOPPED = -1
DAY = 86400.0

MARK = "INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
UNMARK = "DELETE FROM settings WHERE name = ?"
MARKED = "SELECT value FROM settings WHERE name = ?"

Chunk = list[tuple[int, ConsentInput | str]]


class _Resume(click.ParamType[int]):
    """A line number; alone, where an import of this file stopped."""

    name = "line"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number of the last line that is done."""
        if isinstance(value, int):
            return value
        if not str(value).isdecimal():
            en = "write the file first, then --resume, with or without a line number"
            it = "scrivere prima il file, poi --resume, con o senza un numero di riga"
            self.fail(say(en, it), param, ctx)
        return int(value)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check every line, write nothing.")
@click.option(
    "--errors", type=click.Path(dir_okay=False, path_type=Path), help="Write one line per refused line."
)
@click.option(
    "--resume", "after", is_flag=False, flag_value=WHERE_IT_STOPPED, default=0, type=_Resume(),
    help="Go on where an import of this file stopped, or after the line of that number.",
)  # fmt: skip
@LANG
def import_command(file: Path, dry_run: bool, errors: Path | None, after: int) -> None:
    """Import a CSV (with header) or JSONL file. Exits with 1 when a line was refused.

    Lines that were imported before change nothing, so a file may be imported again.
    """
    try:
        tally = with_ledger(lambda ledger: _import_file(ledger, file, errors, dry_run=dry_run, after=after))
    except HeaderError as error:
        click.echo(f"{file.name}: {told(error)}", err=True)
        sys.exit(1)
    if not (tally.fine or tally.refused or after):
        none = say("there is no line to import", "non c'è nessuna riga da importare")
        click.echo(f"{file.name}: {none}", err=True)
    click.echo(_summary(tally.fine, tally.changed, tally.refused, dry_run=dry_run))
    sys.exit(1 if tally.refused else 0)


def _summary(fine: int, changed: int, refused: int, *, dry_run: bool) -> str:
    done = "would be imported" if dry_run else "imported"
    end = "a" if fine == 1 else "e"
    fatto = ("verrebbe importata" if fine == 1 else "verrebbero importate") if dry_run else f"importat{end}"
    return say(
        f"{lines_of(fine)} {done}, {changed} changed something, {refused} refused",
        f"{lines_of(fine)} {fatto}; con un effetto: {changed}; respinte: {refused}",
    )


class Tally:
    """What became of the lines."""

    fine = changed = refused = 0


async def _import_file(
    ledger: Ledger, file: Path, errors: Path | None, *, dry_run: bool, after: int
) -> Tally:
    # Nothing built at the start goes away, and lines leave no cycles behind.
    gc.freeze()
    gc.set_threshold(50_000)
    size, mark = _mark_of(file)
    if after == WHERE_IT_STOPPED:
        found = await ledger.store.rows(MARKED, (mark,))
        after = int(found[0][0]) if found else 0
        click.echo(_resumed(after), err=True)
    with file.open("rb") as octets:
        lines = TextIOWrapper(octets, encoding="utf-8-sig", errors="replace", newline="")
        read = read_jsonl if file.suffix.lower() in (".jsonl", ".ndjson") else read_csv
        rows = read(bounded(lines.readline), after, time.time() + DAY)
        report = _open_report(errors, after) if errors else None
        try:
            progress = Progress(octets, size)
            return await _import(ledger, rows, report, progress, "" if dry_run else mark)
        finally:
            if report:
                report.close()


def _resumed(after: int) -> str:
    if after:
        return say(f"going on after line {after}", f"si riprende dopo la riga {after}")
    return say("no import of this file stopped", "nessuna importazione di questo file si era fermata")


def _mark_of(file: Path) -> tuple[int, str]:
    """Its size, and the name under which the database keeps how far an import of this very file came."""
    with file.open("rb") as octets:
        head, size = octets.read(HEAD), octets.seek(0, SEEK_END)
    return size, f"import:{blake2b(head + str(size).encode(), digest_size=12).hexdigest()}"


async def _import(
    ledger: Ledger, rows: Read, report: IO[str] | None, progress: "Progress", mark: str
) -> Tally:
    """Check chunks and record them; the next one is read while the disk takes the last."""
    tally, known = Tally(), ledger.access.controllers
    size = SHARED_CHUNK if ledger.shared else CHUNK
    reading = asyncio.create_task(asyncio.to_thread(_take, rows, size))
    while chunk := await reading:
        reading = asyncio.create_task(asyncio.to_thread(_take, rows, size))
        checked = [(n, _of_known(line, known)) for n, line in chunk]
        fine = [line for _, line in checked if isinstance(line, ConsentInput)]
        _refuse([(n, line) for n, line in checked if isinstance(line, str)], tally, report)
        last = chunk[-1][0]
        if mark:
            also: list[Statement] = [(MARK, (mark, str(last)))]
            tally.changed += (await ledger.consents.record(fine, login(), also)).changed
        tally.fine += len(fine)
        progress.tell(last)
    progress.end()
    if mark:
        await ledger.consents.record([], login(), [(UNMARK, (mark,))])
    return tally


def _take(rows: Iterator[tuple[int, ConsentInput | str]], size: int) -> Chunk:
    return list(islice(rows, size))


def _of_known(line: ConsentInput | str, known: Any) -> ConsentInput | str:
    """What is said in the name of a controller that nobody knows would help no one."""
    if isinstance(line, str) or not known or line.controller in known:
        return line
    return f"there is no controller {line.controller[:64]!r} in access.yaml"


def _refuse(problems: list[tuple[int, str]], tally: Tally, report: IO[str] | None) -> None:
    for number, problem in problems:
        tally.refused += 1
        if report:
            report.write(f"line {number}: {problem}\n")
        elif tally.refused <= ERRORS_SHOWN:
            click.echo(f"{say('line', 'riga')} {number}: {told(problem)}", err=True)
        elif tally.refused == ERRORS_SHOWN + 1:
            en = "more lines are refused; --errors FILE lists them all"
            click.echo(say(en, "altre righe sono respinte; --errors FILE le elenca tutte"), err=True)
    if report:
        report.flush()


def _open_report(path: Path, after: int) -> IO[str]:
    """The report of refused lines; when an import goes on, without what it will say again."""
    if not after or not path.exists():
        return path.open("w", encoding="utf-8")
    report = path.open("r+", encoding="utf-8", errors="replace")
    end = 0
    while line := report.readline():
        number = line.removeprefix("line ").partition(":")[0]
        if not (number.isdecimal() and int(number) <= after and line.endswith("\n")):
            break
        end = report.tell()
    report.seek(end)
    report.truncate()
    return report


class Progress:
    """Says how far it came: on one line of a terminal, else now and then on a line of its own."""

    def __init__(self, octets: IO[bytes], size: int) -> None:
        self._octets = octets
        self._size = size
        self._began = self._told = time.monotonic()
        self._watched = sys.stderr.isatty()

    def tell(self, line: int) -> None:
        """So many lines are done, and durable."""
        now = time.monotonic()
        if not self._watched and now - self._told < TELL_SECONDS:
            return
        self._told = now
        share = min(100, round(100 * self._octets.tell() / max(1, self._size)))
        left = (now - self._began) * (100 - share) / max(1, share)
        said = say(
            f"{lines_of(line)} read, {share}%, about {left:.0f} s left; if it stops, go on with --resume",
            f"{lines_of(line)} {'letta' if line == 1 else 'lette'}, {share}%, circa {left:.0f} s ancora;"
            " se si ferma, usare --resume",
        )
        click.echo(f"\r{said}   " if self._watched else said, err=True, nl=not self._watched)

    def end(self) -> None:
        """Nothing more is told."""
        if self._watched:
            click.echo("", err=True)
