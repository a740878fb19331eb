"""Load the settings, and say in plain words what is wrong with them, without showing a secret."""

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.settings.settings import DEFAULT_FILE, FILE_VARIABLE, PREFIX, Settings

# Pydantic's words for what the parsers in `values` do not already say.
_SAYINGS = {
    "bool_parsing": "is neither 1 nor 0",
    "bool_type": "is neither 1 nor 0",
    "int_parsing": "is not a whole number",
    "int_type": "is not a whole number",
    "int_from_float": "is not a whole number",
    "float_parsing": "is not a number",
    "float_type": "is not a number",
    "finite_number": "is not a finite number",
    "byte_size": "is not a size",
    "byte_size_unit": "is not a size with a known unit",
    "greater_than": "is not above zero",
    "greater_than_equal": "is below zero",
    "path_type": "is not a path",
    "string_type": "is not text",
    "missing": "is not set",
}


class SettingsError(ValueError):
    """The settings cannot be used. `str()` is one line per problem: variable, what is wrong, an example."""


def load(**given: Any) -> Settings:
    """Return the settings, where `given` wins over the environment, and that over the file.

    Raises SettingsError.
    """
    named = os.environ.get(FILE_VARIABLE)
    if named and not Path(named).is_file():
        raise SettingsError(f"{FILE_VARIABLE} names no file; for example /etc/galateo/galateo.toml")
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsError("\n".join(_tell(detail) for detail in error.errors())) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{named or DEFAULT_FILE} is not TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{named or DEFAULT_FILE} cannot be read: {type(error).__name__}") from None


def misspelled(environment: Mapping[str, str]) -> Iterable[str]:
    """Return a line for every GALATEO_ variable that nothing reads but that looks like one that is.

    Others pass: Kubernetes itself sets GALATEO_SERVICE_HOST and the like in the pods of a service.
    """
    known = [PREFIX + name.upper() for name in Settings.model_fields] + [FILE_VARIABLE]
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            close = difflib.get_close_matches(name, known, 1, 0.85)
            if close:
                yield f"{name} is not a setting; did you mean {close[0]}?"


def _tell(detail: ErrorDetails) -> str:
    """One line: the variable, what is wrong with it, and an example."""
    if not detail["loc"]:
        return str(detail["msg"]).removeprefix("Value error, ")
    name = str(detail["loc"][0])
    variable = PREFIX + name.upper()
    if detail["type"] == "extra_forbidden":
        close = difflib.get_close_matches(name, Settings.model_fields, 1)
        return f"{name} is not a setting" + (f"; did you mean {close[0]}?" if close else "")
    if detail["type"] == "literal_error":
        return f"{variable} is not one of {str(detail['ctx']['expected']).replace(chr(39), '')}"
    saying = _SAYINGS.get(detail["type"], str(detail["msg"]).removeprefix("Value error, "))
    examples = _find_examples(name)
    return f"{variable} {saying}" + (f"; for example {examples[0]}" if examples else "")


def _find_examples(name: str) -> list[Any]:
    field = Settings.model_fields[name]
    if field.examples:
        return field.examples
    default = field.get_default(call_default_factory=True)
    return [] if default is None else [default]
