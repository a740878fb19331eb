"""JSON from outside, read strictly: RFC 8259 and 7493 (I-JSON), bounded in depth and size. Pure.

Readers differ in what they make of a repeated key, of NaN, of a number beyond 64 bits or of half a surrogate
pair. What two programs could read in two ways is refused here.
"""

import json
import math
import re
from typing import Any, NoReturn

from gateway.policy.outcome import Words
from gateway.web.problem import Fault, Problem, malformed

DEPTH = 32
VALUES = 50_000
_PLAIN_SIZE = 256 * 1024
_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_LONGEST_NUMBER = 40


class _Refused(ValueError):
    def __init__(self, en: str, it: str) -> None:
        super().__init__(en)
        self.words = Words(en, it)


def parse_json(raw: bytes) -> Any:
    """The value that the octets say. Raises Problem (malformed) with what is wrong and where."""
    if len(raw) > _PLAIN_SIZE:
        _check_structure(raw)
    try:
        value = _DECODER.decode(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _nowhere(
            f"The body is not UTF-8 at octet {error.start}.",
            f"Il corpo non è UTF-8 all'ottetto {error.start}.",
        ) from None
    except json.JSONDecodeError as error:
        raise _nowhere(
            f"The body is not JSON: line {error.lineno}, column {error.colno}.",
            f"Il corpo non è JSON: riga {error.lineno}, colonna {error.colno}.",
        ) from None
    except _Refused as error:
        raise Problem("malformed", error.words, faults=[Fault("#", error.words)]) from None
    except RecursionError:
        raise _too_deep("#") from None
    # Only an escape can bring in NUL or half a pair, and only brackets can nest.
    if (b"\\u" in raw and _SUSPECT.search(raw)) or raw.count(b"[") + raw.count(b"{") > DEPTH:
        _check_values(value)
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused(
            "A key stands twice in one object; readers differ in which of them counts.",
            "Una chiave compare due volte nello stesso oggetto; non è chiaro quale valga.",
        )
    return found


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER or not -(2**63) <= (value := int(digits)) < 2**63:
        raise _Refused("A number does not fit in 64 bits.", "Un numero non entra in 64 bit.")
    return value


def _decimal(digits: str) -> float:
    if len(digits) > _LONGEST_NUMBER or not math.isfinite(value := float(digits)):
        raise _Refused("A number is too large or too long.", "Un numero è troppo grande o troppo lungo.")
    return value


def _constant(name: str) -> NoReturn:
    raise _Refused("NaN and Infinity are not JSON.", "NaN e Infinity non sono JSON.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_integer, parse_float=_decimal, parse_constant=_constant
)


def _check_structure(raw: bytes) -> None:
    """Count the values of a large body before any of them is built; a few passes at the speed of C."""
    if _count_marks(raw) <= VALUES:
        return
    # Without escapes every quote begins or ends a string, so every other piece lies outside of strings.
    plain = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    if plain.count(b'"') > 4 * VALUES or sum(map(_count_marks, plain.split(b'"')[::2])) > VALUES:
        raise _nowhere(
            f"The body holds more than {VALUES} values.", f"Il corpo contiene più di {VALUES} valori."
        )


def _count_marks(raw: bytes) -> int:
    """What separates values or opens arrays and objects."""
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{")


def _check_values(value: Any) -> None:
    """Refuse what nests too deep, and strings and keys with NUL or half a surrogate pair."""
    stack: list[tuple[Any, str, int]] = [(value, "#", 0)]
    while stack:
        item, pointer, depth = stack.pop()
        if depth > DEPTH:
            raise _too_deep(pointer)
        if isinstance(item, str):
            _check_string(item, pointer)
        elif isinstance(item, dict):
            for name, child in item.items():
                _check_string(name, pointer)
                stack.append((child, f"{pointer}/{escape(name)}", depth + 1))
        elif isinstance(item, list):
            stack += [(child, f"{pointer}/{n}", depth + 1) for n, child in enumerate(item)]


def _check_string(text: str, pointer: str) -> None:
    if text.isascii() and "\0" not in text:
        return
    if "\0" in text:
        raise malformed(pointer, "The text holds a NUL character.", "Il testo contiene un carattere NUL.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise malformed(
            pointer,
            "The text holds half a surrogate pair, which stands for no character.",
            "Il testo contiene mezza coppia di surrogati, che non rappresenta alcun carattere.",
        ) from None


def escape(name: str) -> str:
    """A key as a token of a JSON pointer (RFC 6901), cut where it is long."""
    return name[:64].replace("~", "~0").replace("/", "~1")


def _too_deep(pointer: str) -> Problem:
    return malformed(
        pointer[:200],
        f"The body nests deeper than {DEPTH} levels.",
        f"Il corpo è annidato oltre {DEPTH} livelli.",
    )


def _nowhere(en: str, it: str) -> Problem:
    return malformed("#", en, it)
