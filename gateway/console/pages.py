"""Rendering: templates, words in two languages, headers, and how times and sizes read."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gateway import __version__
from gateway.console.excerpts import plain
from gateway.evidence.telling import FINDINGS
from gateway.policy.dates import quoted
from gateway.reading.reading import Evidence
from gateway.web.language import LANGUAGES, language_of

HERE = Path(__file__).parent
THEMES = ("auto", "light", "dark")

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self' data:; connect-src 'self'; frame-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
    # Under no-referrer a browser says of its own forms that they come from nowhere (Origin: null).
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Robots-Tag": "noindex, nofollow",
}
_MONTHS = {
    "en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(),
    "it": "gen feb mar apr mag giu lug ago set ott nov dic".split(),
}
_UNITS = ((86400.0, "d", "g"), (3600.0, "h", "h"), (60.0, "min", "min"))


_NUMBER = re.compile(r"[0-9]+")
_BLANK = re.compile("#")


class Words:
    """Every sentence of the console in one language."""

    def __init__(self, language: str, texts: Mapping[str, list[str]]) -> None:
        self.language = language
        self._texts = {key: pair[LANGUAGES.index(language)] for key, pair in texts.items()}

    def __getitem__(self, key: str) -> str:
        return self._texts[key]

    def __call__(self, key: str, **given: Any) -> str:
        """The sentence with its blanks filled in."""
        return self._texts[key].format(**given)

    def name(self, kind: str, word: str) -> str:
        """What people call a class, a channel, a state; the word itself where there is no better one."""
        return self._texts.get(f"{kind}.{word}", word.replace("_", " "))

    def shows(self, why: str) -> str:
        """What some words are evidence of. Rules and readings say it in English."""
        said = self._texts.get("shows." + why) or self._texts.get("shows." + _NUMBER.sub("#", why))
        if said is None:
            return self._composed(why)
        numbers = iter(_NUMBER.findall(why))
        return _BLANK.sub(lambda _: next(numbers, ""), said)

    def quoted(self, evidence: Evidence) -> str:
        """What is shown of it: words as they stand, and a date as people write it; rules do in English."""
        return quoted(evidence, self.language)

    def _composed(self, why: str) -> str:
        """What is said in two parts: a finding and the group of its lexicon, a reader's name, a consent."""
        finding, _, group = why.partition(": ")
        if group and finding in FINDINGS:
            return f"{FINDINGS[finding].in_(self.language)} ({group.replace('_', ' ')})"
        reader = why.removeprefix("the reader is ")
        if reader != why:
            return self("reader.is", name=reader)
        state, graded, grade = why.partition(", grade ")
        return f"{self.name('state', state)}, {self['grade']} {grade}" if graded else why


def load_words() -> dict[str, Words]:
    """The words of both languages, from one file in which they stand side by side."""
    texts = json.loads((HERE / "words.json").read_text("utf-8"))
    return {language: Words(language, texts) for language in LANGUAGES}


def lasting(seconds: float, language: str = "en") -> str:
    """A length of time as people say it: 3 d, 5 h, 12 min."""
    for size, en, it in _UNITS:
        if abs(seconds) >= size:
            return f"{int(abs(seconds) // size)} {it if language == 'it' else en}"
    return "0 min" if abs(seconds) < 1 else f"{int(abs(seconds))} s"


def moment(seconds: float, language: str) -> str:
    """A moment in UTC: 20 Nov 2026, 14:05."""
    try:
        at = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return "?"
    return f"{at.day} {_MONTHS[language][at.month - 1]} {at.year}, {at:%H:%M}"


def octets(size: int) -> str:
    """A size in bytes, as people read it."""
    return f"{size} B" if size < 1000 else f"{size / 1000:.0f} kB" if size < 1e6 else f"{size / 1e6:.1f} MB"


def number(value: float, language: str) -> str:
    """A whole number with its thousands apart."""
    return f"{value:,.0f}".replace(",", "." if language == "it" else ",")


def share(value: float, language: str, digits: int = 1) -> str:
    """A share (0 to 1) in percent."""
    text = f"{value * 100:.{digits}f}"
    return (text.replace(".", ",") if language == "it" else text) + " %"


class Pages:
    """Renders the templates in the reader's language and theme."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.words = load_words()
        self._clock = clock
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["plain"] = plain

    def show(
        self, request: web.BaseRequest, template: str, *, status: int = 200, **given: Any
    ) -> web.Response:
        """A page. `given` is what the template asks for besides what every page has; `here` is where
        whoever changes its language or colors comes back to."""
        language = language_for(request)
        now = self._clock()
        text = self._environment.get_template(template).render(
            w=self.words[language],
            language=language,
            theme=theme_for(request),
            now=now,
            version=__version__,
            when=lambda at: _when(at, now, language),
            lasting=lambda seconds: lasting(seconds, language),
            octets=octets,
            n=lambda value: number(value, language),
            share=lambda value, digits=1: share(value, language, digits),
            **{"here": request.path_qs, "session": None, "me": None, "may": _nothing, "paused": (), **given},
        )
        return web.Response(
            text=text,
            status=status,
            content_type="text/html",
            headers=HEADERS | {"Content-Language": language, "Vary": "Cookie, Accept-Language"},
        )


def _nothing(deed: str) -> bool:
    return False


def _when(at: float, now: float, language: str) -> Markup:
    """A moment as an element: how long ago, with the date for whoever wants it."""
    if not at:
        return Markup("<span class=never>–</span>")
    iso = datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
    return Markup('<time datetime="{}">{}</time>').format(iso, moment(at, language))


def language_for(request: web.BaseRequest) -> str:
    """The language chosen in the console, else what the browser prefers."""
    chosen = request.cookies.get("galateo_language", "")
    return chosen if chosen in LANGUAGES else language_of(request)


def theme_for(request: web.BaseRequest) -> str:
    """light, dark, or auto for what the device prefers."""
    chosen = request.cookies.get("galateo_theme", "auto")
    return chosen if chosen in THEMES else "auto"


_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_NAMES = ("console.css", "console.js", "mark.svg", "vendor/htmx.min.js", "vendor/pico.min.css")


class Files:
    """The console's own scripts, style and vendored libraries: listed, read once, served from memory."""

    def __init__(self) -> None:
        self._bodies = {name: (HERE / "static" / name).read_bytes() for name in _NAMES}

    async def show(self, request: web.Request) -> web.Response:
        """One of them, by name."""
        name = request.match_info["name"]
        body = self._bodies.get(name)
        if body is None:
            raise web.HTTPNotFound
        kind = _TYPES[Path(name).suffix]
        headers = {"Cache-Control": "public, max-age=3600"}
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)
