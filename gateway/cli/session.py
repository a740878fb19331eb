"""What the commands that work on the database share: open it, do one thing, close it, say what failed."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import NoReturn, TypeVar

import click

from gateway.app.parts import Ledger, Parts, open_ledger, open_parts
from gateway.cli.refusals import REFUSALS
from gateway.cli.tongue import say, told
from gateway.review import AlreadyDecided, HoldGone, OwnMessage
from gateway.settings import load

T = TypeVar("T")


def with_parts(action: Callable[[Parts], Awaitable[T]]) -> T:
    """Run an action on the opened database. Exits with 1 and one plain line when it cannot."""
    return _told(lambda: asyncio.run(_run_parts(action)))


def with_ledger(action: Callable[[Ledger], Awaitable[T]]) -> T:
    """The same for what needs the consent log alone, and no policies."""
    return _told(lambda: asyncio.run(_run_ledger(action)))


def _told(run: Callable[[], T]) -> T:
    try:
        return run()
    except HoldGone as error:
        en, it = f"There is no hold {error}.", f"Non c'è nessun messaggio trattenuto {error}."
        click.echo(say(en, it), err=True)
    except (AlreadyDecided, OwnMessage) as error:
        click.echo(f"{say('Nothing changed', 'Nulla è cambiato')}: {told(error)}.", err=True)
    except REFUSALS as error:
        refuse(error)
    sys.exit(1)


def refuse(error: Exception) -> NoReturn:
    """Exit with 1 and one plain line."""
    click.echo(f"galateo: {told(error)}", err=True)
    sys.exit(1)


async def _run_parts(action: Callable[[Parts], Awaitable[T]]) -> T:
    parts = await open_parts(load(), serving=False, chain=_chain())
    try:
        return await action(replace(parts))
    finally:
        await parts.store.close()


async def _run_ledger(action: Callable[[Ledger], Awaitable[T]]) -> T:
    ledger = await open_ledger(load(), chain=_chain())
    try:
        return await action(ledger)
    finally:
        await ledger.store.close()


def _chain() -> str:
    """An audit chain of this command's own."""
    return f"cli-{int(time.time() * 1000):x}"


def plain(text: str) -> str:
    """The text without what would move the cursor of a terminal: strangers wrote it."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
