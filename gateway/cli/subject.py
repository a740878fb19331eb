"""`galateo subject`: what a person may ask for about themselves."""

import os
import sys
import time
from pathlib import Path
from typing import Any

import click
import orjson

from gateway.app.parts import Parts
from gateway.app.rights import make_rights
from gateway.cli.holds import login
from gateway.cli.session import with_parts
from gateway.cli.tongue import LANG, language, say, told
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
COUNTED = {
    "consents": "consensi", "events": "eventi", "decisions": "decisioni", "holds": "trattenuti",
    "messages": "messaggi", "bodies": "testi", "waiting": "in attesa di invio", "attempts": "tentativi",
}  # fmt: skip
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
        en = f"This is no address of the channel {channel}."
        raise click.UsageError(say(en, f"Questo non è un indirizzo del canale {channel}."))
    return address


async def _refs(
    parts: Parts, channel: str, address: str, controller: str, *, everywhere: bool = False
) -> list[Ref]:
    """Who an address is; `everywhere`, where nobody knows it: under every controller."""
    rights = make_rights(parts)
    try:
        return await (rights.everywhere if everywhere else rights.find)(channel, address, controller)
    except NoSuchController as error:
        raise click.UsageError(error.words.in_(language())) from None


@subject_command.command("export")
@_ADDRESS
@_CHANNEL
@_CONTROLLER
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), help="Write data.json and"
              " data.html there; without it, JSON goes to stdout.")  # fmt: skip
@LANG
def export_command(address: str, channel: str, controller: str, folder: Path | None) -> None:
    """Everything stored about a person (GDPR 15 and 20)."""
    address = _read(channel, address)

    async def run(parts: Parts) -> dict[str, Any]:
        refs = await _refs(parts, channel, address, controller)
        found = await export(parts.store, refs, channel, address, time.time(), parts.keys)
        await note(parts.store, "subject.exported", login(), os.urandom(10), {"subjects": len(refs)})
        return found

    found = with_parts(run)
    data = orjson.dumps(found, option=orjson.OPT_INDENT_2)
    if folder is None:
        click.echo(data.decode())
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(folder / "data.json", data)
    write_private(folder / "data.html", as_html(found).encode())
    en = f"{folder}/data.json and data.html: hand them over safely, and delete them here."
    it = f"{folder}/data.json e data.html: consegnarli in modo sicuro, e cancellarli da qui."
    click.echo(say(en, it))


@subject_command.command("erase")
@_ADDRESS
@_CHANNEL
@_CONTROLLER
@click.option("--dry-run", is_flag=True, help="Only list what would go.")
@click.option("--yes", is_flag=True, help="Do not ask again.")
@LANG
def erase_command(address: str, channel: str, controller: str, dry_run: bool, yes: bool) -> None:
    """Erase a person (GDPR 17). A keyed hash stays, so that nobody writes to them again.

    Interrupted, it goes on when it is asked again.
    """
    asked = address == "-"
    address = _read(channel, address)
    found = with_parts(lambda parts: _list(parts, channel, address, controller))
    for name, counts in found:
        listed = ", ".join(f"{count} {say(what, COUNTED[what])}" for what, count in counts.items() if count)
        click.echo(f"{name}: {listed or say('nothing more', 'nulla di più')}")
    if dry_run:
        en = "Nothing was changed. All this would go; a keyed hash would stay to stop new messages."
        it = (
            "Nulla è cambiato. Verrebbe cancellato tutto questo; resterebbe un segno cifrato, perché nessuno"
            " scriva più."
        )
        click.echo(say(en, it))
        return
    if not yes and not asked:
        en = "Erase all this? It cannot be brought back"
        click.confirm(say(en, "Cancellare tutto questo? Non si può più recuperare"), abort=True)
    with_parts(lambda parts: _erase(parts, channel, address, controller))
    file = load().sqlite_file
    if file is None:
        rest = "PostgreSQL keeps old row versions until VACUUM FULL, and its WAL for a while"
        resto = "PostgreSQL tiene le vecchie versioni fino a VACUUM FULL, e il WAL per qualche tempo"
        click.echo(say(f"Erased. {rest}: docs/privacy.md.", f"Cancellato. {resto}: docs/privacy.md."))
        return
    try:
        alone = shred(file)
    except BackupError as error:
        click.echo(say(f"Erased, but {error}", f"Cancellato, ma {told(error)}"), err=True)
        sys.exit(1)
    if alone:
        en = "Erased, and the files hold no trace."
        click.echo(say(en, "Cancellato, e nei file non ne resta traccia."))
        return
    rest = (
        "the write-ahead log was emptied, but while a gateway serves the database's file is not written anew"
    )
    resto = (
        "il write-ahead log è stato svuotato, ma mentre un gateway è in funzione il file del database non si"
        " riscrive"
    )
    click.echo(say(f"Erased; {rest} (docs/privacy.md).", f"Cancellato; {resto} (docs/privacy.md)."))


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
@LANG
def restrict_command(address: str, channel: str, controller: str, lift: bool) -> None:
    """Keep a person's data, and use it no more (GDPR 18)."""
    address = _read(channel, address)

    async def run(parts: Parts) -> int:
        refs = await _refs(parts, channel, address, controller, everywhere=not lift)
        return await restrict(parts.store, refs, login(), os.urandom(10), lift=lift)

    changed = with_parts(run)
    if lift:
        none = say("There is no restriction to lift.", "Non c'è nessuna limitazione da togliere.")
        click.echo(say("Lifted.", "Limitazione tolta.") if changed else none)
    elif changed:
        click.echo(say("Restricted: nobody writes.", "Uso limitato: nessuno scrive."))
    else:
        click.echo(say("Restricted already: nobody writes.", "Uso già limitato: nessuno scrive."))
