"""What the console does for a person's rights: a copy of what is stored, and erasure."""

import os
import time

import orjson

from gateway.evidence import erase as erasing
from gateway.evidence import subjects
from gateway.store.protocol import Store
from gateway.store.records import Ref


class Rights:
    """A data subject's copy (GDPR 15, 20) and erasure (17), as a reviewer asks for them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def export(self, ref: Ref, actor: str) -> bytes:
        """Everything stored about a person, as JSON; the audit log says who took the copy."""
        told = await subjects.export(self._store, [ref], "", "", time.time())
        await subjects.note(self._store, "subject.exported", actor, os.urandom(10), {"by": "console"})
        return orjson.dumps(told, option=orjson.OPT_INDENT_2)

    async def erase(self, ref: Ref, actor: str, reason: str) -> None:
        """Everything personal goes; a stop stays, so that the person is never written to again."""
        await subjects.note(self._store, "subject.erasure_asked", actor, os.urandom(10), {"reason": reason})
        async for _ in erasing.erase(self._store, [ref], actor, time.time()):
            pass
