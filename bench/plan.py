"""What is measured, in which order. Repeats of different peers take turns, so drift hits all alike."""

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import build, ledger, peers
from bench.ledger import Ledger
from bench.measure import WARM_UP, Bench, Load, Run
from bench.peers import Gateway, Peer
from bench.report import RESULTS, Report
from bench.sink import Sink

SLOW_MS = 4.0
MESSAGES = 45_000
BASE_CONSENTS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do: see --help of the command."""

    only: tuple[str, ...]
    peers: tuple[str, ...]
    sessions: tuple[int, ...]
    modes: tuple[str, ...]
    repeats: int
    seconds: float
    consents: tuple[int, ...]
    profile: bool
    policies: Path


class Course:
    """One benchmark under way: its folder, tools, prepared state and the peers that are up."""

    def __init__(self, plan: Plan, folder: Path, report: Report, stack: ExitStack) -> None:
        self.plan, self.folder, self.report, self.stack = plan, folder, report, stack
        self.bench = Bench(build.compile_load(folder), folder)
        self.preload = build.compile_slow_sync(folder)
        self.peak: dict[int, float] = {}
        count = min(MESSAGES, int(4500 * plan.seconds) + 2 * WARM_UP)
        self.base = self._ledger(max(BASE_CONSENTS, count), count)
        self.peers = [self._up(name) for name in plan.peers]
        self.gateway = next((peer for peer in self.peers if isinstance(peer, Gateway)), None)
        if plan.profile:
            self.bench.during = self._profile

    def _ledger(self, consents: int, count: int) -> Ledger:
        policies = self.plan.policies.resolve() if "gateway" in self.plan.peers else None
        made = ledger.prepare(self.folder, consents, count, policies)
        if made.import_seconds:
            self.report.find(f"import of {consents} consents, seconds", made.import_seconds)
        return made

    def _up(self, name: str) -> Peer:
        sink = self.stack.enter_context(Sink(self.folder))
        peer = peers.make(name, sink, self.folder, self.base)
        self.stack.callback(peer.close)
        return peer

    def rates(self) -> None:
        """As fast as it goes, against the peers."""
        for sessions in self.plan.sessions:
            for mode in self.plan.modes:
                self.report.title(f"As fast as it goes: {sessions} sessions, {WORDS[mode]}")
                rows = self._in_turns(self.peers, Load(sessions=sessions, mode=mode), f"{sessions} {mode}")
                self.report.ratios(rows, peers.NAMES[1:])
                found = [row for row in rows if row["runs"][0]["peer"] == "gateway" and row["good"]]
                if found and mode == "keep":
                    self.peak[sessions] = found[0]["end_to_end"]

    def latency(self) -> None:
        """At half the peak rate, paced: what a sender waits."""
        if self.gateway is None:
            return
        self.report.title("Paced at half the peak rate")
        for sessions in self.plan.sessions:
            if sessions not in self.peak:
                self.peak[sessions] = self.bench.calibrate(self.gateway, self.base, Load(sessions=sessions))
            load = Load(sessions=sessions, pace=self.peak[sessions] / 2)
            count = int(load.pace * self.plan.seconds)
            runs = [self.bench.run(self.gateway, self.base, load, count) for _ in range(self.plan.repeats)]
            row = self.report.add(f"gateway {sessions} keep {load.pace:.0f}/s", runs)
            if row["good"]:
                self.report.find(
                    f"accept p99 at half the peak, {sessions} sessions, ms", row["accept_p99"], "under 20"
                )

    def slow_disk(self) -> None:
        """With some milliseconds more for every sync, beside the disk as it is."""
        if self.gateway is None:
            return
        each, calls = build.probe_slow_sync(self.preload, SLOW_MS, self.folder)
        self.report.find(
            "delayed SQLite commit alone, ms", each, f"at least {SLOW_MS:g}, else nothing was delayed"
        )
        if each < SLOW_MS or calls < 50:
            raise SystemExit("the delay of fsync does not reach SQLite here, so there is nothing to measure")
        counter = self.folder / "syncs"
        slow = Gateway(self.gateway.sink, self.folder, self.base, name="gateway-slow")
        slow.environment = build.slow_sync(self.preload, SLOW_MS, counter)
        self.stack.callback(slow.close)
        self.report.title(f"With {SLOW_MS:g} ms added to every fsync")
        for sessions in self.plan.sessions:
            rows = self._in_turns([self.gateway, slow], Load(sessions=sessions), f"{sessions} keep")
            if all(row["good"] for row in rows):
                name = f"slow disk / own disk, {sessions} sessions"
                self.report.find(
                    name, rows[1]["end_to_end"] / rows[0]["end_to_end"], "at least 0.8 at 100 sessions"
                )
        self.report.find("syncs delayed in all", build.syncs(counter), "more than 0")

    def stored_consents(self) -> None:
        """The cost of a message as the ledger grows."""
        if self.gateway is None:
            return
        made = [self._ledger(consents, min(MESSAGES, consents)) for consents in self.plan.consents]
        self.report.title("With so many consents stored")
        gateways = [
            Gateway(self.gateway.sink, self.folder, each, name=f"gateway-{each.consents}") for each in made
        ]
        load = Load(sessions=self.plan.sessions[0])
        count = min(self._count(gateways[0], made[0], load), made[0].count - WARM_UP)
        runs: dict[int, list[Run]] = {each.consents: [] for each in made}
        for _ in range(self.plan.repeats):
            for peer in gateways:
                runs[peer.state.consents].append(self.bench.run(peer, peer.state, load, count))
        rows = [self.report.add(f"{number} consents", runs[number]) for number in runs]
        for row in rows[1:]:
            if row["good"] and rows[0]["good"]:
                name = f"CPU per message at {row['name']} / {rows[0]['name']}"
                self.report.find(name, row["cpu_ms"] / rows[0]["cpu_ms"], "at most 1.1")

    def constant(self) -> None:
        """Postfix's own smtp-source with one body for all: a check of our generator."""
        self.report.title("smtp-source, one constant body, kept connections")
        sessions = self.plan.sessions[0]
        rows = self._in_turns(self.peers, Load(sessions=sessions, tool="smtp-source"), f"{sessions} constant")
        self.report.ratios(rows, peers.NAMES[1:])

    def _in_turns(self, chosen: Sequence[Peer], load: Load, name: str) -> list[dict[str, Any]]:
        counts = {peer.name: self._count(peer, self.base, load) for peer in chosen}
        runs: dict[str, list[Run]] = {peer.name: [] for peer in chosen}
        for turn in range(self.plan.repeats):
            for peer in chosen if turn % 2 == 0 else chosen[::-1]:
                runs[peer.name].append(self.bench.run(peer, self.base, load, counts[peer.name]))
        return [self.report.add(f"{peer.name} {name}", runs[peer.name]) for peer in chosen]

    def _count(self, peer: Peer, state: Ledger, load: Load) -> int:
        """How many messages make a run of the wanted length."""
        return max(WARM_UP, int(self.bench.calibrate(peer, state, load) * self.plan.seconds))

    def _profile(self, peer: Peer) -> None:
        tool = Path(sys.executable).with_name("py-spy")
        if not isinstance(peer, Gateway):
            return
        if not tool.exists():
            print("py-spy is not installed, so there is no profile", file=sys.stderr)
            return
        RESULTS.mkdir(exist_ok=True)
        target = RESULTS / f"local-profile-{time.strftime('%Y%m%d-%H%M%S')}.txt"
        words = [str(tool), "record", "-p", str(peer.roots[0]), "-d", str(int(self.plan.seconds) or 1)]
        words += ["-r", "250", "-f", "raw", "-o", str(target)]
        subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        print(f"profile: {target}", file=sys.stderr)


WORDS = {"keep": "kept connections", "reconnect": "one connection per message"}
STEPS = {
    "rates": Course.rates,
    "latency": Course.latency,
    "slow-disk": Course.slow_disk,
    "consents": Course.stored_consents,
    "constant": Course.constant,
}


def carry_out(plan: Plan, folder: Path, report: Report) -> None:
    """All steps of the plan, in a folder that is removed afterwards."""
    folder.chmod(0o755)
    try:
        with ExitStack() as stack:
            course = Course(plan, folder, report, stack)
            for name in plan.only:
                STEPS[name](course)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
