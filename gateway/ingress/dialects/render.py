"""Words put in for one person: SendGrid's substitutions and sections, Mailgun's recipient variables, the
data of SES's templates, Brevo's parameters. Pure.

What is not known stays as it stands, so that the policies see the tag that the person would see.
"""

import html
import re
from collections.abc import Mapping
from typing import Any

from gateway.ingress.dialects.bad import Bad, too_large

LONGEST = 5_000_000
"""Characters of a text after words were put in."""

_STEPS = r"\s*([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)\s*"
_FIELD = re.compile(rf"\{{\{{\{{{_STEPS}\}}\}}\}}|\{{\{{{_STEPS}\}}\}}")
_RECIPIENT = re.compile(r"%recipient(?:\.([^%\s]{1,200})|_(email|name|fname|lname))?%")
_PARAMETER = re.compile(r"\{\{[ \t]{0,20}params((?:\.[\w-]{1,200}){1,10})[ \t]{0,20}\}\}")


def substitute(text: str, words: Mapping[str, str]) -> str:
    """The text with each key replaced by its value, key by key as SendGrid does. Raises Bad (413) when it
    grows beyond LONGEST."""
    for key, value in words.items():
        found = text.count(key) if key else 0
        if not found:
            continue
        if len(text) + found * (len(value) - len(key)) > LONGEST:
            raise too_large("With the substitutions put in, the text is too long.", "substitutions")
        text = text.replace(key, value)
    return text


def with_sections(words: Mapping[str, str], sections: Mapping[str, str]) -> dict[str, str]:
    """Substitutions whose values name sections, with those put in (the legacy API of SendGrid)."""
    if not sections:
        return dict(words)
    return {key: substitute(value, sections) for key, value in words.items()}


def put_in_variables(text: str, variables: Mapping[str, str], address: str, name: str) -> str:
    """The text with `%recipient.key%` and Mailgun's own `%recipient_name%` replaced."""
    if "%recipient" not in text:
        return text
    size = len(text)

    def put(match: re.Match[str]) -> str:
        nonlocal size
        key, own = match.groups()
        value = variables.get(key) if key else _own(own, address, name)
        if value is None:
            return match[0]
        size += len(value) - len(match[0])
        if size > LONGEST:
            raise too_large(
                "With the recipient variables put in, the text is too long.", "recipient-variables"
            )
        return value

    return _RECIPIENT.sub(put, text)


def put_in_data(text: str, data: Mapping[str, Any], at: str) -> str:
    """The text with `{{name}}` and `{{name.inner}}` replaced, as SES does without escaping. Raises Bad for
    what has no value, which SES would not send either, and for whatever else a template may hold."""
    size = len(text)

    def put(match: re.Match[str]) -> str:
        nonlocal size
        value: Any = data
        for step in (match[1] or match[2]).split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
        if not isinstance(value, (str, int, float)):
            raise Bad("The template asks for something that its data does not have as text.", at)
        said = value if isinstance(value, str) else str(value).lower()
        size += len(said)
        if size > LONGEST:
            raise too_large("With the template's data put in, the text is too long.", at)
        return said

    if "{{" in _FIELD.sub("", text):
        raise Bad("Only fields ({{name}}) are put into a template here; send the text itself.", at)
    return _FIELD.sub(put, text)


def put_in_params(text: str, params: Mapping[str, Any], *, escape: bool) -> str:
    """The text with Brevo's `{{params.key}}` replaced, dots leading into objects; `escape` for HTML. Raises
    Bad (413) when it grows beyond LONGEST."""
    size = len(text)

    def put(match: re.Match[str]) -> str:
        nonlocal size
        value: Any = params
        for step in match[1][1:].split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
        if not isinstance(value, (str, int, float)) or isinstance(value, bool):
            return match[0]
        said = html.escape(str(value)) if escape else str(value)
        size += len(said) - len(match[0])
        if size > LONGEST:
            raise too_large("With the parameters put in, the text is too long.", "params")
        return said

    return _PARAMETER.sub(put, text)


def _own(what: str | None, address: str, name: str) -> str:
    first, _, rest = name.partition(" ")
    return {"name": name, "fname": first, "lname": rest}.get(what or "", address)
