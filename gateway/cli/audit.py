"""`galateo audit`: is the log whole, and what proves it."""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path

import click
import orjson

from gateway.app.parts import Parts
from gateway.app.rights import origin_of
from gateway.cli.moments import bar
from gateway.cli.processes import side_by_side
from gateway.cli.refusals import REFUSALS
from gateway.cli.session import refuse, with_parts
from gateway.cli.tongue import LANG, say, told
from gateway.evidence.checkpoint import (
    BadCheckpoint,
    Checkpoint,
    append_checkpoint,
    public_key,
    read_checkpoints,
    take_checkpoint,
)
from gateway.evidence.entries import Rows, heads
from gateway.evidence.pack import BadPack, NothingToPack, make_pack, verify_pack
from gateway.evidence.stretch import State, prepare
from gateway.evidence.verify import Verification
from gateway.keys import Keys, load_keys
from gateway.private import write_private
from gateway.settings import Settings, load

SHOWN = 20
ALONE = 40_000
"""Entries that one process checks before others would have started."""


@click.group("audit")
def audit_command() -> None:
    """Verify the audit log, keep checkpoints of it, and make evidence packs."""


@audit_command.command("verify")
@click.option(
    "--checkpoints",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Checkpoints that were kept elsewhere; by default those beside the database.",
)
@click.option(
    "--state",
    "state_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Remember here how far it came, and go on from there.",
)
@click.option("--processes", default=0, help="How many work side by side; all processors without it.")
@click.option("--json", "as_json", is_flag=True)
@LANG
def verify_command(checkpoints: Path | None, state_file: Path | None, processes: int, as_json: bool) -> None:
    """Check every entry, and every row that one speaks of. Exits with 1 at the first that is not as it was
    written, after naming all of them."""
    try:
        settings = load()
        keys = load_keys(settings.keys_file)
        known = _read_checkpoints(checkpoints or settings.checkpoints, keys, asked=checkpoints)
        before = _read_state(state_file)
        with bar("verifying") as progress:
            state = _verify(settings, known, before, state_file, processes, progress)
    except (*REFUSALS, BadCheckpoint, ValueError) as error:
        refuse(error)
    _tell(state, known, as_json=as_json)
    if state_file is not None and not state.breaks:
        click.echo(
            say("The next run goes on from here:", "La prossima volta si riprende da qui:"),
            nl=False,
            err=True,
        )
        click.echo(f" {state_file}", err=True)
    sys.exit(1 if state.breaks else 0)


def _tell(state: State, known: Sequence[Checkpoint], *, as_json: bool) -> None:
    if as_json:
        found = {
            "entries": state.entries,
            "checkpoints": len(known),
            "fine": not state.breaks,
            "breaks": [
                {"chain": b.chain, "entry": b.seq, "reference": b.reference, "problem": b.problem}
                for b in state.breaks
            ],
        }
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    for one in state.breaks[:SHOWN]:
        click.echo(told(one))
    if len(state.breaks) > SHOWN:
        more = len(state.breaks) - SHOWN
        click.echo(say(f"and {more} more", f"e altre {more}"))
    click.echo(_summary(state.entries, len(state.breaks), len(known)))
    if not known and not state.breaks:
        click.echo(
            say(
                "Without a checkpoint that was kept elsewhere an end that was cut off does not show.",
                "Senza un checkpoint conservato altrove una fine tagliata non si vede.",
            )
        )


def _summary(entries: int, wrong: int, known: int) -> str:
    if not wrong:
        en = f"{entries} entries checked against {known} checkpoints: all is well."
        return say(en, f"Voci controllate: {entries}, con {known} checkpoint: tutto bene.")
    en = "1 is not as it was" if wrong == 1 else f"{wrong} are not as they were"
    it = "1 non è come fu scritta" if wrong == 1 else f"{wrong} non sono come furono scritte"
    return say(f"{entries} entries checked, {en} written.", f"Voci controllate: {entries}; {it}.")


def _verify(
    settings: Settings,
    known: Sequence[Checkpoint],
    before: State,
    state_file: Path | None,
    processes: int,
    progress: Callable[[int, int], None],
) -> State:
    def keep(state: State) -> None:
        if state_file is not None:
            fresh = state_file.with_name(state_file.name + ".new")
            fresh.write_bytes(state.pack())
            fresh.replace(state_file)

    async def run(rows: Rows, pool: Executor | None) -> State:
        work = Verification(rows, state=before, checkpoints=known, progress=progress, keep=keep, pool=pool)
        return await work.run()

    if settings.sqlite_file is not None and not settings.sqlite_file.exists():
        raise OSError(f"there is no database at {settings.sqlite_file}")
    origin = origin_of(settings)
    with asyncio.Runner() as runner:
        rows = origin.open()
        try:
            length = sum(seq for seq, _ in runner.run(heads(rows)).values())
            count = (processes or os.cpu_count() or 1) if length > ALONE else processes
            with side_by_side(count, prepare, origin) as pool:
                return runner.run(run(rows, pool))
        finally:
            runner.run(rows.close())


def _read_checkpoints(path: Path, keys: Keys, *, asked: Path | None) -> list[Checkpoint]:
    if asked is None and not path.exists():
        return []
    return read_checkpoints(path.read_bytes(), [public_key(keys.signing), *keys.retired])


def _read_state(path: Path | None) -> State:
    if path is None or not path.exists():
        return State()
    state = State.unpack(path.read_bytes())
    if state.breaks:
        return State()
    return state


@audit_command.command("checkpoint")
@click.option("--to", "target", type=click.Path(dir_okay=False, path_type=Path), help="Add it to this file.")
@LANG
def checkpoint_command(target: Path | None) -> None:
    """Sign where the chains stand now. Keep it on another machine: an end that is cut off shows by it."""
    line = with_parts(lambda parts: take_checkpoint(parts.store, parts.keys, time.time()))
    if target is None:
        click.echo(line.decode(), nl=False)
    else:
        append_checkpoint(target, line)


@audit_command.command("export")
@click.option("--message", "message_id", required=True, help="The message's id.")
@click.option(
    "--to", "target", type=click.Path(dir_okay=False, path_type=Path), help="The file; <id>.zip without it."
)
@LANG
def export_command(message_id: str, target: Path | None) -> None:
    """Make an evidence pack of one message: everything that shows how it was decided, and the proof."""
    path = target or Path(f"{message_id}.zip")
    if path.exists():
        raise click.UsageError(say(f"{path} exists already.", f"{path} esiste già."))

    async def make(parts: Parts) -> bytes:
        return await make_pack(parts.store, parts.keys, message_id, time.time())

    try:
        data = with_parts(make)
    except NothingToPack as error:
        refuse(error)
    write_private(path, data)
    how = say("check it anywhere with", "si verifica ovunque con")
    click.echo(f"{path}: {how} `galateo audit verify-pack {path}`")


@audit_command.command("verify-pack")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", "trusted", default="", help="The gateway's public key in hex, as it published it.")
@LANG
def verify_pack_command(file: Path, trusted: str) -> None:
    """Check an evidence pack; needs neither a database nor keys."""
    try:
        checked = verify_pack(file.read_bytes(), bytes.fromhex(trusted) if trusted else None)
    except BadPack as error:
        wrong = say("is not as it was made", "non è come fu creato")
        click.echo(f"{file.name} {wrong}: {told(error)}", err=True)
        sys.exit(1)
    except ValueError:
        raise click.UsageError(say("--key is 64 hex digits", "--key ha 64 cifre esadecimali")) from None
    for line in checked.lines:
        click.echo(told(line))


@audit_command.command("key")
@LANG
def key_command() -> None:
    """Print the public key that checkpoints and packs are signed with, to publish it."""
    try:
        keys = load_keys(load().keys_file)
    except REFUSALS as error:
        refuse(error)
    click.echo(public_key(keys.signing).hex())
