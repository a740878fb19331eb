"""HubSpot: a contact as a workflow posts it, after a form or a change of subscription."""

from collections.abc import Mapping
from typing import Any

from gateway.access import Source
from gateway.ingress.feeds.told import (
    Feed,
    Told,
    events,
    filled,
    line,
    mark_of,
    moment,
    obj,
    purpose_of,
    rows,
)

_OPTED_OUT = "hs_email_optout"
_CONSENT = "freely given consent"


def read(body: Any, options: Mapping[str, Any], source: Source) -> list[Told | None]:
    """A withdrawal where the contact opted out; else a consent where the legal basis is a freely given one
    and a form was sent. Other legal bases are the company's claim, not the person's word."""
    found: list[Told | None] = []
    for item in events(body):
        found += _read(item, options, source) or [None]
    return found


def _read(item: Mapping[str, Any], options: Mapping[str, Any], source: Source) -> list[Told]:
    properties = obj(item.get("properties"))
    email = _value(properties, "email")
    if not email:
        return []
    addresses = (("email", email),)
    if _value(properties, _OPTED_OUT).lower() == "true":
        return [Told(type="unsubscribe", id=mark_of(item), addresses=addresses)]
    form = max(rows(item.get("form-submissions")), key=lambda f: moment(f.get("timestamp")), default={})
    if not form or not _value(properties, "hs_legal_basis").lower().startswith(_CONSENT):
        return []
    number = line(form.get("form-id"))
    contact = line(item.get("vid")) or mark_of(email)
    told = Told(
        type="consent.granted",
        id=f"form-{contact}-{number}-{line(form.get('timestamp'))}",
        addresses=addresses,
        at=moment(form.get("timestamp")),
        purpose=purpose_of(options, source, number),
        data=filled(
            wording=line(options.get("wording"), 2000),
            wording_version=number,
            form=line(form.get("title")),
            form_url=line(form.get("page-url"), 1000),
        ),
    )
    return [told]


def _value(properties: Mapping[str, Any], name: str) -> str:
    value = properties.get(name)
    if isinstance(value, dict):
        value = value.get("value")
    return str(value).lower() if isinstance(value, bool) else line(value)


HUBSPOT = Feed(name="hubspot", read=read)
