"""In which language to answer: English or Italian (RFC 9110 12.5.4)."""

from aiohttp import web

LANGUAGES = ("en", "it")
_LONGEST = 200


def choose_language(accept: str) -> str:
    """The language that an Accept-Language header prefers; English for anything unclear."""
    if not accept or len(accept) > _LONGEST:
        return "en"
    best, best_weight = "en", 0.0
    for part in accept.split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        weight = _weight(parameter)
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def language_of(request: web.BaseRequest) -> str:
    """The language to answer this request in."""
    return choose_language(request.headers.get("Accept-Language", ""))


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    value = value.strip()
    plain = value.replace(".", "", 1)
    return float(value) if plain.isascii() and plain.isdigit() and len(value) < 6 else 0.0
