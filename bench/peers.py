"""What is measured: the gateway, Postfix as a relay, a plain forwarder; each hands on to its own sink."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from bench import ledger, postfix
from bench.ledger import Ledger
from bench.sink import Sink, free_port, wait_for_greeting


class Peer(Protocol):
    """Something that takes mail on `port` while `ready()` is entered; `roots` are its processes."""

    name: str
    port: int
    roots: list[int]
    sink: Sink

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Be in the state in which a measurement begins."""

    def close(self) -> None:
        """End whatever still runs."""


class Gateway:
    """`galateo serve`, started afresh for each measurement on a copy of a ledger, since what one run
    accepted would count in the next."""

    def __init__(self, sink: Sink, folder: Path, state: Ledger, *, name: str = "gateway") -> None:
        self.name, self.sink, self.folder, self.state = name, sink, folder / name, state
        self.environment: dict[str, str] = {}
        self.port, self.roots = 0, [0]

    @contextmanager
    def ready(self) -> Iterator[None]:
        shutil.rmtree(self.folder, ignore_errors=True)
        ledger.copy(self.state, self.folder)
        log = self.folder / "stdout.log"
        with log.open("wb") as out, (self.folder / "stderr.log").open("wb") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "serve"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=self.folder,
                env=ledger.settings(self.folder, self.sink.port, self.state.policies) | self.environment,
            )
        try:
            self.port, self.roots = self._listening(process, log), [process.pid]
            yield
        finally:
            _end(process)

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _listening(self, process: subprocess.Popen[bytes], log: Path) -> int:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            for line in log.read_bytes().splitlines():
                if b'"ready"' in line and line.endswith(b"}"):
                    return int(json.loads(line)["smtp"].rpartition(":")[2])
            time.sleep(0.02)
        said = log.read_text() + (self.folder / "stderr.log").read_text()
        raise SystemExit(f"the gateway did not become ready:\n{said[-3000:]}")


class Standing:
    """A peer that keeps no memory of what it relayed, so it starts once and stays up."""

    name: str
    port: int
    roots: list[int]
    sink: Sink

    @contextmanager
    def ready(self) -> Iterator[None]:
        yield


class Postfix(Standing):
    """Debian's Postfix as a relay, with and without the pause that lets its queue drain first."""

    def __init__(self, sink: Sink, folder: Path, *, name: str, in_flow_delay: str) -> None:
        self.name, self.sink, self.port, self.folder = name, sink, free_port(), folder / name
        self.roots = [postfix.start(self.folder, self.port, sink.port, in_flow_delay=in_flow_delay)]
        wait_for_greeting(self.port)

    def close(self) -> None:
        postfix.stop(self.roots[0])
        shutil.rmtree(self.folder, ignore_errors=True)


class Forwarder(Standing):
    """The plain aiosmtpd-to-aiosmtplib forwarder."""

    def __init__(self, sink: Sink, *, name: str = "forwarder") -> None:
        self.name, self.sink, self.port = name, sink, free_port()
        words = [sys.executable, "-m", "bench.forwarder", str(self.port), str(sink.port)]
        self.process = subprocess.Popen(
            words, cwd=ledger.ROOT, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.roots = [self.process.pid]
        wait_for_greeting(self.port)

    def close(self) -> None:
        _end(self.process)


def make(name: str, sink: Sink, folder: Path, state: Ledger) -> Peer:
    """The peer of this name."""
    makers: dict[str, Callable[[], Peer]] = {
        "gateway": lambda: Gateway(sink, folder, state),
        "postfix": lambda: Postfix(sink, folder, name="postfix", in_flow_delay="1s"),
        "postfix-noflow": lambda: Postfix(sink, folder, name="postfix-noflow", in_flow_delay="0"),
        "forwarder": lambda: Forwarder(sink),
    }
    return makers[name]()


NAMES = ("gateway", "postfix", "postfix-noflow", "forwarder")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, 9)
        process.wait()
