"""Templates that a provider keeps: fetched from it and rendered here, so that the policies read what the
person would see. What cannot be rendered exactly stays pending, and is held.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.ingress.dialects.bad import Bad
from gateway.ingress.dialects.fields import leaves, one_line
from gateway.ingress.dialects.letter import Letter
from gateway.ingress.dialects.mustache import Unrendered, render

Fetch = Callable[[str, str], Awaitable[Any]]
"""What a source's provider has under a path, as JSON; None where it has nothing, or does not answer."""


async def fetch_nothing(source: str, path: str) -> Any:
    """No provider is asked."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A provider's template, "" for a part that it does not have."""

    subject: str = ""
    text: str = ""
    html: str = ""


def of_sendgrid(found: Any) -> Template | None:
    """The active version of `GET /v3/templates/<id>`; None for a legacy one, which wraps other text."""
    if not isinstance(found, Mapping) or found.get("generation") != "dynamic":
        return None
    versions = found.get("versions")
    for version in versions if isinstance(versions, list) else []:
        if isinstance(version, Mapping) and version.get("active") in (1, True):
            return _template(version, "subject", "plain_content", "html_content")
    return None


def of_postmark(found: Any) -> Template | None:
    """`GET /templates/<id or alias>`; None for one within a layout, which stands elsewhere."""
    if not isinstance(found, Mapping) or found.get("LayoutTemplate") or found.get("Active") is False:
        return None
    return _template(found, "Subject", "TextBody", "HtmlBody")


def of_mailgun(found: Any) -> Template | None:
    """The active version of `GET /v3/<domain>/templates/<name>?active=yes`."""
    template = found.get("template") if isinstance(found, Mapping) else None
    version = template.get("version") if isinstance(template, Mapping) else None
    if not isinstance(version, Mapping) or version.get("engine", "handlebars") != "handlebars":
        return None
    return _template(version, "", "", "template")


def _template(data: Mapping[str, Any], subject: str, text: str, html: str) -> Template | None:
    parts = [data.get(name) if name else "" for name in (subject, text, html)]
    said = [part if isinstance(part, str) else "" for part in parts]
    if not (said[1] or said[2]):
        return None
    return Template(subject=said[0], text=said[1], html=said[2])


def fill(letter: Letter, template: Template | None, data: Any) -> Letter:
    """The letter as the person will see it; as it was where that cannot be said."""
    if template is None:
        return letter
    try:
        return replace(
            letter,
            subject=one_line(render(template.subject, data, escape=False).strip(), "subject")
            or letter.subject,
            text=render(template.text, data, escape=False),
            html=render(template.html, data, escape=True),
            own_words=(*letter.own_words, *leaves(data)),
            pending="",
        )
    except (Unrendered, Bad):
        return letter
