"""Typeform: what was answered in a form, as the proof of a consent."""

from collections.abc import Mapping
from typing import Any

from gateway.access import Source
from gateway.ingress.feeds.told import Feed, Told, filled, line, mark_of, moment, obj, purpose_of, rows


def read(body: Any, options: Mapping[str, Any], source: Source) -> list[Told | None]:
    """A consent where the question `consent_field` (else the legal one) was answered yes. Hidden fields come
    from the address of the page, which anyone may write: they prove nothing and are left out."""
    sent = obj(obj(body).get("form_response"))
    if line(obj(body).get("event_type")) != "form_response":
        return [None]
    answers = rows(sent.get("answers"))
    email = next((line(a.get("email")) for a in answers if a.get("type") == "email"), "")
    agreed = next((a for a in answers if _agrees(a, line(options.get("consent_field")))), None)
    if agreed is None or not email:
        return [None]
    form = line(sent.get("form_id"))
    told = Told(
        type="consent.granted",
        id=line(obj(body).get("event_id")) or mark_of(sent),
        addresses=(("email", email),),
        at=moment(sent.get("submitted_at")),
        purpose=purpose_of(options, source, form),
        data=filled(
            wording=_wording(sent, agreed),
            wording_version=form,
            form=line(obj(sent.get("definition")).get("title")),
            response=line(sent.get("token")),
        ),
    )
    return [told]


def _agrees(answer: Mapping[str, Any], wanted: str) -> bool:
    field = obj(answer.get("field"))
    names = (line(field.get("ref")), line(field.get("id")))
    asked = wanted in names if wanted else line(field.get("type")) == "legal"
    return asked and answer.get("boolean") is True


def _wording(sent: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    asked = line(obj(answer.get("field")).get("id"))
    fields = rows(obj(sent.get("definition")).get("fields"))
    return next((line(f.get("title"), 2000) for f in fields if line(f.get("id")) == asked), "")


TYPEFORM = Feed(name="typeform", read=read)
