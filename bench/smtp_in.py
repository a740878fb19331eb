"""What SMTP ingress alone costs: smtp-source against the gateway's session class and against stock aiosmtpd.

    python -m bench.smtp_in [--messages 6000] [--sessions 20] [--tools DIR] [--json FILE]

No policy, no store: every message is answered at once. `whole` builds the Message (parsing included),
`lines` leaves that out. Stock runs on the same loop, uvloop, and once more with its line limit raised, as
anyone would who sends real mail through it. CPU is user and system time of the server process, per message.
"""

import argparse
import asyncio
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

VARIANTS = ("stock", "stock-long-lines", "lines", "whole")
MODES = {"kept": ["-d"], "one each": []}


class Answer:
    id = "01hzy0000000000000000000000"
    status = "accepted"
    recipients = ()


def serve(variant: str, channel: int) -> None:
    import uvloop

    uvloop.run(_serve(variant, channel))


async def _serve(variant: str, channel: int) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    port, counts = await (_serve_stock(variant) if variant.startswith("stock") else _serve_own(variant))
    loop.add_signal_handler(signal.SIGUSR1, lambda: os.write(channel, _used(counts)))
    os.write(channel, f"{port}\n".encode())
    await stop.wait()


def _used(counts: list[int]) -> bytes:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return f"{counts[0]} {used.ru_utime + used.ru_stime} {used.ru_maxrss}\n".encode()


async def _serve_stock(variant: str) -> tuple[int, list[int]]:
    from aiosmtpd.smtp import SMTP

    counts = [0]

    class Discard:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
            counts[0] += 1
            return "250 2.0.0 accepted"

    class Long(SMTP):
        line_length_limit = 65536 if variant == "stock-long-lines" else SMTP.line_length_limit

    loop = asyncio.get_running_loop()
    handler = Discard()
    server = await loop.create_server(
        lambda: Long(handler, hostname="gw.test", ident="gw", loop=loop, enable_SMTPUTF8=True),
        "127.0.0.1",
        0,
        backlog=2048,
    )
    return server.sockets[0].getsockname()[1], counts


async def _serve_own(variant: str) -> tuple[int, list[int]]:
    from gateway.access import development_access
    from gateway.ingress import smtp_transaction
    from gateway.ingress.smtp import Listener
    from gateway.settings import load

    counts = [0]

    async def submit(message: Any) -> Answer:
        counts[0] += 1
        return Answer()

    if variant == "lines":
        from gateway.message.content import Content
        from gateway.message.envelope import Message, Sender

        empty = dict.fromkeys(("id", "source", "controller", "channel"), "")
        who = Sender(address="news@example.com", key="news@example.com")
        bare = Message(**empty, sender=who, recipients=(), content=Content(), raw=b"")
        smtp_transaction.compose = lambda *_: bare
    many = {"max_connections": 2000, "max_connections_per_peer": 2000}
    settings = load(smtp_listen="127.0.0.1:0", development=True, **many)
    listener = Listener(settings, development_access(), submit)
    await listener.start()
    _KEPT.append(listener)
    return listener.addresses[0][1], counts


_KEPT: list[Any] = []


class Server:
    def __init__(self, variant: str) -> None:
        reading, writing = os.pipe()
        self._answers = os.fdopen(reading)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.smtp_in", "--serve", variant, "--channel", str(writing)],
            pass_fds=[writing],
        )
        os.close(writing)
        self.port = int(self._answers.readline())

    def used(self) -> tuple[int, float, int]:
        self._process.send_signal(signal.SIGUSR1)
        messages, seconds, peak = self._answers.readline().split()
        return int(messages), float(seconds), int(peak)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._answers.close()


def find_tool(folder: str) -> list[str]:
    """The command for smtp-source, from an unpacked Debian package or installed."""
    if folder:
        root = Path(folder)
        return ["env", f"LD_LIBRARY_PATH={root}/usr/lib/postfix", str(root / "usr/sbin/smtp-source")]
    found = shutil.which("smtp-source", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not found:
        sys.exit("smtp-source is not installed (Debian: postfix)")
    return [found]


def body(size: int) -> str:
    lines = ["From: Ada <ada@example.com>", "To: bob@example.org", "Subject: a message of some length"]
    lines += ["Message-ID: <1@example.com>", "Content-Type: text/plain; charset=utf-8", "", ""]
    text = "\n".join(lines)
    while len(text) < size:
        text += "Good morning, here is the list of what we talked about last week, as promised.\n"
    return text[:size] + "\n"


def run(
    tool: list[str], server: Server, mode: str, sessions: int, messages: int, file: str
) -> dict[str, Any]:
    before = server.used()
    began = time.monotonic()
    command = [*tool, *MODES[mode], "-s", str(sessions), "-m", str(messages), "-F", file]
    command += ["-f", "ada@example.com", "-t", "bob@example.org", f"127.0.0.1:{server.port}"]
    subprocess.run(command, check=True, timeout=120)
    took = time.monotonic() - began
    after = server.used()
    count = after[0] - before[0]
    assert count == messages, (count, messages)
    cpu = (after[1] - before[1]) / count * 1e6
    return {"per_second": round(count / took), "cpu_us": round(cpu, 1), "peak_mb": after[2] // 1024}


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--serve")
    options.add_argument("--channel", type=int)
    options.add_argument("--messages", type=int, default=6000)
    options.add_argument("--sessions", type=int, default=20)
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--size", type=int, default=4096)
    options.add_argument("--tools", default="", help="an unpacked postfix package")
    options.add_argument("--variants", default=",".join(VARIANTS))
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    if given.serve:
        with suppress(KeyboardInterrupt):
            serve(given.serve, given.channel)
        return
    tool, results = find_tool(given.tools), []
    with tempfile.NamedTemporaryFile("w", suffix=".eml") as file:
        file.write(body(given.size))
        file.flush()
        for turn in range(given.rounds):
            for variant in given.variants.split(","):
                server = Server(variant)
                try:
                    for mode in MODES:
                        run(tool, server, mode, given.sessions, 500, file.name)
                        got = run(tool, server, mode, given.sessions, given.messages, file.name)
                        results.append({"variant": variant, "mode": mode, "round": turn} | got)
                        print(
                            "{variant:18} {mode:9} {per_second:6}/s {cpu_us:7} us {peak_mb:4} MB".format(
                                **results[-1]
                            )
                        )
                finally:
                    server.stop()
    if given.json:
        given.json.write_text(json.dumps({"results": results}, indent=1))


if __name__ == "__main__":
    main()
