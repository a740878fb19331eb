"""Medians, spreads and ratios of runs, as a table and as JSON."""

import json
import platform
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import machine
from bench.measure import Run

RESULTS = Path(__file__).parent / "results"
NOISY = 0.15
COLUMNS = (
    ("accepted", "accept/s", ".0f"),
    ("end_to_end", "end to end/s", ".0f"),
    ("accept_p50", "p50 ms", ".1f"),
    ("accept_p99", "p99 ms", ".1f"),
    ("transaction_p99", "whole p99", ".1f"),
    ("cpu_ms", "cpu ms", ".3f"),
    ("memory_mb", "MB", ".0f"),
)


@dataclass(slots=True)
class Report:
    """What a benchmark found, row by row: a row is the median of the runs that went well."""

    settings: dict[str, Any]
    rows: list[dict[str, Any]] = field(default_factory=list)
    findings: dict[str, float] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)

    def title(self, text: str) -> None:
        """Begin a table."""
        print(
            f"\n{text}\n{'':34}"
            + "".join(f"{head:>14}" for _, head, _ in COLUMNS)
            + f"{'spread':>9}{'others':>8}{'pace ms':>9}"
        )

    def add(self, name: str, runs: Sequence[Run]) -> dict[str, Any]:
        """A row of repeated runs; says it at once and returns it."""
        self.troubles += [f"{name}: {run.trouble}" for run in runs if not run.fine]
        good = [run for run in runs if run.fine]
        row: dict[str, Any] = {"name": name, "runs": [run.record() for run in runs], "good": len(good)}
        if good:
            row |= {key: statistics.median(getattr(run, key) for run in good) for key, _, _ in COLUMNS}
            rates = [run.end_to_end for run in good]
            row["spread"] = (max(rates) - min(rates)) / row["end_to_end"]
            row["pace_ms"] = statistics.median(run.pace_ms for run in good)
            row["others"] = max(run.others for run in good)
        self.rows.append(row)
        print(_line(row), flush=True)
        return row

    def find(self, name: str, value: float, wanted: str = "") -> None:
        """A single figure that matters, with what it should be."""
        self.findings[name] = round(value, 4)
        print(f"  {name:<56}{value:10.3g}   {wanted}", flush=True)

    def ratios(self, rows: Iterable[dict[str, Any]], against: Iterable[str]) -> None:
        """The gateway's end-to-end rate over each peer's in the same table."""
        by_peer = {row["runs"][0]["peer"]: row for row in rows if row["good"]}
        if "gateway" not in by_peer:
            return
        for peer in against:
            if peer in by_peer:
                name = f"{by_peer['gateway']['name']} / {peer}"
                self.find(
                    name, by_peer["gateway"]["end_to_end"] / by_peer[peer]["end_to_end"], WANTED.get(peer, "")
                )

    def write(self) -> Path:
        """Store it, and say where."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"local-{time.strftime('%Y%m%d-%H%M%S')}.json"
        what = {
            "machine": {
                "system": platform.platform(),
                "python": platform.python_version(),
                "cores": machine.CORES,
            },
            "settings": self.settings,
            "findings": self.findings,
            "troubles": self.troubles,
            "rows": self.rows,
        }
        path.write_text(json.dumps(what, indent=1))
        return path


WANTED = {"postfix": "at least 4", "postfix-noflow": "at least 4", "forwarder": "at least 1.5"}


def _line(row: dict[str, Any]) -> str:
    if not row["good"]:
        return f"{row['name']:<34} failed: {row['runs'][0]['trouble']}"
    figures = "".join(f"{row[key]:>14{form}}" for key, _, form in COLUMNS)
    noise = " noisy" if row["others"] > NOISY else ""
    return (
        f"{row['name']:<34}{figures}{row['spread']:>9.0%}{row['others']:>8.0%}{row['pace_ms']:>9.1f}{noise}"
    )
