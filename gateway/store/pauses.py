"""What is paused, source by source and campaign by campaign: an index in memory of a few stored rows.

A row lies among the kept answers (`replays`), under a key of its own. It stays for a while after the pause
has ended, until what was held because of it is decided again. Pure.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

Kind: TypeAlias = Literal["source", "campaign"]

PREFIX = b"paused/"
LISTED = "SELECT answer FROM replays WHERE key >= ? AND key < ? AND expires_at > ?"
"""Every row there is, by PREFIX, what comes after it, and the time."""
AFTER = b"paused0"
CODES: dict[Kind, str] = {"source": "floor/paused.source", "campaign": "floor/paused.campaign"}
"""What a hold says that waits for the end of a pause, by its kind."""
ALONE = (*CODES.values(), " ".join(sorted(CODES.values())))
"""What a hold says that waits for the end of pauses and for nothing else."""
NOT_ALONE = "codes NOT IN ({})".format(", ".join(f"'{codes}'" for codes in ALONE))
"""The holds that wait for more, in SQL: by a column that stands in an index."""


class Pause(Struct, frozen=True, kw_only=True):
    """One pause of a source, or of a campaign of a controller. `by` is who asked for it and `reason` why,
    `resumed_at` is 0 while it lasts. `owner` is the process that decides anew what it held, until
    `lease_until`. Times are unix seconds."""

    kind: Kind
    name: str
    controller: str
    since: float
    by: str
    reason: str = ""
    resumed_at: float = 0.0
    resumed_by: str = ""
    owner: str = ""
    lease_until: float = 0.0

    @property
    def key(self) -> bytes:
        """Where it is kept."""
        return key_of(self.kind, self.controller, self.name)

    @property
    def id(self) -> str:
        """Its name outside: the same each time that this source or campaign is paused."""
        return self.key.removeprefix(PREFIX).hex()

    @property
    def lasts(self) -> bool:
        """Whether nobody has resumed it."""
        return not self.resumed_at


def key_of(kind: Kind, controller: str, name: str) -> bytes:
    """Where a pause is kept: a source has its name for itself, a campaign with its controller."""
    whose = controller if kind == "campaign" else ""
    return PREFIX + blake2b(f"{kind}\0{whose}\0{name}".encode(errors="replace"), digest_size=16).digest()


pack_pause = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Pause).decode


def unpack_pause(answer: bytes) -> Pause:
    """What `pack_pause` packed."""
    return _decode(answer)


class Pauses:
    """What a process knows of pauses; it stays what it was while the store cannot be asked."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, ...], float] = {}
        self._known: dict[bytes, Pause] = {}

    def of(self, source: str, controller: str, campaign: str) -> tuple[tuple[str, float], ...]:
        """The pauses that a message falls under, each by its kind and since when it lasts."""
        since = self._since
        if not since:
            return ()
        found = (("source", since.get((source,))), ("campaign", since.get((controller, campaign))))
        return tuple((kind, at) for kind, at in found if at is not None)

    def get(self, key: bytes) -> Pause | None:
        """What is known of the pause of that key, ended ones too."""
        return self._known.get(key)

    @property
    def lasting(self) -> list[Pause]:
        """Those that nobody has resumed, the oldest first."""
        return sorted((p for p in self._known.values() if p.lasts), key=lambda p: (p.since, p.kind, p.name))

    @property
    def ended(self) -> list[Pause]:
        """Those that were resumed, and of which something may still be held."""
        return [pause for pause in self._known.values() if not pause.lasts]

    def take_up(self, rows: Iterable[Sequence[Any]]) -> tuple[list[Pause], list[Pause]]:
        """Know from now on what the store says: what is new among the lasting ones, and what no longer is."""
        before = {pause.key: pause for pause in self.lasting}
        self._known = {pause.key: pause for pause in (unpack_pause(bytes(row[0])) for row in rows)}
        now = {pause.key: pause for pause in self.lasting}
        self._since = {_place(pause): pause.since for pause in now.values()}
        return [p for key, p in now.items() if key not in before], [
            p for key, p in before.items() if key not in now
        ]


def _place(pause: Pause) -> tuple[str, ...]:
    return (pause.name,) if pause.kind == "source" else (pause.controller, pause.name)


NOTHING_PAUSED = Pauses()
"""For whoever decides without a store. It is never filled."""
