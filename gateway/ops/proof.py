"""Evidence over the ops API: explanations, packs, checkpoints, what was observed, the policies in force."""

import base64
import binascii
import logging
import os
import re
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web

from gateway.access import Access
from gateway.evidence.checkpoint import public_key, take_checkpoint
from gateway.evidence.explain import Explanation, as_json, explain
from gateway.evidence.observed import observed
from gateway.evidence.outlook import look, message_of
from gateway.evidence.pack import NothingToPack, make_pack
from gateway.evidence.subjects import note
from gateway.keys import Keys
from gateway.message.address import is_valid
from gateway.ops.desk import Desk, answer, not_found
from gateway.ops.evidence_models import Letter, RecipientAsked, SinceAsked, seconds_of
from gateway.ops.query import read_query
from gateway.ops.roles import EXPORT_EVIDENCE, READ_DECISIONS, READ_POLICIES, READ_SUBJECTS
from gateway.policy.live import LivePolicies
from gateway.policy.outcome import Words
from gateway.reading.read import Reader
from gateway.store.protocol import Store
from gateway.web.language import language_of
from gateway.web.problem import malformed

log = logging.getLogger(__name__)

_MESSAGE = re.compile("[0-9a-z]{26}")
_NO_MESSAGE = Words(
    "There is no such message, or no such recipient of it.", "Questo messaggio o destinatario non esiste."
)


class Proof:
    """The handlers, with what they need."""

    def __init__(
        self,
        desk: Desk,
        store: Store,
        access: Access,
        keys: Keys,
        reader: Reader,
        policies: LivePolicies,
        clock: Callable[[], float],
    ) -> None:
        self._desk = desk
        self._store = store
        self._access = access
        self._keys = keys
        self._reader = reader
        self._policies = policies
        self._clock = clock

    async def explain(self, request: web.Request) -> web.Response:
        """Why a message was decided so, for all recipients or the one of a number."""
        await self._desk.admit(request, READ_DECISIONS)
        asked = read_query(request.query, RecipientAsked)
        found = await explain(self._store, _name(request), asked.recipient)
        if not found:
            raise not_found(_NO_MESSAGE)
        return _tell(request, found)

    async def look(self, request: web.Request) -> web.Response:
        """What would happen to a message now; nothing of it is kept."""
        await self._desk.admit(request, READ_SUBJECTS)
        asked = await self._desk.read(request, Letter)
        source = self._access.sources.get(asked.source)
        if source is None:
            raise malformed("#/source", "There is no such source.", "Questa origine non esiste.")
        if not is_valid("email", asked.to):
            raise malformed("#/to", "This is no email address.", "Non è un indirizzo email.")
        try:
            raw = base64.b64decode(asked.message, validate=True)
        except (binascii.Error, ValueError):
            raise malformed("#/message", "This is no Base64.", "Non è Base64.") from None
        message = message_of(raw, asked.to, source, self._clock(), os.urandom(10))
        current = self._policies.current
        return _tell(
            request,
            await look(self._store, self._reader, self._access, self._keys, current, message),
        )

    async def pack(self, request: web.Request) -> web.Response:
        """The evidence pack of a message, as a ZIP archive; the log says who took it."""
        reviewer = await self._desk.admit(request, EXPORT_EVIDENCE)
        name = _name(request)
        try:
            data = await make_pack(self._store, self._keys, name, self._clock())
        except NothingToPack:
            raise not_found(_NO_MESSAGE) from None
        await note(self._store, "evidence.exported", reviewer.name, os.urandom(10), {"message": name})
        log.info("evidence.exported", extra={"reviewer": reviewer.name, "about": name})
        headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
        return web.Response(body=data, content_type="application/zip", headers=headers)

    async def checkpoint(self, request: web.Request) -> web.Response:
        """Where every chain of the audit log stands now, signed: one line of a file of checkpoints."""
        await self._desk.admit(request, EXPORT_EVIDENCE)
        line = await take_checkpoint(self._store, self._keys, self._clock())
        return web.Response(body=line, content_type="application/json")

    async def key(self, request: web.Request) -> web.Response:
        """The public keys that checkpoints and packs are and were signed with."""
        await self._desk.admit(request, EXPORT_EVIDENCE)
        retired = [key.hex() for key in self._keys.retired]
        return answer(request, {"key": public_key(self._keys.signing).hex(), "retired": retired})

    async def observed(self, request: web.Request) -> web.Response:
        """What policies in observe would have done beside what happened, day by day."""
        await self._desk.admit(request, READ_POLICIES)
        asked, now = read_query(request.query, SinceAsked), self._clock()
        rows = await observed(self._store, now - seconds_of(asked.since), now + 1)
        told = [
            {"day": r.day, "policy": r.policy, "would": r.would, "was": r.was, "count": r.count} for r in rows
        ]
        return answer(request, {"observed": told})

    async def policies(self, request: web.Request) -> web.Response:
        """The policies in force, as texts by file name."""
        await self._desk.admit(request, READ_POLICIES)
        current = self._policies.current
        told: dict[str, Any] = {
            "version": current.version,
            "observing": current.observing,
            "files": dict(current.texts),
        }
        return answer(request, told)


def _name(request: web.Request) -> str:
    name = request.match_info["id"]
    if not _MESSAGE.fullmatch(name):
        raise not_found(_NO_MESSAGE)
    return name


def _tell(request: web.Request, found: Sequence[Explanation]) -> web.Response:
    language = language_of(request)
    return answer(request, {"explanations": [as_json(one, language) for one in found]})
