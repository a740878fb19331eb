"""One measurement: load in, messages out, and what it cost."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import machine, messages
from bench.ledger import Ledger
from bench.peers import Peer

WARM_UP = 1000
DRAIN_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How messages come: `mode` is keep (connections stay) or reconnect (one per message); `pace` in
    messages a second, 0 for as fast as they are taken; `tool` is load (ours) or smtp-source (a
    constant body)."""

    sessions: int
    mode: str = "keep"
    pace: float = 0.0
    tool: str = "load"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one measurement found. Rates are messages a second: `accepted` until the last reply,
    `end_to_end` until the sink has the last message. CPU is per message, of the server's process
    tree; `others` is the share of the machine's CPU that nobody here used; `pace_ms` what a fixed piece of
    work took just before, which tells how fast the machine was then."""

    peer: str
    load: Load
    messages: int
    fine: bool
    accepted: float
    end_to_end: float
    accept_p50: float
    accept_p99: float
    transaction_p50: float
    transaction_p99: float
    cpu_ms: float
    load_cpu_us: float
    sink_cpu_us: float
    memory_mb: float
    others: float
    pace_ms: float
    trouble: str = ""

    def record(self) -> dict[str, Any]:
        """For the JSON file."""
        return asdict(self)


class Bench:
    """The tools of one benchmark: the load generator, and smtp-source with one message for all."""

    def __init__(self, generator: Path, folder: Path) -> None:
        self.generator = generator
        self.folder = folder
        self.during: Callable[[Peer], None] | None = None

    def run(self, peer: Peer, state: Ledger, load: Load, count: int) -> Run:
        """Get the peer ready, warm it up, measure `count` messages."""
        with peer.ready():
            self._warm_up(peer, state, load)
            return self._measure(peer, state, load, min(count, state.count - WARM_UP))

    def calibrate(self, peer: Peer, state: Ledger, load: Load) -> float:
        """About how many messages a second this peer relays."""
        during, self.during = self.during, None
        found = self.run(peer, state, load, WARM_UP)
        self.during = during
        if not found.fine:
            raise SystemExit(f"{peer.name} does not take the load: {found.trouble}")
        return found.end_to_end

    def _warm_up(self, peer: Peer, state: Ledger, load: Load) -> None:
        before = peer.sink.count()
        plain = Load(sessions=load.sessions, mode=load.mode)
        done = subprocess.run(self._words(peer, state, plain, 0, WARM_UP), capture_output=True, check=False)
        said = json.loads(done.stdout) if done.returncode == 0 else {"accepted": 0}
        _drained(peer, before + int(said["accepted"]))

    def _words(self, peer: Peer, state: Ledger, load: Load, first: int, count: int) -> list[str]:
        if load.tool == "smtp-source":
            words = [
                "smtp-source",
                "-s",
                str(load.sessions),
                "-m",
                str(count),
                "-N",
                "-F",
                str(self._letter()),
            ]
            words += ["-d"] * (load.mode == "keep")
            return [
                *words,
                "-f",
                "news@example.com",
                "-t",
                "reader@example.net",
                f"127.0.0.1:{peer.port}",
            ]
        numbers = (first, count, load.sessions, load.mode, load.pace)
        return [str(self.generator), "127.0.0.1", str(peer.port), str(state.load), *map(str, numbers)]

    def _letter(self) -> Path:
        path = self.folder / "receipt"
        path.write_bytes(messages.receipt())
        return path

    def _measure(self, peer: Peer, state: Ledger, load: Load, count: int) -> Run:
        before = peer.sink.count()
        meter = Meter(peer)
        words = self._words(peer, state, load, WARM_UP, count)
        begun = time.monotonic()
        with (self.folder / "load.err").open("wb") as err:
            source = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=err, stdin=subprocess.DEVNULL)
        meter.load = source.pid
        if self.during:
            self.during(peer)
        ended, last = self._watch(peer, source, meter, before + count)
        output = source.communicate()[0]
        said = json.loads(output) if load.tool == "load" and output else _silent(count, begun, ended)
        return self._conclude(peer, load, count, said, last, meter, before)

    def _watch(
        self, peer: Peer, source: "subprocess.Popen[bytes]", meter: "Meter", wanted: int
    ) -> tuple[float, float]:
        """Until all has come out or no more will: when the load ended, and when the last came."""
        ended = last = 0.0
        seen, since = -1, time.monotonic()
        while True:
            now, got = time.monotonic(), peer.sink.count()
            if got != seen:
                seen, since = got, now
            if got >= wanted and not last:
                last = now
            if not ended and meter.ended(source):
                ended, since = now, now
            if ended and (last or now - since > (3.0 if source.returncode else 15.0)):
                return ended, last or since
            meter.sample(now)
            time.sleep(0.005)

    def _conclude(
        self,
        peer: Peer,
        load: Load,
        count: int,
        said: dict[str, Any],
        last: float,
        meter: "Meter",
        before: int,
    ) -> Run:
        arrived = peer.sink.count() - before
        fine = said["accepted"] == count == arrived
        trouble = (
            "" if fine else f"{said['accepted']} of {count} accepted, {arrived} arrived; {said['odd_reply']}"
        )
        costs = meter.read()
        return Run(
            peer=peer.name,
            load=load,
            messages=count,
            fine=fine,
            trouble=trouble,
            accepted=count / max(1e-9, said["ended"] - said["started"]),
            end_to_end=arrived / max(1e-9, last - said["started"]),
            accept_p50=said["accept_ms"]["p50"],
            accept_p99=said["accept_ms"]["p99"],
            transaction_p50=said["transaction_ms"]["p50"],
            transaction_p99=said["transaction_ms"]["p99"],
            cpu_ms=costs["peer"] / count * 1e3,
            load_cpu_us=costs["load"] / count * 1e6,
            sink_cpu_us=costs["sink"] / count * 1e6,
            memory_mb=meter.peak,
            others=costs["others"],
            pace_ms=meter.pace,
        )


class Meter:
    """CPU and memory between its making and `read`."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.load = 0
        self.load_cpu = 0.0
        self.peak = machine.memory(peer.roots)
        self.pace = machine.pace_ms()
        self.next_sample = 0.0
        self.began = time.monotonic()
        self.start = self._now()

    def _now(self) -> tuple[float, float, float, float]:
        sink = [self.peer.sink.process.pid]
        return machine.busy(), machine.cpu(self.peer.roots), machine.cpu(sink), time.process_time()

    def sample(self, now: float) -> None:
        """Look at the memory, twice a second."""
        if now >= self.next_sample:
            self.peak = max(self.peak, machine.memory(self.peer.roots))
            self.next_sample = now + 0.5

    def ended(self, source: "subprocess.Popen[bytes]") -> bool:
        """Whether the load has ended; its CPU is read while its process can still be asked."""
        self.load_cpu = machine.cpu([self.load]) or self.load_cpu
        return source.poll() is not None

    def read(self) -> dict[str, float]:
        """Seconds of CPU of peer, load and sink; the share of the machine that others took."""
        took, now = time.monotonic() - self.began, self._now()
        total, peer, sink, own = (after - before for after, before in zip(now, self.start, strict=True))
        others = max(0.0, total - peer - sink - own - self.load_cpu)
        return {"peer": peer, "sink": sink, "load": self.load_cpu, "others": others / took / machine.CORES}


def _silent(count: int, begun: float, ended: float) -> dict[str, Any]:
    """What smtp-source would say if it said anything; it ends with an error at the first refusal."""
    nothing = {"p50": 0.0, "p99": 0.0}
    reply = {"accepted": count, "odd_reply": "smtp-source says nothing of replies"}
    return reply | {"started": begun, "ended": ended, "accept_ms": nothing, "transaction_ms": nothing}


def _drained(peer: Peer, wanted: int) -> None:
    deadline = time.monotonic() + DRAIN_SECONDS
    while peer.sink.count() < wanted:
        if time.monotonic() > deadline:
            print(f"{peer.name}: not all of the warm-up came out", file=sys.stderr)
            return
        time.sleep(0.01)
    time.sleep(0.2)
