"""The end of the line: Postfix's smtp-sink, which discards and counts."""

import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Self


class Sink:
    """smtp-sink on a port of its own; `count()` tells how many messages it took."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.log = folder / f"sink-{self.port}"
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                ["smtp-sink", *user, "-c", "-m", "2000", f"127.0.0.1:{self.port}", "2048"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        self.reader = self.log.open("rb")
        wait_for_greeting(self.port)

    def count(self) -> int:
        """The last whole "mesg=N" that it wrote."""
        end = self.reader.seek(0, os.SEEK_END)
        self.reader.seek(max(0, end - 200))
        for piece in reversed(self.reader.read().split(b"mesg=")[1:]):
            number, whole, _ = piece.partition(b"\r")
            if whole:
                return int(number)
        return 0

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait()
        self.reader.close()
        self.log.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago, for servers that cannot pick their own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_greeting(port: int, timeout: float = 30.0) -> None:
    """Until an SMTP server greets there."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as connection:
                connection.settimeout(5)
                if connection.recv(3) == b"220":
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise SystemExit(f"nothing answers on port {port}")
