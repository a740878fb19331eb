"""`galateo serve --workers N`: several processes on one set of ports, and who looks after them.

Each worker is a gateway of its own on the shared PostgreSQL; the kernel spreads connections over them
(SO_REUSEPORT). A worker that dies is started again. SIGTERM stops them all gracefully, SIGHUP makes them
read their policies and the access file again.
"""

import asyncio
import json
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop
from prometheus_client import multiprocess

from gateway.settings import Listen, Settings
from gateway.settings.listening import listening

log = logging.getLogger(__name__)

LISTENERS = ("smtp_listen", "smtps_listen", "http_listen", "ops_listen", "reply_listen")
START_SECONDS = 60.0
AGAIN_SECONDS = 1.0
MARGIN_SECONDS = 10.0
"""Beyond the grace period, before a worker that does not stop is killed."""
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


class WorkersError(Exception):
    """The workers cannot start; the text says what to do."""


class SharedPortLoop(uvloop.Loop):
    """An event loop whose servers share their ports with those of other workers."""

    async def create_server(self, *args: Any, **kwargs: Any) -> Any:
        """As ever, with SO_REUSEPORT."""
        kwargs.setdefault("reuse_port", True)
        return await super().create_server(*args, **kwargs)


def require_postgres(settings: Settings) -> None:
    """Raises WorkersError on SQLite, which only one process may serve."""
    if not settings.postgres:
        raise WorkersError(
            "--workers needs PostgreSQL: an SQLite file is served by one process. Set GALATEO_DATABASE to a"
            " postgresql:// URL (see docs/postgresql.md; `galateo copy-database` takes your data along), or"
            " leave --workers out."
        )


class Crew:
    """The workers of one `serve`, and the ports that they share."""

    def __init__(self, settings: Settings, count: int, command: Sequence[str]) -> None:
        self._grace = settings.grace.total_seconds()
        self._count = count
        self._command = tuple(command)
        self._sockets: list[socket.socket] = []
        self._own_folder = METRICS_FOLDER not in os.environ
        self._folder = Path(os.environ.get(METRICS_FOLDER) or tempfile.mkdtemp(prefix="galateo-metrics-"))
        self._environment = {**os.environ, METRICS_FOLDER: str(self._folder)}
        for name in LISTENERS:
            listen = getattr(settings, name)
            if listen is not None:
                self._environment[f"GALATEO_{name.upper()}"] = str(self._reserve(name.upper(), listen))
        self._running: dict[int, asyncio.subprocess.Process] = {}
        self._serving: set[int] = set()
        self._stopping = asyncio.Event()
        self._ready: dict[str, Any] = {}

    def _reserve(self, setting: str, listen: Listen) -> Listen:
        """Keep an address, bound and not listening, so that its port stays ours between two workers."""
        family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
        try:
            with listening(setting, listen):
                with socket.socket(family) as probe:  # shared ports would be shared with strangers too
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind((listen.host, listen.port))
                kept = socket.socket(family)
                kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                kept.bind((listen.host, listen.port))
        except OSError as error:
            raise WorkersError(str(error)) from None
        self._sockets.append(kept)
        return Listen(listen.host, kept.getsockname()[1])

    async def run(self) -> int:
        """Serve until a signal says stop; returns the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        self._folder.mkdir(parents=True, exist_ok=True)
        _forget_gone(self._folder)
        try:
            if not await self._start_all():
                return 0 if self._stopping.is_set() else 1
            ready = {**self._ready, "event": "ready", "pid": os.getpid(), "workers": sorted(self._running)}
            print(json.dumps(ready), flush=True)  # noqa: T201 - what `serve` says when it is ready
            keepers = [asyncio.create_task(self._keep(process)) for process in tuple(self._running.values())]
            for keeper in keepers:
                keeper.add_done_callback(_tell_broken)
            await self._stopping.wait()
            await self._stop_all()
            await asyncio.gather(*keepers, return_exceptions=True)
            return 0
        finally:
            await self._stop_all()
            for kept in self._sockets:
                kept.close()
            if self._own_folder:
                shutil.rmtree(self._folder, ignore_errors=True)

    async def _start_all(self) -> bool:
        started = await asyncio.gather(*(self._start() for _ in range(self._count)))
        return all(process is not None for process in started)

    async def _start(self) -> asyncio.subprocess.Process | None:
        """One worker that is ready; None where it ended before, or could not be started at all."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
                env=self._environment,
            )  # fmt: skip
        except OSError as error:  # no memory, too many processes, or Python itself is being upgraded
            log.error("worker.not_started", extra={"problem": error.strerror or str(error)})
            return None
        self._running[process.pid] = process
        assert process.stdout is not None
        try:
            async with asyncio.timeout(START_SECONDS):
                line = await process.stdout.readline()
            self._ready = json.loads(line)
        except (TimeoutError, ValueError):
            if process.returncode is None:
                process.kill()
            await process.wait()
            self._forget(process.pid)
            return None
        self._serving.add(process.pid)
        return process

    async def _keep(self, process: asyncio.subprocess.Process | None) -> None:
        """Start a worker again whenever it dies."""
        while True:
            if process is not None:
                await self._follow(process)
            if self._stopping.is_set():
                return
            if process is not None:
                log.error("worker.died", extra={"worker": process.pid, "code": process.returncode})
            try:
                async with asyncio.timeout(AGAIN_SECONDS):
                    await self._stopping.wait()
                return
            except TimeoutError:
                process = await self._start()

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        """Pass on what a worker says until it ends."""
        assert process.stdout is not None
        while line := await process.stdout.readline():
            sys.stdout.write(line.decode(errors="replace"))
            sys.stdout.flush()
        await process.wait()
        self._forget(process.pid)

    def _forget(self, pid: int) -> None:
        """Of a worker that ended only what it counted stays, not what it showed."""
        self._running.pop(pid, None)
        self._serving.discard(pid)
        multiprocess.mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call]

    def _reload(self) -> None:
        """Tell who serves; who still starts notices by itself what changes meanwhile."""
        for pid, process in self._running.items():
            if pid in self._serving and process.returncode is None:
                process.send_signal(signal.SIGHUP)

    def _tell(self, number: signal.Signals) -> None:
        for process in self._running.values():
            if process.returncode is None:
                process.send_signal(number)

    async def _stop_all(self) -> None:
        self._stopping.set()
        self._tell(signal.SIGTERM)
        waiting = [asyncio.create_task(process.wait()) for process in tuple(self._running.values())]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=self._grace + MARGIN_SECONDS)
            if late:
                self._tell(signal.SIGKILL)
                await asyncio.wait(late)


def _forget_gone(folder: Path) -> None:
    """In a folder that was named and kept: what workers showed that no longer run."""
    for shown in folder.glob("gauge_live*.db"):
        if not Path("/proc", shown.stem.rpartition("_")[2]).exists():
            shown.unlink(missing_ok=True)


def _tell_broken(keeper: asyncio.Task[None]) -> None:
    """What nobody would look at before the stop."""
    if not keeper.cancelled() and (error := keeper.exception()):
        log.error("worker.unkept", exc_info=error)
