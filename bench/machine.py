"""What processes and the machine used, read from /proc. Seconds of CPU, megabytes of memory."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
CORES = os.cpu_count() or 1


def tree(roots: Iterable[int]) -> list[int]:
    """The processes and all that descend from them."""
    found, left = [], list(roots)
    while left:
        pid = left.pop()
        found.append(pid)
        for task in (PROC / str(pid)).glob("task/*/children"):
            left += [int(word) for word in _read(task).split()]
    return found


def cpu(roots: Iterable[int]) -> float:
    """Seconds used by the trees, with the children that have ended."""
    ticks = 0
    for pid in tree(roots):
        words = _read(PROC / str(pid) / "stat").rpartition(")")[2].split()
        ticks += sum(int(word) for word in words[11:15])
    return ticks / TICKS


def memory(roots: Iterable[int]) -> float:
    """Resident megabytes of the trees; what processes share is counted for each."""
    pages = 0
    for pid in tree(roots):
        words = _read(PROC / str(pid) / "statm").split()
        pages += int(words[1]) if words else 0
    return pages * PAGE / 1e6


def busy() -> float:
    """Seconds of CPU that the whole machine has used since it started."""
    words = [int(word) for word in _read(PROC / "stat").splitlines()[0].split()[1:]]
    user, nice, system, _, _, interrupts, soft = words[:7]
    return (user + nice + system + interrupts + soft) / TICKS


def pace_ms(rounds: int = 5) -> float:
    """Milliseconds of a fixed piece of work in Python, the quickest of a few tries: where the host
    slows its guests down, this is the only one who tells."""
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        total = 0
        for number in range(200_000):
            total += number
        taken.append(time.perf_counter() - begun)
    return min(taken) * 1e3


def sync_ms(folder: Path, rounds: int = 200) -> float:
    """Median milliseconds of writing 4 KB and syncing it, in this folder."""
    path, taken = folder / "sync-probe", []
    with path.open("wb", buffering=0) as file:
        for _ in range(rounds):
            begun = time.perf_counter()
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - begun)
    path.unlink()
    return sorted(taken)[rounds // 2] * 1e3


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process ended meanwhile
        return ""
