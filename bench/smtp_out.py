"""What one delivered message costs: worker -> kept connections -> smtp-sink, no store behind it.

    python -m bench.smtp_out [--messages 60000] [--connections 20] [--size 4096] [--loop uvloop|asyncio]

Prints messages/s and our own CPU time per message; needs smtp-sink (Debian: postfix).
"""

import argparse
import asyncio
import cProfile
import gc
import os
import pstats
import random
import shutil
import socket
import subprocess
import time
from collections import deque
from pathlib import Path

import uvloop

from gateway.delivery.reports import Reports
from gateway.delivery.route import Routes
from gateway.delivery.smtp import SmtpRelay
from gateway.delivery.target import SmtpTarget
from gateway.delivery.worker import Worker
from gateway.metrics import Metrics
from gateway.store.attempt import Attempt, Outcome, Report
from gateway.store.outbox import Entry

BATCH = 64  # as the group commits of 20 to 100 sessions hand them over


def make_entry(n: int, raw: bytes, headers: tuple[tuple[str, str], ...]) -> Entry:
    now = time.time()
    return Entry(
        id=f"m{n}",
        message_id=f"m{n}",
        controller="default",
        subject_key=bytes(16),
        channel="email",
        source="bench",
        sender="",
        class_="newsletter",
        campaign="",
        envelope_from="news@example.com",
        address=f"a{n}@example.org",
        relay="",
        raw=raw + b"%d\r\n" % n,
        queued_at=now,
        due_at=now,
        lease_until=now + 1e6,
        add_headers=headers,
    )


class Outbox:
    """Hands out what it was given, in batches; notes when all is delivered."""

    def __init__(self, count: int, raw: bytes, headers: tuple[tuple[str, str], ...]) -> None:
        self.waiting = deque(make_entry(n, raw, headers) for n in range(count))
        self.left = count
        self.bad = 0
        self.done = asyncio.Event()

    async def take(self, limit: int) -> list[Entry]:
        if not self.waiting:
            await asyncio.Event().wait()
        return [self.waiting.popleft() for _ in range(min(limit, BATCH, len(self.waiting)))]

    def settle(self, entry: Entry, attempt: Attempt) -> None:
        self.bad += attempt.outcome is not Outcome.DELIVERED
        self.left -= 1
        if not self.left:
            self.done.set()

    def report(self, report: Report) -> None:
        raise AssertionError(report)


def make_message(size: int) -> bytes:
    line = b"Questa e' una riga di un messaggio qualsiasi, lunga quanto basta a essere creduta\r\n"
    head = b"From: news@example.com\r\nTo: a@example.org\r\nSubject: Notizie\r\n"
    head += b"Message-ID: <1@example.com>\r\n\r\n"
    return head + line * max((size - len(head)) // len(line), 1)


def start_sink(port: int) -> subprocess.Popen[bytes]:
    program = shutil.which("smtp-sink", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise SystemExit("smtp-sink is missing; on Debian: apt-get install postfix")
    drop = ["-u", "nobody"] if os.geteuid() == 0 else []
    sink = subprocess.Popen([program, *drop, f"127.0.0.1:{port}", "1000"])
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return sink
    raise SystemExit("smtp-sink did not start")


async def measure(port: int, given: argparse.Namespace) -> None:
    headers = (("List-Unsubscribe", "<https://x.example/u/1>"),) if given.headers else ()
    outbox = Outbox(given.messages, make_message(given.size), headers)
    target = SmtpTarget(host="127.0.0.1", port=port, tls="never")
    relay = SmtpRelay("smtp", target, connections=given.connections, hostname="bench.example")
    worker = Worker(
        outbox,
        {"smtp": relay},
        Routes(formats={"smtp": "mime"}, email="smtp"),
        Metrics(),
        reports=Reports({}, "bench.example"),
        max_age=3600,
        clock=time.time,
        rng=random.Random(1),
    )
    gc.collect()
    gc.freeze()  # what waits here would wait in a database
    task = asyncio.create_task(worker.run())
    began, before = time.perf_counter(), os.times()
    await outbox.done.wait()
    took, after = time.perf_counter() - began, os.times()
    user, system = (
        1e6 * (now - then) / given.messages for now, then in zip(after[:2], before[:2], strict=True)
    )
    await worker.stop(1)
    await task
    print(f"{given.loop}, {given.connections} connections, {given.size} bytes:", end=" ")
    print(f"{given.messages / took:,.0f} messages/s, {outbox.bad} not delivered;", end=" ")
    print(f"CPU each: {user + system:.1f} us ({user:.1f} user, {system:.1f} system)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=60_000)
    parser.add_argument("--connections", type=int, default=20)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    parser.add_argument("--headers", action="store_true", help="add a header to each message")
    parser.add_argument("--profile", type=Path, help="write a profile here and print its top")
    given = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sink = start_sink(port)
    factory = uvloop.new_event_loop if given.loop == "uvloop" else asyncio.new_event_loop
    profile = cProfile.Profile() if given.profile else None
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            if profile:
                profile.enable()
            runner.run(measure(port, given))
    finally:
        sink.terminate()
        sink.wait()
    if profile:
        profile.disable()
        profile.dump_stats(given.profile)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
