"""Ready-made states for the gateway: so many consents, and a message for each of some of them.

They come in by `galateo consents import`. Where millions would take too long only the first do, and only to
these messages go; all others are rows like theirs, with a relationship each, written into the tables.
"""

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import apsw
from msgspec.structs import replace

from bench import messages
from gateway.ledger.person import Relationship
from gateway.message.ids import new_id
from gateway.store.codec import pack_person, unpack_person

ROOT = Path(__file__).resolve().parents[1]
LANES = 1024
Row = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The first `imported` of so many consents came in by the import. `state` holds the database and the
    keys, to be copied for each start; `load` the prepared messages, to `count` distinct readers out of those;
    `import_seconds` is what their import took."""

    consents: int
    imported: int
    state: Path
    load: Path
    policies: Path
    count: int
    octets: int
    import_seconds: float


def prepare(
    folder: Path, consents: int, count: int, policies: Path | None, imported: int | None = None
) -> Ledger:
    """Make one below `folder`, for a gateway with these policies; without any, only the messages."""
    home = folder / f"ledger-{consents}"
    state = home / "state"
    state.mkdir(parents=True)
    known = consents if imported is None else min(consents, imported)
    seconds = _import(state, home / "consents.csv", known, policies) if policies else 0.0
    readers = random.Random(consents).sample(range(known), min(count, known))
    octets = messages.write_messages(home / "messages", readers, seed=known)
    return Ledger(
        consents=consents,
        imported=known,
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


@dataclass(frozen=True, slots=True)
class Others:
    """People beside those imported: the rows of `people` and of `consent_events`, each in the order of its
    key. They agreed to what the first one imported agreed to, and were written to a month ago."""

    count: int
    state: bytes
    consent: Row

    def people(self) -> Iterator[Row]:
        """lane, controller, subject, state."""
        for lane, subject in self._subjects():
            yield lane, "default", subject, self.state

    def consents(self) -> Iterator[Row]:
        """The columns of `consent_events`."""
        for n, (lane, subject) in enumerate(self._subjects()):
            yield new_id(1_700_000_000 + n / 1000, bytes(10)), lane, "default", subject, *self.consent

    def _subjects(self) -> Iterator[tuple[int, bytes]]:
        draw = random.Random(self.count)
        for lane in range(LANES):
            here = self.count * (lane + 1) // LANES - self.count * lane // LANES
            heads = sorted(draw.randrange(1 << 16) // LANES * LANES + lane for _ in range(here))
            yield from (
                (lane, subject) for subject in sorted(h.to_bytes(2) + draw.randbytes(14) for h in heads)
            )


def others(ledger: Ledger) -> Others:
    """Everybody of a ledger who was not imported."""
    db = apsw.Connection(str(ledger.state / "galateo.db"))
    try:
        [(packed,)] = db.execute("SELECT state FROM people LIMIT 1").fetchall()
        columns = "at, recorded_at, action, purpose, channel, grade, basis, source, proof"
        [consent] = db.execute(f"SELECT {columns} FROM consent_events LIMIT 1").fetchall()
    finally:
        db.close()
    past = {"news@example.com": Relationship(first_out=1.76e9, last_out=1.762e9, sent=3, introduced=True)}
    person = replace(unpack_person(bytes(packed)), relationships=past)  # type: ignore[arg-type]
    return Others(ledger.consents - ledger.imported, pack_person(person), consent)


def fill(ledger: Ledger) -> None:
    """Write the others into the SQLite file."""
    more = others(ledger)
    if not more.count:
        return
    db = apsw.Connection(str(ledger.state / "galateo.db"))
    db.execute("PRAGMA synchronous = OFF")
    with db:
        db.executemany("INSERT OR IGNORE INTO people VALUES (?,?,?,?)", more.people())
        marks = ", ".join("?" * (4 + len(more.consent)))
        db.executemany(f"INSERT OR IGNORE INTO consent_events VALUES ({marks})", more.consents())
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
