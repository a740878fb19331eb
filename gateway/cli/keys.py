"""`galateo keys`: rotation."""

import asyncio
import sys
from contextlib import nullcontext

import click

from gateway.app.parts import Parts
from gateway.cli.refusals import REFUSALS
from gateway.cli.session import with_parts
from gateway.evidence.backup import BackupError, unserved
from gateway.evidence.checkpoint import public_key
from gateway.evidence.rotation import KeysInUse, adopt, drop_unused, rotate, usage
from gateway.keys import Keys, load_keys, save_keys
from gateway.settings import load


@click.group("keys")
def keys_command() -> None:
    """Rotate keys without losing anyone (docs/keys.md)."""


@keys_command.command("rotate")
@click.option("--pepper", is_flag=True, help="New people are stored under a new pepper.")
@click.option("--tokens", is_flag=True, help="New links are signed with a new key.")
@click.option("--signing", is_flag=True, help="Checkpoints and packs are signed with a new key.")
def rotate_command(pepper: bool, tokens: bool, signing: bool) -> None:
    """Make new keys, all three without an option. Old links open on, old checkpoints verify on, everyone
    is recognized. Stop every gateway first, give all the new file, then start them."""
    if not (pepper or tokens or signing):
        pepper = tokens = signing = True
    try:
        settings = load()
        path, database = settings.keys_file, settings.sqlite_file
        # A gateway that went on with the old file would not see what others store under the new pepper.
        with unserved(database) if database and database.is_file() else nullcontext():
            keys = rotate(load_keys(path), pepper=pepper, tokens=tokens, signing=signing)
            save_keys(path, keys)
    except (BackupError, *REFUSALS) as error:
        click.echo(f"galateo: {error}", err=True)
        sys.exit(1)
    made = [name for name, new in (("pepper", pepper), ("tokens", tokens), ("signing", signing)) if new]
    click.echo(f"{path}: new {', '.join(made)}. Keep a copy of the file; start every gateway with it.")
    if signing:
        click.echo(f"public key: {public_key(keys.signing).hex()}")


@keys_command.command("show")
def show_command() -> None:
    """How many keys there are, and how much is stored under each pepper. No key is printed."""

    async def run(parts: Parts) -> tuple[Keys, list[dict[str, int]]]:
        return parts.keys, await usage(parts.store, parts.keys)

    keys, found = with_parts(run)
    for n, counts in enumerate(found):
        told = ", ".join(f"{count} {table}" for table, count in counts.items())
        click.echo(f"pepper {n + 1}{' (current)' if n == 0 else ''}: {told}")
    click.echo(f"{len(keys.tokens)} token keys, {len(keys.retired)} retired signing keys")
    click.echo(f"public key: {public_key(keys.signing).hex()}")


@keys_command.command("drop")
def drop_command() -> None:
    """Let go of older peppers that nobody is stored under any more. A stop is a person: it keeps its
    pepper."""

    async def run(parts: Parts) -> int:
        before = parts.keys
        after = await drop_unused(parts.store, before)
        if after.fingerprint != before.fingerprint:
            await adopt(parts.store, after)
        await asyncio.to_thread(save_keys, parts.settings.keys_file, after)
        return len(before.peppers) - len(after.peppers)

    try:
        dropped = with_parts(run)
    except KeysInUse as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    click.echo(f"{dropped} dropped.")
