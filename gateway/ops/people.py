"""Consents and subjects over the ops API. An address stands in a body, never in a URL."""

import logging
import time
from collections.abc import Sequence
from typing import Any, Protocol

from aiohttp import web
from msgspec.structs import replace

from gateway.access import Access
from gateway.evidence.rights import NoSuchController, known_as
from gateway.intake.consent_files import read_row
from gateway.intake.consents import ConsentInput, Recorded
from gateway.message.address import is_valid
from gateway.ops.desk import Desk, answer
from gateway.ops.models import ConsentLine, ConsentLines, ConsentsAsked, Who
from gateway.ops.query import read_query
from gateway.ops.roles import READ_CONSENTS, READ_SUBJECTS, RECORD_CONSENTS
from gateway.ops.telling import describe_consents, describe_hold, describe_person
from gateway.policy.outcome import Words
from gateway.store.protocol import Store
from gateway.store.records import Ref
from gateway.web.problem import Fault, malformed
from gateway.web.validation import malformed_by, validate

log = logging.getLogger(__name__)

DAY = 86400.0

_PROOF = ("wording", "form_url", "contract", "recording", "signed_document")
_NO_PROOF = Words(
    "What compliance enters needs proof: wording, form_url, contract, recording or signed_document.",
    "Ciò che inserisce la compliance richiede una prova: wording, form_url, contract, recording o"
    " signed_document.",
)


class ConsentLog(Protocol):
    """Records consents and knows under which key a person is kept."""

    async def record(self, lines: Sequence[ConsentInput], actor: str) -> Recorded:
        """Log and apply some lines in one transaction. Raises StoreError."""

    def subject(self, channel: str, address: str) -> bytes:
        """The subject key of an address."""


class People:
    """The handlers, with what they need."""

    def __init__(self, desk: Desk, store: Store, consents: ConsentLog) -> None:
        self._desk = desk
        self._store = store
        self._consents = consents

    async def record(self, request: web.Request) -> web.Response:
        """Record lines of the consent log, all or none."""
        reviewer = await self._desk.admit(request, RECORD_CONSENTS)
        asked = _read_lines(await self._desk.read_json(request))
        lines = _check_lines(asked, self._desk.access)
        recorded = await self._consents.record(lines, reviewer.name)
        told = {"recorded": len(lines), "changed": recorded.changed, "unchanged": recorded.unchanged}
        return answer(request, told, 201)

    async def list(self, request: web.Request) -> web.Response:
        """The consent log of one person."""
        await self._desk.admit(request, READ_CONSENTS)
        asked = read_query(request.query, ConsentsAsked)
        ref = (asked.controller, bytes.fromhex(asked.subject))
        await self._check(ref)
        rows = await self._store.consents(ref)
        return answer(request, {"consents": describe_consents(rows)})

    async def look_up(self, request: web.Request) -> web.Response:
        """What is known of a person: permissions, stops, relationships, holds, the consent log."""
        reviewer = await self._desk.admit(request, READ_SUBJECTS)
        who = await self._desk.read(request, Who)
        if not is_valid(who.channel, who.address):
            raise malformed(
                "#/address",
                f"This cannot be an address of the channel {who.channel}.",
                f"Non può essere un indirizzo del canale {who.channel}.",
            )
        ref = (who.controller, self._consents.subject(who.channel, who.address))
        await self._check(ref)
        log.info("subject.looked_up", extra={"reviewer": reviewer.name, "subject": ref[1].hex()})
        person = await self._store.person(ref)
        told = {"controller": who.controller, "subject": ref[1].hex(), **describe_person(person)}
        told["holds"] = [describe_hold(hold) for hold in await self._store.held_of(ref)]
        told["consents"] = describe_consents(await self._store.consents(ref))
        return answer(request, told)

    async def _check(self, ref: Ref) -> None:
        """Raises Problem where the controller is none that could know anybody."""
        known = self._desk.access.controllers
        if ref[0] in known:
            return
        try:
            await known_as(self._store, ref[1], ref[0], known)
        except NoSuchController as error:
            raise malformed("#/controller", error.words.en, error.words.it) from None


def _read_lines(data: Any) -> ConsentLines:
    """One line, an array of them, or an object with `rows`."""
    if isinstance(data, dict) and "rows" not in data:
        data = {"rows": [data]}
    elif isinstance(data, list):
        data = {"rows": data}
    return validate(ConsentLines, data)


def _check_lines(asked: ConsentLines, access: Access) -> list[ConsentInput]:
    lines: list[ConsentInput] = []
    faults: list[Fault] = []
    for n, row in enumerate(asked.rows):
        line = _check_line(row, asked.by_compliance, access)
        if isinstance(line, Words):
            faults.append(Fault(f"#/rows/{n}", line))
        else:
            lines.append(line)
    if faults:
        raise malformed_by(faults[:20])
    return lines


def _check_line(row: ConsentLine, by_compliance: bool, access: Access) -> ConsentInput | Words:
    if access.controllers and row.controller not in access.controllers:
        return Words("There is no such controller in access.yaml.", "Questo titolare non è in access.yaml.")
    given = {name: str(value) for name, value in row.model_dump(exclude_none=True).items()}
    line = read_row(given, latest=time.time() + DAY)
    if isinstance(line, str):
        return Words(f"{line}.", f"Non va bene: {line}.")
    if not by_compliance:
        return line
    if not any(line.proof.get(name) for name in _PROOF):
        return _NO_PROOF
    return replace(line, imported=False, by_compliance=True)
