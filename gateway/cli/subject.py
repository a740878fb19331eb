"""`galateo subject`: what a person may ask for about themselves."""

import os
import sys
import time
from pathlib import Path
from typing import Any

import click
import orjson

from gateway.app import Parts, make_rights
from gateway.cli.holds import login
from gateway.cli.session import with_parts
from gateway.evidence.backup import BackupError, shred
from gateway.evidence.erase import erase
from gateway.evidence.rights import NoSuchController
from gateway.evidence.subjects import as_html, export, note, restrict
from gateway.evidence.traces import traces_of
from gateway.message.address import is_valid
from gateway.message.envelope import CHANNELS
from gateway.private import write_private
from gateway.settings import load
from gateway.store.records import Ref

_ADDRESS = click.argument("address", required=False, default="-")
_CHANNEL = click.option("--channel", type=click.Choice(sorted(CHANNELS)), default="email", show_default=True)
_CONTROLLER = click.option("--controller", default="", help="Only this controller; all without it.")


@click.group("subject")
def subject_command() -> None:
    """Give a person a copy of their data, erase it, or restrict its use.

    ADDRESS may be left out or `-`: then it is read from stdin, so that it stands in no shell history.
    """


def _read(channel: str, address: str) -> str:
    if address == "-":
        address = sys.stdin.readline().strip()
    if not is_valid(channel, address):
        raise click.UsageError(f"This is no address of the channel {channel}.")
    return address


async def _refs(
    parts: Parts, channel: str, address: str, controller: str, *, everywhere: bool = False
) -> list[Ref]:
    """Who an address is; `everywhere`, where nobody knows it: under every controller."""
    rights = make_rights(parts)
    try:
        return await (rights.everywhere if everywhere else rights.find)(channel, address, controller)
    except NoSuchController as error:
        raise click.UsageError(str(error)) from None


@subject_command.command("export")
@_ADDRESS
@_CHANNEL
@_CONTROLLER
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), help="Write data.json and"
              " data.html there; without it, JSON goes to stdout.")  # fmt: skip
def export_command(address: str, channel: str, controller: str, folder: Path | None) -> None:
    """Everything stored about a person (GDPR 15 and 20)."""
    address = _read(channel, address)

    async def run(parts: Parts) -> dict[str, Any]:
        refs = await _refs(parts, channel, address, controller)
        told = await export(parts.store, refs, channel, address, time.time(), parts.keys)
        await note(parts.store, "subject.exported", login(), os.urandom(10), {"subjects": len(refs)})
        return told

    told = with_parts(run)
    data = orjson.dumps(told, option=orjson.OPT_INDENT_2)
    if folder is None:
        click.echo(data.decode())
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(folder / "data.json", data)
    write_private(folder / "data.html", as_html(told).encode())
    click.echo(f"{folder}/data.json and data.html: hand them over safely, and delete them here.")


@subject_command.command("erase")
@_ADDRESS
@_CHANNEL
@_CONTROLLER
@click.option("--dry-run", is_flag=True, help="Only list what would go.")
@click.option("--yes", is_flag=True, help="Do not ask again.")
def erase_command(address: str, channel: str, controller: str, dry_run: bool, yes: bool) -> None:
    """Erase a person (GDPR 17). A keyed hash stays, so that nobody writes to them again.

    Interrupted, it goes on when it is asked again.
    """
    asked = address == "-"
    address = _read(channel, address)
    found = with_parts(lambda parts: _list(parts, channel, address, controller))
    for name, counts in found:
        told = ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "nothing more"
        click.echo(f"{name}: {told}")
    if dry_run:
        click.echo("Nothing was changed. All this would go; a keyed hash would stay to stop new messages.")
        return
    if not yes and not asked:
        click.confirm("Erase all this? It cannot be brought back", abort=True)
    with_parts(lambda parts: _erase(parts, channel, address, controller))
    file = load().sqlite_file
    if file is None:
        click.echo(
            "Erased. PostgreSQL keeps old row versions until VACUUM FULL, and its WAL for a while:"
            " docs/privacy.md."
        )
        return
    try:
        alone = shred(file)
    except BackupError as error:
        click.echo(f"Erased, but {error}", err=True)
        sys.exit(1)
    rest = (
        "the write-ahead log was emptied, but while a gateway serves the database's file is not written anew"
    )
    click.echo("Erased, and the files hold no trace." if alone else f"Erased; {rest} (docs/privacy.md).")


async def _list(
    parts: Parts, channel: str, address: str, controller: str
) -> list[tuple[str, dict[str, int]]]:
    refs = await _refs(parts, channel, address, controller)
    return [(ref[0], (await traces_of(parts.store, ref)).counts) for ref in refs]


async def _erase(parts: Parts, channel: str, address: str, controller: str) -> None:
    refs = await _refs(parts, channel, address, controller, everywhere=True)
    async for _ in erase(parts.store, refs, login(), time.time(), parts.keys):
        pass


@subject_command.command("restrict")
@_ADDRESS
@_CHANNEL
@_CONTROLLER
@click.option("--lift", is_flag=True, help="End the restriction.")
def restrict_command(address: str, channel: str, controller: str, lift: bool) -> None:
    """Keep a person's data, and use it no more (GDPR 18)."""
    address = _read(channel, address)

    async def run(parts: Parts) -> int:
        refs = await _refs(parts, channel, address, controller, everywhere=not lift)
        return await restrict(parts.store, refs, login(), os.urandom(10), lift=lift)

    changed = with_parts(run)
    if lift:
        click.echo("Lifted." if changed else "There is no restriction to lift.")
    else:
        click.echo("Restricted: nobody writes." if changed else "Restricted already: nobody writes.")
