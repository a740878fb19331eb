"""`python -m bench.evidence`: what evidence costs. A month of traffic is verified and decided again, and the
same messages are accepted with and without the audit chain, and with and without a sweep, in turns."""

import asyncio
import gc
import multiprocessing
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from bench import machine, messages, past
from bench.ledger import ROOT
from gateway.evidence import replaying, stretch
from gateway.evidence.entries import FileRows
from gateway.evidence.origin import Origin
from gateway.evidence.replaying import Drafted, replay, versions_of
from gateway.evidence.retention import DAY, Keep, Retention
from gateway.evidence.sweep import Sweep
from gateway.evidence.verify import Verification
from gateway.intake import accept
from gateway.message.address import normalize
from gateway.message.envelope import Message, Recipient
from gateway.message.ids import new_id
from gateway.policy.load import read_folder
from gateway.store.draft import Writes
from gateway.store.sqlite import SqliteStore

LONG_AGO, FAR_AHEAD = 0.0, 4e9
ROUND = 1500
"""Messages in one half of a pair of the sweep, which begins anew in each: about as long as one of its steps
with the rest after it."""
OLD = 8_000
"""Decisions that a sweep finds."""
BRIEF = 50
"""Messages in one half of a pair of the chain: short, so that both halves meet the same machine."""


@contextmanager
def pool(count: int, prepare: Callable[..., None], *given: Any) -> Iterator[Executor | None]:
    """Processes that have started, or none."""
    if count < 2:
        yield None
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context, initializer=prepare, initargs=given) as made:
        list(made.map(abs, range(4 * count)))
        yield made


async def verify(file: Path, made: Executor | None) -> tuple[int, int]:
    """How many entries were checked, and how many were not as they should be."""
    state = await Verification(FileRows(file), pool=made).run()
    return state.entries, len(state.breaks)


async def decide_again(file: Path, drafted: Drafted, made: Executor | None) -> tuple[int, int]:
    """How many decisions were made again, and how many came out differently."""
    found = await replay(FileRows(file), drafted, LONG_AGO, FAR_AHEAD, pool=made)
    return found.decided, sum(found.kinds.values())


def measure(name: str, count: int, work: Callable[[], Coroutine[Any, Any, tuple[int, int]]]) -> None:
    """Run it and tell the rate, and what it cost in CPU: where others use the machine too, the rate says more
    about them."""
    pace, cpu, began = machine.pace_ms(), machine.cpu([os.getpid()]), time.perf_counter()
    done, odd = asyncio.run(work())
    seconds, cpu = time.perf_counter() - began, machine.cpu([os.getpid()]) - cpu
    print(
        f"{name} {count} process{'es' if count > 1 else '  '} {done:8,} in {seconds:5.1f} s = "
        f"{done / seconds:7,.0f}/s; {cpu / done * 1e6:5.1f} us of CPU each, {done / cpu:7,.0f}/s a core;"
        f" {odd} odd (pace {pace:.1f} ms, load {os.getloadavg()[0]:.1f})",
        flush=True,
    )


class Unchained(SqliteStore):
    """The same store, which keeps no audit log."""

    async def finish(self, writes: Writes) -> None:
        writes.audit.clear()
        await super().finish(writes)


@contextmanager
def nothing_chained() -> Iterator[None]:
    """Acceptances work out no digest and make no entry meanwhile."""
    kept = {name: getattr(accept, name) for name in ("seal", "decision_digest", "AuditRow")}
    for name in kept:
        setattr(accept, name, lambda *given: b"")
    try:
        yield
    finally:
        for name, made in kept.items():
            setattr(accept, name, made)


def letters(count: int) -> list[Message]:
    """Newsletters whose paragraphs are soon known by heart, as those of a campaign are."""
    draw, found = random.Random(5), list[Message]()
    while len(found) < count:
        message = past.compose(draw, len(found), 0.0)
        if message.class_ == "newsletter" and len(message.recipients) == 1:
            found.append(message)
    return found


def addressed(made: list[Message], first: int, count: int, now: float) -> Iterator[Message]:
    """The same letters to other subscribers."""
    for n in range(first, first + count):
        reader = n * 12 % past.SUBSCRIBERS + n % 11 + 1
        address = messages.address(reader)
        to = Recipient(channel="email", address=address, key=normalize("email", address))
        letter = made[n % len(made)]
        identity = new_id(now, n.to_bytes(10, "big"))
        yield replace(letter, id=identity, recipients=(to,), received_at=now, message_id=f"<{n}@x.example>")


async def accept_round(line: past.Past, made: list[Message]) -> float:
    """Seconds of CPU for accepting and delivering messages that were made before."""
    began = time.process_time()
    await line.deliver_all(made)
    return time.process_time() - began


async def chain_cost(folder: Path, rounds: int) -> None:
    """The same messages through two lines in turns, one of which keeps no audit log."""
    clock = past.Clock(1)
    lines = []
    for kind in (SqliteStore, Unchained):
        store = kind(folder / f"{kind.__name__}.db", clock=clock)
        await store.start()
        lines.append(past.Past(store, clock))
        await lines[-1].subscribe()
    known, shares, taken = letters(100), [], []
    gc.collect()
    gc.freeze()
    for n in range(-20, rounds):
        made = list(addressed(known, (n + 20) * BRIEF, BRIEF, clock()))
        seconds = [0.0, 0.0]
        for which in (0, 1) if n % 2 else (1, 0):
            if which:
                with nothing_chained():
                    seconds[1] = await accept_round(lines[1], made)
            else:
                seconds[0] = await accept_round(lines[0], made)
        if n < 0:
            continue
        shares.append(seconds[0] / seconds[1] - 1)
        taken.append([each / BRIEF * 1e6 for each in seconds])
    best = [statistics.quantiles([pair[side] for pair in taken], n=10)[0] for side in (0, 1)]
    low, _, high = statistics.quantiles(shares, n=4)
    print(
        f"chain median of {rounds} pairs {statistics.median(shares):+.1%} (quartiles {low:+.1%}, {high:+.1%})"
        f"; quickest tenth of each {best[0]:.0f} and {best[1]:.0f} us of CPU a message:"
        f" {best[0] / best[1] - 1:+.1%}"
    )
    for line in lines:
        await line.store.close()


async def sweep_cost(folder: Path, rounds: int) -> None:
    """Acceptances in turns with a sweep of the retention under way, and without."""
    clock = past.Clock(1)
    store = SqliteStore(folder / "swept.db", clock=clock)
    await store.start()
    line = past.Past(store, clock)
    await line.subscribe()
    known, shares = letters(100), []
    await line.deliver_all(addressed(known, 0, OLD, clock()))
    ago = clock.now
    clock.now += 10 * DAY
    keep = Retention((Keep(what="decisions", seconds=DAY, why="measured"),))
    for n in range(rounds):
        seconds = [0.0, 0.0]
        for which in (0, 1) if n % 2 else (1, 0):
            made = list(addressed(known, OLD + (2 * n + which) * ROUND, ROUND, clock()))
            sweep = None if which else asyncio.create_task(Sweep(store, keep, clock.now).run())
            began = time.process_time()
            await line.deliver_all(made)
            seconds[which] = time.process_time() - began
            if sweep is not None:
                sweep.cancel()
                await asyncio.gather(sweep, return_exceptions=True)
        shares.append(seconds[0] / seconds[1] - 1)
    left = await store.rows("SELECT count(*) FROM decisions WHERE at <= ?", (ago,))
    low, _, high = statistics.quantiles(shares, n=4)
    print(
        f"sweep median of {rounds} pairs {statistics.median(shares):+.1%} (quartiles {low:+.1%}, {high:+.1%})"
        f"; {OLD - left[0][0]:,} of {OLD:,} rows let go meanwhile"
    )
    await store.close()


@click.command(help=__doc__)
@click.option("--count", default=100_000, show_default=True, help="Messages of the month.")
@click.option("--rounds", default=3, show_default=True, help="How often each is measured.")
@click.option("--only", type=click.Choice(["verify", "replay", "chain", "sweep"]), multiple=True)
@click.option(
    "--database",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A month that was made before, or where to keep this one.",
)
def main(count: int, rounds: int, only: tuple[str, ...], database: Path | None) -> None:
    wanted = only or ("verify", "replay", "chain", "sweep")
    with tempfile.TemporaryDirectory(prefix="galateo-bench-", dir="/var/tmp") as name:
        file = database or Path(name) / "past.db"
        if {"verify", "replay"} & set(wanted):
            _past(file, count, rounds, wanted)
        if "chain" in wanted:
            asyncio.run(chain_cost(Path(name), 100 * rounds))
        if "sweep" in wanted:
            asyncio.run(sweep_cost(Path(name), 4 * rounds))


def _past(file: Path, count: int, rounds: int, wanted: tuple[str, ...]) -> None:
    if not file.exists():
        began = time.perf_counter()
        past.make(file, count)
        print(f"made a month of {count:,} messages in {time.perf_counter() - began:.0f} s")
    origin, processes = Origin(file), os.cpu_count() or 1
    versions = asyncio.run(versions_of(FileRows(file), LONG_AGO, FAR_AHEAD))
    drafted = Drafted(draft=read_folder(ROOT / "policies"), versions=versions)
    for _ in range(rounds):
        for many in dict.fromkeys((1, processes)):
            if "verify" in wanted:
                with pool(many, stretch.prepare, origin) as made:
                    measure("verify", many, partial(verify, file, made))
            if "replay" in wanted:
                with pool(many, replaying.prepare, origin, drafted) as made:
                    measure("replay", many, partial(decide_again, file, drafted, made))


if __name__ == "__main__":
    main()
