"""Templates that a provider keeps: fetched from it and rendered here, so that the policies read what the
person would see. What cannot be rendered exactly stays pending, and is held.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from gateway.ingress.dialects import mustache, mustachio
from gateway.ingress.dialects.bad import Bad
from gateway.ingress.dialects.fields import leaves, one_line
from gateway.ingress.dialects.letter import Letter, gathered
from gateway.ingress.dialects.rendering import Unrendered, Work

Fetch = Callable[[str, str], Awaitable[Any]]
"""What a source's provider has under a path, as JSON; None where it has nothing, or does not answer."""


async def fetch_nothing(source: str, path: str) -> Any:
    """No provider is asked."""
    return None


_TAG = re.compile(r"\{\{([^{}]*+)\}\}")
_NAME = re.compile(r"[\w$-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A provider's template, "" for a part that it does not have, and what renders it."""

    render: Callable[..., str]
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
            render = partial(mustache.render, sendgrid=True)
            return _template(version, render, "subject", "plain_content", "html_content")
    return None


def of_postmark(found: Any) -> Template | None:
    """`GET /templates/<id or alias>`; None for one within a layout, which stands elsewhere."""
    if not isinstance(found, Mapping) or found.get("LayoutTemplate") or found.get("Active") is False:
        return None
    return _template(found, mustachio.render, "Subject", "TextBody", "HtmlBody")


def of_mailgun(found: Any) -> Template | None:
    """The version of `GET /v3/<domain>/templates/<name>?active=yes`, or `.../<name>/versions/<tag>`."""
    template = found.get("template") if isinstance(found, Mapping) else None
    version = template.get("version") if isinstance(template, Mapping) else None
    if not isinstance(version, Mapping) or version.get("engine", "handlebars") != "handlebars":
        return None
    headers = version.get("headers") or {}
    if not isinstance(headers, Mapping):
        return None
    subject = next((value for name, value in headers.items() if name.lower() == "subject"), "")
    return _template({**version, "subject": subject}, mustache.render, "subject", "", "template")


def _template(
    data: Mapping[str, Any], render: Callable[..., str], subject: str, text: str, html: str
) -> Template | None:
    parts = [data.get(name) if name else "" for name in (subject, text, html)]
    said = [part if isinstance(part, str) else "" for part in parts]
    if not (said[1] or said[2]):
        return None
    return Template(render=render, subject=said[0], text=said[1], html=said[2])


def mentions(template: Template, names: Iterable[str]) -> bool:
    """Whether a tag of the template has one of these names in it."""
    tags = " ".join(
        tag for part in (template.subject, template.text, template.html) for tag in _TAG.findall(part)
    )
    return not set(_NAME.findall(tags)).isdisjoint(word for name in names for word in _NAME.findall(name))


async def fill_all(given: Sequence[tuple[Letter, Template | None, Any]], work: Work) -> list[Letter]:
    """The letters of one request as their people will see them, each with its template and its data. In a
    thread: rendering may take seconds, and others are served meanwhile. What is more work than the request
    has left stays pending. Raises Bad, as `gathered` does."""
    if all(template is None for _, template, _ in given):
        return [letter for letter, _, _ in given]
    return await asyncio.to_thread(lambda: gathered(fill(*one, work) for one in given))


def fill(letter: Letter, template: Template | None, data: Any, work: Work) -> Letter:
    """The letter as the person will see it; as it was where that cannot be said."""
    if template is None:
        return letter
    said = partial(template.render, data=data, work=work)
    try:
        return replace(
            letter,
            subject=one_line(said(template.subject, escape=False).strip(), "subject") or letter.subject,
            text=said(template.text, escape=False),
            html=said(template.html, escape=True),
            own_words=(*letter.own_words, *leaves(data)),
            pending="",
        )
    except (Unrendered, Bad):
        return letter
