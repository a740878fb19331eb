"""Query strings as models. Pure."""

from collections.abc import Mapping
from typing import Any, TypeVar

from multidict import MultiMapping
from pydantic import BaseModel

from gateway.policy.outcome import Words
from gateway.web.problem import Fault
from gateway.web.strict_json import escape
from gateway.web.validation import malformed_by, validate

M = TypeVar("M", bound=BaseModel)

_TWICE = Words("This is given twice.", "Compare due volte.")
_NUMBER = Words("This must be a whole number.", "Deve essere un numero intero.")


def read_query(query: MultiMapping[str], model: type[M]) -> M:
    """The parameters as a model. Raises Problem for unknown, repeated or wrong ones."""
    given: dict[str, Any] = {}
    for name, value in query.items():
        if name in given:
            raise malformed_by([Fault(f"#/{escape(name)}", _TWICE)])
        given[name] = value
    return validate(model, _numbers(given, model))


def _numbers(given: Mapping[str, str], model: type[BaseModel]) -> dict[str, Any]:
    """Text as numbers where the model wants numbers."""
    found: dict[str, Any] = dict(given)
    for name, field in model.model_fields.items():
        if field.annotation is int and name in found:
            text = found[name]
            if not (text.isascii() and text.isdigit() and len(text) < 10):
                raise malformed_by([Fault(f"#/{name}", _NUMBER)])
            found[name] = int(text)
    return found
