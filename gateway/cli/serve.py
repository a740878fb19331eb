"""`galateo serve`: run until SIGTERM or SIGINT; the first line on stdout says where it listens."""

import asyncio
import gc
import json
import logging
import os
import signal
import sys
from typing import Any

import click
import uvloop

from gateway import logs
from gateway.app.serving import App, build
from gateway.cli.refusals import REFUSALS
from gateway.settings import Settings, load, misspelled
from gateway.workers import Crew, SharedPortLoop, require_postgres

log = logging.getLogger(__name__)

PARENT_SECONDS = 1.0
YOUNG_OBJECTS = 10_000
"""New objects after which the garbage collector looks at them: a few milliseconds, in which all wait."""


@click.command("serve")
@click.option("--workers", type=click.IntRange(1, 256), help="That many processes on the same ports.")
@click.option("--shared-port", is_flag=True, hidden=True)
def serve_command(*, workers: int | None, shared_port: bool) -> None:
    """Run the gateway with the settings of the environment and galateo.toml."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # waits until somebody is there to reload
    for line in misspelled(os.environ):
        click.echo(f"galateo: {line}", err=True)
    try:
        settings = load()
        logs.configure(settings.log_level)
        if workers is not None:
            require_postgres(settings)
            sys.exit(uvloop.run(supervise(settings, workers)))
        if shared_port:  # its sisters use the other cores
            settings = settings.model_copy(update={"read_aside": False})
        uvloop.run(
            run(settings, parent=os.getppid() if shared_port else 0),
            loop_factory=SharedPortLoop if shared_port else uvloop.new_event_loop,
        )
    except REFUSALS as error:
        click.echo(f"galateo: {error}", err=True)
        sys.exit(1)


async def supervise(settings: Settings, workers: int) -> int:
    """Serve with several processes until a signal says stop."""
    command = (sys.executable, "-m", "gateway", "serve", "--shared-port")
    return await Crew(settings, workers, command).run()


async def run(settings: Settings, *, parent: int = 0) -> None:
    """Serve until a signal says stop; as a worker, until its parent is gone."""
    app = await build(settings)
    spare_collector()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    orphaned = asyncio.create_task(stop_with(parent, stop)) if parent else None
    try:
        await app.start()
        loop.add_signal_handler(signal.SIGHUP, lambda: loop.create_task(app.reload_all()))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        announce(app)
        await stop.wait()
    finally:
        if orphaned is not None:
            orphaned.cancel()
        await app.stop()


async def stop_with(parent: int, stop: asyncio.Event) -> None:
    """Stop once the process that started this one is gone: nobody would look after it, pass signals on to it
    or start it again, and it would keep its ports from the next `serve`."""
    while os.getppid() == parent:  # noqa: ASYNC110  # nobody tells
        await asyncio.sleep(PARENT_SECONDS)
    log.error("worker.orphaned", extra={"parent": parent})
    stop.set()


def spare_collector() -> None:
    """Keep the garbage collector off what was built at the start, and let it look at the rest less often.

    Messages leave hardly any cycles behind; looking for them after every 700 new objects took a sixth of
    the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 100, 20)


def announce(app: App) -> None:
    """Say on stdout, in one JSON line, that messages are welcome, and where."""
    ready: dict[str, Any] = {"event": "ready", **app.addresses, "pid": os.getpid()}
    if app.parts.access.development:
        click.echo(
            "galateo: DEVELOPMENT MODE. Anyone on this machine may send without a password; never use it for"
            " real mail.",
            err=True,
        )
    print(json.dumps(ready), flush=True)
