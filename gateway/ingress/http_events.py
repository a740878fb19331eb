"""`POST /v1/events`: what happened out there, one event or an array of them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from gateway.access import Source
from gateway.ingress.events import read_event
from gateway.ingress.http_auth import Gate
from gateway.ingress.http_limits import HttpLimits
from gateway.ingress.http_models import NewEvent
from gateway.intake.events import EventResult
from gateway.ledger.happening import Happening
from gateway.policy.outcome import Words
from gateway.web.body import Inflight, check_json, read_body
from gateway.web.language import language_of
from gateway.web.problem import Fault, Problem, malformed
from gateway.web.strict_json import parse_json
from gateway.web.validation import malformed_by, validate

PATH = "/v1/events"

Tell = Callable[[Happening], Awaitable[EventResult]]
"""Records and applies one event; answers when that is durable. Events told at once keep their order."""


class Events:
    """The handler, with what it needs."""

    def __init__(
        self, gate: Gate, tell: Tell, limits: HttpLimits, inflight: Inflight, clock: Callable[[], float]
    ) -> None:
        self._gate = gate
        self._tell = tell
        self._limits = limits
        self._inflight = inflight
        self._clock = clock

    async def post(self, request: web.Request) -> web.Response:
        """Record events: 202 with one result for each; nothing at all where one of them is malformed."""
        source = await self._gate.admit(request)
        check_json(request)
        with self._inflight.share() as share:
            limits = self._limits
            raw = await read_body(request, limits.events_bytes, limits.body_timeout, share)
            happenings = self._read(self._gate.still(source), parse_json(raw))
        # Where the store fails half way, the same body may be sent again: what was recorded stays so.
        results = await asyncio.gather(*(self._tell(happening) for happening in happenings))
        language = language_of(request)
        told = [_describe(h, result, language) for h, result in zip(happenings, results, strict=True)]
        headers = {"Content-Language": language}
        body = orjson.dumps({"results": told})
        return web.Response(status=202, body=body, content_type="application/json", headers=headers)

    def _read(self, source: Source, data: Any) -> list[Happening]:
        if not isinstance(data, list):
            return [self._read_one(source, data, "#")]
        if not 0 < len(data) <= self._limits.events:
            raise malformed(
                "#",
                f"An array of events holds 1 to {self._limits.events}.",
                f"Un array di eventi ne contiene da 1 a {self._limits.events}.",
            )
        read: list[Happening] = []
        faults: list[Fault] = []
        for n, item in enumerate(data):
            try:
                read.append(self._read_one(source, item, f"#/{n}"))
            except Problem as problem:
                faults += problem.faults
                if len(faults) > 20:
                    break
        if faults:
            raise malformed_by(faults)
        return read

    def _read_one(self, source: Source, data: Any, at: str) -> Happening:
        event = validate(NewEvent, data, at)
        return read_event(event, source, self._clock(), late=self._limits.late, at=at)


def _describe(happening: Happening, result: EventResult, language: str) -> dict[str, Any]:
    note = result.effect.note
    told: dict[str, Any] = {
        "source_event_id": happening.source_event_id,
        "id": result.id or None,
        "status": result.status,
        "duplicate": result.replayed,
        "backdated": result.backdated,
        "note": note or None,
    }
    if note in NOTES:
        told["reason"] = NOTES[note].in_(language)
    return told


NOTES = {
    "untrusted": Words(
        "This source may not open doors; ask for `events: open` in access.yaml. What restricts, counts.",
        "Questa fonte non può aprire: serve `events: open` in access.yaml. Ciò che restringe vale.",
    ),
    "no_sender": Words("Name the sender whom it concerns.", "Indicare il mittente interessato."),
    "no_purpose": Words("Name the purpose of the consent.", "Indicare la finalità del consenso."),
    "no_class": Words("Name the class of what was sent.", "Indicare la classe di ciò che è stato inviato."),
    "automatic": Words("An automatic reply answers nothing.", "Una risposta automatica non conta."),
    "stop_request": Words(
        "It asks to stop: nothing more is sent to this person.",
        "Chiede di smettere: a questa persona non si invia più nulla.",
    ),
    "stop_channel": Words(
        "It refuses one channel: nothing more is sent to this person there.",
        "Rifiuta un canale: lì a questa persona non si invia più nulla.",
    ),
    "no_sales": Words(
        "It refuses sales: nothing that sells is sent to this person.",
        "Rifiuta le vendite: a questa persona non si invia nulla che venda.",
    ),
    "declined": Words(
        "It counts as a reply that waits for an answer, and opens no door to an offer.",
        "Vale come risposta che ne attende un'altra, e non apre la porta a un'offerta.",
    ),
    "counted_before": Words("It was counted when it was sent.", "È stato contato all'invio."),
    "unchanged": Words("It changed nothing.", "Non ha cambiato nulla."),
    "suppressed": Words(
        "A withdrawal or objection stands against it.", "Vi si oppone una revoca o un'opposizione."
    ),
    "too_many_addresses": Words(
        "One person is linked to nine addresses at most. What was told counts for each one named here, but "
        "those beyond are not linked: tell stops with every address of the person.",
        "A una persona si collegano al massimo nove indirizzi. Quanto comunicato vale per ognuno di quelli "
        "indicati, ma quelli in più non sono collegati: comunicare le revoche con tutti gli indirizzi.",
    ),
}
"""What the notes of an effect mean."""
