"""What is done for a person who asks (GDPR 15, 17, 18, 20), the same from the console and the API: found
under every controller that knows them, told before it is done, and logged."""

import asyncio
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.access import Access
from gateway.evidence.entries import Rows
from gateway.evidence.erase import erase
from gateway.evidence.subjects import export, note, restrict, subjects_of
from gateway.evidence.traces import linked_to, person_of, subjects_like, traces_of
from gateway.keys import Keys
from gateway.message.address import without_addresses
from gateway.policy.outcome import Words
from gateway.store.protocol import Store
from gateway.store.records import Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """How many rows a controller keeps about a person, by kind; whether they are restricted."""

    controller: str
    counts: dict[str, int]
    restricted: bool


class NoSuchController(Exception):
    """A controller was named that access.yaml does not have, and that keeps nothing of whom it was asked
    about: nothing would be found, and a stop under its name would protect nobody. `words` name those there
    are."""

    def __init__(self, controllers: Collection[str]) -> None:
        names = ", ".join(sorted(controllers)) or "-"
        self.words = Words(
            f"There is no such controller. Known (access.yaml): {names}.",
            f"Non c'è un titolare con questo nome. Noti (access.yaml): {names}.",
        )
        super().__init__(self.words.en)


async def known_as(store: Rows, subject: bytes, controller: str, controllers: Collection[str]) -> list[Ref]:
    """Who a subject is, with its linked addresses, under every controller that knows it or under one: under
    one that left access.yaml too, as long as it knows them. Raises NoSuchController."""
    refs = await subjects_like(store, subject, controller)
    if controller and not refs and controller not in controllers:
        raise NoSuchController(controllers)
    return refs


def plain(reason: str) -> str:
    """A reason without addresses: it stays in the log for good."""
    return without_addresses(" ".join(reason.split())) or "…"


class Rights:
    """A person's rights. `access` says which controllers there are; `clean` takes what is deleted out of the
    database's files and may block."""

    def __init__(
        self,
        store: Store,
        keys: Keys,
        access: Access,
        *,
        clean: Callable[[], object] | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._store = store
        self._keys = keys
        self._access = access
        self._clean = clean
        self._clock = clock or store.now

    async def find(self, channel: str, address: str, controller: str = "") -> list[Ref]:
        """Who an address is, with its linked addresses, under every controller that knows it or under one.
        Raises NoSuchController."""
        subject = subjects_of(self._keys, channel, address)
        return await known_as(self._store, subject, controller, self._access.controllers)

    async def everywhere(self, channel: str, address: str, controller: str = "") -> list[Ref]:
        """The same, and where nobody knows the address, every controller: so that a stop can stand there.
        Raises NoSuchController."""
        refs = await self.find(channel, address, controller)
        subject = subjects_of(self._keys, channel, address)
        if any(ref[1] == subject for ref in refs):
            return refs
        names = [controller] if controller else sorted(self._access.controllers)
        return [*refs, *((name, subject) for name in names)]

    async def linked(self, ref: Ref) -> list[Ref]:
        """A subject with its linked addresses."""
        return await linked_to(self._store, ref)

    async def list(self, refs: Sequence[Ref]) -> list[Stored]:
        """What there is: what an erasure would take away."""
        found = []
        for ref in refs:
            counts = (await traces_of(self._store, ref)).counts
            restricted = bool((await person_of(self._store, ref)).restricted_at)
            found.append(Stored(controller=ref[0], counts=counts, restricted=restricted))
        return found

    async def export(
        self, refs: Sequence[Ref], channel: str, address: str, actor: str, by: str
    ) -> dict[str, Any]:
        """Everything stored, as plain data; the log says who took the copy, and through what."""
        told = await export(self._store, refs, channel, address, self._clock(), self._keys)
        await self._note("subject.exported", actor, {"subjects": len(refs), "by": by})
        return told

    async def erase(self, refs: Sequence[Ref], actor: str, reason: str) -> dict[str, int]:
        """Everything personal goes, a stop stays; how many rows went, by kind. May be asked again."""
        await self._note("subject.erasure_asked", actor, {"subjects": len(refs), "reason": plain(reason)})
        gone: dict[str, int] = {}
        async for counts in erase(self._store, refs, actor, self._clock(), self._keys):
            for what, count in counts.items():
                gone[what] = gone.get(what, 0) + count
        if self._clean is not None:
            await asyncio.to_thread(self._clean)
        return gone

    async def restrict(self, refs: Sequence[Ref], actor: str, *, lift: bool = False) -> int:
        """Keep the data and use it no more, or end that; how many subjects changed. The log says so."""
        return await restrict(self._store, refs, actor, os.urandom(10), lift=lift)

    async def _note(self, kind: str, actor: str, told: dict[str, Any]) -> None:
        await note(self._store, kind, actor, os.urandom(10), told)
