"""What the commands that work on the database share: open it, do one thing, close it, say what failed."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import click

from gateway.app import Parts, open_parts
from gateway.cli.serve import REFUSALS
from gateway.review import AlreadyDecided, HoldGone
from gateway.settings import load

T = TypeVar("T")


def with_parts(action: Callable[[Parts], Awaitable[T]]) -> T:
    """Run an action on the opened database. Exits with 1 and one plain line when it cannot."""
    try:
        return asyncio.run(_run(action))
    except HoldGone as error:
        click.echo(f"There is no hold {error}.", err=True)
    except AlreadyDecided as error:
        click.echo(f"Nothing changed: {error}.", err=True)
    except REFUSALS as error:
        click.echo(f"galateo: {error}", err=True)
    sys.exit(1)


async def _run(action: Callable[[Parts], Awaitable[T]]) -> T:
    settings = load()
    parts = await open_parts(settings, serving=False, chain=f"cli-{int(time.time() * 1000):x}")
    try:
        return await action(replace(parts))
    finally:
        await parts.store.close()
