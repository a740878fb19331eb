"""Watches a folder of policy files: the folder, never the files, since a ConfigMap swaps a link."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from pathlib import Path

from watchfiles import awatch

log = logging.getLogger(__name__)

POLL_SECONDS = 30.0
STEP_MILLISECONDS = 300


def digest_folder(folder: Path) -> bytes:
    """A hash over the names and bytes of all YAML files below a folder, `.yml` too: both are read."""
    digest = blake2b(digest_size=16)
    for file in sorted(folder.rglob("*.y*ml")):
        try:
            digest.update(os.fsencode(file.relative_to(folder)) + b"\0" + file.read_bytes() + b"\0")
        except OSError:
            continue
    return digest.digest()


async def watch_folder(folder: Path, changed: Callable[[], Awaitable[None]], known: bytes) -> None:
    """Call `changed` whenever the YAML files below a folder say something else than they did when their
    digest was `known`, until cancelled. Take it before the files are read: what changes while a gateway
    starts is then noticed too."""
    wake = asyncio.Event()
    wake.set()
    watching = asyncio.create_task(_notice(folder, wake))
    try:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await wake.wait()
            wake.clear()
            try:
                fresh = await asyncio.to_thread(digest_folder, folder)
                if fresh != known:
                    known = fresh
                    await changed()
            except Exception:  # what ends here today would never be looked at again
                log.exception("watch.broken")
    finally:
        watching.cancel()


async def _notice(folder: Path, wake: asyncio.Event) -> None:
    """Where that fails (a name that is not UTF-8, too many watches): look at once, and notice again later."""
    while True:
        try:
            async for _ in awatch(folder, step=STEP_MILLISECONDS, recursive=True, stop_event=None):
                wake.set()
        except Exception as error:  # noqa: BLE001 - the folder is looked at from time to time anyway
            causes = error.exceptions if isinstance(error, ExceptionGroup) else (error,)
            log.warning("watch.interrupted", extra={"problem": "; ".join(map(str, causes))})
            wake.set()
        await asyncio.sleep(POLL_SECONDS)
