"""What the worker asks of a relay, whatever it speaks."""

from collections.abc import Callable, Sequence, Set
from typing import Protocol, TypeAlias

from gateway.delivery.circuit import Circuit
from gateway.delivery.outbox import Entry
from gateway.delivery.verdict import Result

Finished: TypeAlias = Callable[[Entry, Result, str, float], None]
"""Told once for each entry that was tried: entry, result, relay's name, seconds."""


class Relay(Protocol):
    """Where messages go. Everything is called on the event loop's thread; nothing here raises."""

    @property
    def name(self) -> str:
        """As it stands in metrics and settings."""
        ...

    @property
    def circuit(self) -> Circuit:
        """Whether it works."""
        ...

    @property
    def room(self) -> int:
        """How many more entries it can use soon; 0 when it is down."""
        ...

    @property
    def crowded(self) -> bool:
        """Whether it holds more than it can use soon, so that further entries had better wait elsewhere."""
        ...

    @property
    def head(self) -> Entry | None:
        """The entry that has waited longest and was not begun."""
        ...

    def start(self, finished: Finished, ready: Callable[[], None]) -> None:
        """Begin, and call `ready` whenever there is room again."""
        ...

    def push(self, entry: Entry) -> None:
        """Deliver this; what came of it is told to `finished`."""
        ...

    def reclaim(self) -> Sequence[Entry]:
        """Take back, in order, the entries that were not begun."""
        ...

    def forget(self, ids: Set[str]) -> None:
        """Begin none of these: they were canceled."""
        ...

    async def stop(self, grace: float) -> None:
        """Finish what is under way, for at most `grace` seconds, and close all connections."""
        ...
