"""Compiles the two C files of this folder and sees to it that Postfix's load tools are there."""

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SLOW_SYNC_PROBE = """
import apsw, sys, time
db = apsw.Connection(sys.argv[1])
for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "CREATE TABLE t(x)"):
    db.execute(statement).fetchall()
begun = time.perf_counter()
for i in range(50):
    db.execute("INSERT INTO t VALUES(?)", (i,))
print((time.perf_counter() - begun) / 50 * 1e3)
"""


def compile_load(folder: Path) -> Path:
    """The load generator, compiled into `folder`."""
    return _compile(folder / "load", HERE / "load.c")


def compile_slow_sync(folder: Path) -> Path:
    """The library that slows syncs down, compiled into `folder`."""
    return _compile(folder / "slow_sync.so", HERE / "slow_sync.c", "-shared", "-fPIC")


def slow_sync(library: Path, milliseconds: float, counter: Path) -> dict[str, str]:
    """The environment in which a process feels the delay; `counter` then tells how often."""
    counter.write_bytes(bytes(8))
    return {"LD_PRELOAD": str(library), "SLOW_SYNC_MS": f"{milliseconds:g}", "SLOW_SYNC_COUNT": str(counter)}


def syncs(counter: Path) -> int:
    """How many syncs were delayed so far."""
    return int(struct.unpack("=Q", counter.read_bytes())[0])


def probe_slow_sync(library: Path, milliseconds: float, folder: Path) -> tuple[float, int]:
    """Fifty SQLite commits with the delay: milliseconds each, and syncs counted. Proves that it bites."""
    counter, database = folder / "probe-count", folder / "probe.db"
    environment = os.environ | slow_sync(library, milliseconds, counter)
    done = subprocess.run(
        [sys.executable, "-c", SLOW_SYNC_PROBE, str(database)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    found = float(done.stdout), syncs(counter)
    for path in folder.glob("probe*"):
        path.unlink()
    return found


def ensure_postfix() -> None:
    """Put Debian's postfix on the machine if smtp-source, smtp-sink or the server is missing."""
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    if all(shutil.which(tool) for tool in ("smtp-source", "smtp-sink", "postfix")):
        return
    print(
        "installing Debian's postfix, for smtp-source, smtp-sink and a relay to compare with", file=sys.stderr
    )
    answer = "postfix postfix/main_mailer_type select No configuration\n"
    subprocess.run(["debconf-set-selections"], input=answer, text=True, check=True)
    # RUNLEVEL=1 keeps the package from starting its own daemon.
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    install = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", "postfix"]
    for words in (["apt-get", "update", "-qq"], install):
        subprocess.run(words, check=True, env=environment, stdout=subprocess.DEVNULL)


def _compile(target: Path, source: Path, *options: str) -> Path:
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        compiler = os.environ.get("CC", "cc")
        subprocess.run([compiler, "-O2", *options, "-o", str(target), str(source)], check=True)
    return target
