"""From what a model finds wrong to faults that a person can act on."""

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from gateway.policy.outcome import Words
from gateway.web.patterns import OTHER, SOMETHING, WANTED
from gateway.web.problem import Fault, Problem
from gateway.web.strict_json import escape

M = TypeVar("M", bound=BaseModel)

MOST = 20
"""Faults told at once."""

_SAID = {
    "missing": Words("This field is required.", "Questo campo è obbligatorio."),
    "extra_forbidden": Words(
        "There is no such field. The fields are listed in /openapi.json.",
        "Questo campo non esiste. I campi sono elencati in /openapi.json.",
    ),
    "string_type": Words("This must be text.", "Deve essere un testo."),
    "bool_type": Words("This must be true or false.", "Deve essere true o false."),
    "int_type": Words("This must be a whole number.", "Deve essere un numero intero."),
    "float_type": Words("This must be a number.", "Deve essere un numero."),
    "dict_type": Words("This must be an object.", "Deve essere un oggetto."),
    "model_type": Words("This must be an object.", "Deve essere un oggetto."),
    "model_attributes_type": Words("This must be an object.", "Deve essere un oggetto."),
    "list_type": Words("This must be an array.", "Deve essere un array."),
}
_EMPTY = WANTED[SOMETHING]
_ONLY = Words("Only {} is possible here.", "Qui è possibile solo {}.")
_ONE = {
    "string_too_long": Words("At most one character.", "Al massimo un carattere."),
    "string_too_short": _EMPTY,
    "too_long": Words("At most one item.", "Al massimo un elemento."),
    "too_short": _EMPTY,
}
_COUNTED = {
    "string_too_long": ("max_length", Words("At most {} characters.", "Al massimo {} caratteri.")),
    "string_too_short": ("min_length", Words("At least {} characters.", "Almeno {} caratteri.")),
    "too_long": ("max_length", Words("At most {} items.", "Al massimo {} elementi.")),
    "too_short": ("min_length", Words("At least {} items.", "Almeno {} elementi.")),
    "less_than_equal": ("le", Words("At most {}.", "Al massimo {}.")),
    "greater_than_equal": ("ge", Words("At least {}.", "Almeno {}.")),
    "literal_error": ("expected", Words("One of {}.", "Uno fra {}.")),
}


def validate(model: type[M], data: object, at: str = "#") -> M:
    """The model of the data. Raises Problem (malformed) that lists every fault with its pointer."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise malformed_by(faults_of(error, at)) from None


def malformed_by(faults: Iterable[Fault]) -> Problem:
    """A body in which these things are wrong."""
    told = tuple(faults)
    first = told[0]
    more = len(told) - 1
    others = "un altro" if more == 1 else f"altri {more}"
    return Problem(
        "malformed",
        Words(
            f"{first.pointer}: {first.detail.en}" + (f" And {more} more, see errors." if more else ""),
            f"{first.pointer}: {first.detail.it}" + (f" E {others}, vedi errors." if more else ""),
        ),
        faults=told,
    )


def faults_of(error: ValidationError, at: str = "#") -> list[Fault]:
    """What is wrong, in order, without what was sent."""
    problems = error.errors(include_url=False, include_input=False)[:MOST]
    return [Fault(pointer(at, p["loc"]), _say(p)) for p in problems]


def pointer(at: str, location: Iterable[int | str]) -> str:
    """A location as a JSON pointer in a fragment; names of union branches are left out."""
    steps = [
        escape(str(step)) for step in location if not str(step).startswith(("constrained-", "function-"))
    ]
    return "/".join([at, *steps])


def _say(problem: Any) -> Words:
    kind, context = problem["type"], problem.get("ctx") or {}
    if kind == "string_pattern_mismatch":
        return WANTED.get(str(context.get("pattern", "")), OTHER)
    if kind in _SAID:
        return _SAID[kind]
    if kind in _COUNTED:
        name, words = _COUNTED[kind]
        value = str(context.get(name, "")).replace("'", "").replace(" or ", ", ").strip(", ")
        words = _ONE.get(kind, words) if value == "1" else words
        if kind == "literal_error" and ", " not in value:
            words = _ONLY
        return Words(words.en.format(value), words.it.format(value))
    return Words(f"{problem['msg']}.", f"Non va bene: {problem['msg']}.")
