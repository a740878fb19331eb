"""Ready-made states for the gateway: so many consents imported, and a message for each of some of them."""

import os
import random
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench import messages

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """`state` holds the database and the keys, to be copied for each start; `load` the prepared
    messages, to `count` distinct readers out of `consents`; `import_seconds` is what filling took."""

    consents: int
    state: Path
    load: Path
    policies: Path
    count: int
    octets: int
    import_seconds: float


def prepare(folder: Path, consents: int, count: int, policies: Path | None) -> Ledger:
    """Make one below `folder`, for a gateway with these policies; without any, only the messages."""
    home = folder / f"ledger-{consents}"
    state = home / "state"
    state.mkdir(parents=True)
    seconds = _import(state, home / "consents.csv", consents, policies) if policies else 0.0
    readers = random.Random(consents).sample(range(consents), min(count, consents))
    octets = messages.write_messages(home / "messages", readers, seed=consents)
    return Ledger(
        consents=consents,
        state=state,
        load=home / "messages",
        policies=policies or ROOT / "policies",
        count=len(readers),
        octets=octets,
        import_seconds=seconds,
    )


def settings(state: Path, relay_port: int, policies: Path) -> dict[str, str]:
    """The environment of a gateway whose database and keys are in `state`: these policies, the
    development source, everything else as it comes."""
    own = {
        "SMTP_LISTEN": "127.0.0.1:0",
        "HTTP_LISTEN": "127.0.0.1:0",
        "OPS_LISTEN": "127.0.0.1:0",
        "DATABASE": f"sqlite:///{state / 'galateo.db'}",
        "KEYS": str(state / "keys"),
        "POLICIES": str(policies),
        "RELAY": f"smtp://127.0.0.1:{relay_port}",
        "DEVELOPMENT": "1",
    }
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GALATEO_")}
    return kept | {f"GALATEO_{key}": value for key, value in own.items()}


def _import(state: Path, table: Path, consents: int, policies: Path) -> float:
    addresses = (messages.address(number) for number in range(consents))
    messages.write_consents(table, addresses)
    begun = time.monotonic()
    command = [sys.executable, "-m", "gateway", "consents", "import", str(table)]
    with (state.parent / "import.log").open("wb") as log:
        done = subprocess.run(
            command, env=settings(state, 1, policies), cwd=state, stdout=log, stderr=log, check=False
        )
    if done.returncode:
        raise SystemExit(
            f"the import of consents failed:\n{(state.parent / 'import.log').read_text()[-2000:]}"
        )
    table.unlink()
    return time.monotonic() - begun


def copy(ledger: Ledger, target: Path) -> None:
    """A fresh copy of the state."""
    shutil.copytree(ledger.state, target)
