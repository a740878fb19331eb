"""Pages for recipients: five languages, no script, one small style sheet, nothing from elsewhere."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.policy.dates import day

LANGUAGES = {"it": "Italiano", "en": "English", "de": "Deutsch", "fr": "Français", "es": "Español"}
STYLE = "/public.css"
_HERE = Path(__file__).parent
_LONGEST_ACCEPT = 200

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "Permissions-Policy": "interest-cohort=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def language_for(request: web.BaseRequest) -> str:
    """The reader's language: as chosen on the page, else as the browser prefers, else English."""
    chosen = request.query.get("lang", "")
    return chosen if chosen in LANGUAGES else preferred(request.headers.get("Accept-Language", ""))


def preferred(accept: str) -> str:
    """The language of the pages that an Accept-Language header (RFC 9110 12.5.4) likes best."""
    best, best_weight = "en", 0.0
    for part in accept[:_LONGEST_ACCEPT].split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        weight = _weight(parameter.strip())
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameter: str) -> float:
    if not parameter.startswith("q="):
        return 1.0
    try:
        return min(max(float(parameter[2:8]), 0.0), 1.0)
    except ValueError:
        return 0.0


class Words(Mapping[str, str]):
    """Every sentence in one language. `name(kind, word)` is a word of the trade as people say it: a
    purpose, a channel; as it is where the table has none."""

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        self.language = language
        self._texts = texts

    def __getitem__(self, key: str) -> str:
        return self._texts[key]

    def __iter__(self) -> Any:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def name(self, kind: str, word: str) -> str:
        """The everyday name of a purpose, channel, class, action or grade."""
        return self._texts.get(f"{kind}.{word}", word)


def load_words() -> dict[str, Words]:
    """The texts of all languages."""
    return {
        language: Words(language, json.loads((_HERE / "words" / f"{language}.json").read_text("utf-8")))
        for language in LANGUAGES
    }


class Pages:
    """Renders the templates."""

    def __init__(self) -> None:
        self.words = load_words()
        self._environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._style = (_HERE / "static" / "public.css").read_bytes()

    def show(
        self, request: web.BaseRequest, template: str, *, status: int = 200, **given: Any
    ) -> web.Response:
        """A page in the reader's language. `given` is what the template asks for."""
        language = language_for(request)
        text = self._environment.get_template(template).render(
            w=self.words[language],
            language=language,
            languages=LANGUAGES,
            style=STYLE,
            day=lambda seconds: day(seconds, language),
            **given,
        )
        headers = HEADERS | {"Content-Language": language, "Vary": "Accept-Language"}
        return web.Response(text=text, status=status, content_type="text/html", headers=headers)

    def tell(self, request: web.BaseRequest, key: str, *, status: int = 200, **given: Any) -> web.Response:
        """A page that says one thing: `<key>.title` and `<key>.text` of the table."""
        return self.show(request, "message.html", status=status, key=key, given=given)

    async def style(self, request: web.Request) -> web.Response:
        """The style sheet."""
        headers = {"Cache-Control": "public, max-age=86400"}
        return web.Response(body=self._style, content_type="text/css", headers=headers)
