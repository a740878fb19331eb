"""What went wrong with a request, in the form of RFC 9457."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from gateway.policy.outcome import Words
from gateway.web.language import language_of

CONTENT_TYPE = "application/problem+json"

KINDS: dict[str, tuple[int, Words]] = {
    "malformed": (400, Words("The request is malformed", "La richiesta non è ben formata")),
    "unauthorized": (401, Words("Who is calling is not known", "Non si sa chi chiama")),
    "forbidden": (403, Words("This caller may not do that", "Chi chiama non può farlo")),
    "not-found": (404, Words("There is nothing here", "Qui non c'è nulla")),
    "method-not-allowed": (405, Words("The method does not fit", "Il metodo non è ammesso")),
    "not-acceptable": (406, Words("What came is not accepted", "Ciò che è arrivato non è accettato")),
    "timeout": (408, Words("The request took too long", "La richiesta ha impiegato troppo tempo")),
    "in-progress": (409, Words("The same request is under way", "La stessa richiesta è in corso")),
    "conflict": (409, Words("The state has changed", "Lo stato è cambiato")),
    "length-required": (411, Words("The request needs a length", "Manca la lunghezza della richiesta")),
    "too-large": (413, Words("The request is too large", "La richiesta è troppo grande")),
    "unsupported-media-type": (415, Words("The body has another form", "Il corpo ha un'altra forma")),
    "expectation-failed": (417, Words("The expectation is not met", "L'attesa non è soddisfatta")),
    "rejected": (422, Words("The message is refused by policy", "Il messaggio è rifiutato dalle regole")),
    "key-reused": (422, Words("The Idempotency-Key was used before", "La Idempotency-Key è già stata usata")),
    "too-many-requests": (429, Words("Too many requests", "Troppe richieste")),
    "internal": (500, Words("The gateway has a fault", "Il gateway ha un guasto")),
    "unavailable": (503, Words("The gateway cannot do that just now", "Il gateway al momento non può farlo")),
}
"""Every kind of problem: its status and title. The type URI is `urn:galateo:problem:` and the kind."""

_BY_STATUS = {status: kind for kind, (status, _) in reversed(KINDS.items())}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a body: where, as a JSON pointer in a fragment (`#/recipient/name`), and what."""

    pointer: str
    detail: Words


class Problem(Exception):
    """A request that cannot be served. `kind` is one of KINDS; the text never repeats what was sent."""

    def __init__(
        self,
        kind: str,
        detail: Words,
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(kind)
        self.kind = kind
        self.status, self.title = KINDS[kind]
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})
        self.members = dict(members or {})

    def describe(self, language: str, instance: str) -> dict[str, Any]:
        """The members of the problem, in `language`; those of RFC 9457 win over extensions."""
        told = {
            **self.members,
            "type": f"urn:galateo:problem:{self.kind}",
            "title": self.title.in_(language),
            "status": self.status,
            "detail": self.detail.in_(language),
            "instance": instance,
        }
        if self.faults:
            told["errors"] = [{"pointer": f.pointer, "detail": f.detail.in_(language)} for f in self.faults]
        return told


def malformed(pointer: str, en: str, it: str) -> Problem:
    """A body with one thing wrong in it."""
    detail = Words(en, it)
    return Problem("malformed", detail, faults=[Fault(pointer, detail)])


def unavailable(seconds: int = 5) -> Problem:
    """The gateway's own failure: nothing was stored, the same request may be sent again."""
    return Problem(
        "unavailable",
        Words(
            f"Nothing was stored. Send the same request again in {seconds} seconds.",
            f"Nulla è stato registrato. Ripetere la stessa richiesta fra {seconds} secondi.",
        ),
        headers={"Retry-After": str(seconds)},
        members={"outcome": "deferred"},
    )


def answer_problem(request: web.BaseRequest, problem: Problem) -> web.Response:
    """The problem as an answer to a request, in the reader's language."""
    language = language_of(request)
    return web.Response(
        status=problem.status,
        body=orjson.dumps(problem.describe(language, instance_of(request))),
        content_type=CONTENT_TYPE,
        headers={"Content-Language": language, **problem.headers},
    )


def instance_of(request: web.BaseRequest) -> str:
    """The path of the request, cut: it came from outside."""
    return request.raw_path.partition("?")[0].encode("ascii", "replace").decode("ascii")[:200]


def problem_of(error: web.HTTPException) -> Problem:
    """aiohttp's own refusals (404, 405, 413, ...) as problems."""
    kind = _BY_STATUS.get(error.status, "internal" if error.status >= 500 else "malformed")
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return Problem(kind, _DETAILS.get(kind, KINDS[kind][1]), headers=headers)


_DETAILS = {
    "not-found": Words(
        "There is no such path or object for this caller. The paths are listed in /openapi.json.",
        "Non esiste tale percorso od oggetto per chi chiama. I percorsi sono elencati in /openapi.json.",
    ),
    "method-not-allowed": Words(
        "This path takes other methods; the header Allow lists them.",
        "Questo percorso accetta altri metodi; li elenca l'intestazione Allow.",
    ),
}
