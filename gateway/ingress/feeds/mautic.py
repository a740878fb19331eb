"""Mautic's webhooks: an object keyed by the name of the event, each an array."""

from collections.abc import Mapping
from typing import Any

from gateway.access import Source
from gateway.ingress.feeds.told import Feed, Told, filled, line, mark_of, moment, obj, purpose_of, rows

_CHANNELS = {"email": "email", "sms": "sms"}
_STATUS = {"unsubscribed": "unsubscribe", "manual": "unsubscribe", "bounced": "message.bounced"}
YES = frozenset({"1", "yes", "true", "on", "sì", "si", "ja", "oui"})


def read(body: Any, options: Mapping[str, Any], source: Source) -> list[Told | None]:
    """Changes of do-not-contact, and forms in which the field `consent_field` (`consent`) says yes. That
    a contact may be contacted again is nobody's consent and is left out."""
    told: list[Told | None] = []
    for item in rows(obj(body).get("mautic.lead_channel_subscription_changed")):
        told += _changed(item) or [None]
    for item in rows(obj(body).get("mautic.form_on_submit")):
        told += _submitted(item, options, source) or [None]
    return told or [None]


def _changed(item: Mapping[str, Any]) -> list[Told]:
    channel = _CHANNELS.get(line(item.get("channel")), "")
    kind = _STATUS.get(line(item.get("new_status")), "")
    fields = obj(obj(obj(item.get("contact")).get("fields")).get("core"))
    name = "email" if channel == "email" else "mobile"
    value = fields.get(name)
    address = line(value.get("value") if isinstance(value, dict) else value)
    if not channel or not kind or not address:
        return []
    data = filled(kind="hard" if kind == "message.bounced" else "")
    at = moment(item.get("timestamp"))
    return [
        Told(type=kind, id=mark_of(item), addresses=((channel, address),), at=at, channel=channel, data=data)
    ]


def _submitted(item: Mapping[str, Any], options: Mapping[str, Any], source: Source) -> list[Told]:
    sent = obj(item.get("submission"))
    form, results = obj(sent.get("form")), obj(sent.get("results"))
    field = line(options.get("consent_field") or "consent")
    answer = results.get(field)
    if line(answer).lower() not in YES and answer is not True:
        return []
    number = line(form.get("id"))
    ip = sent.get("ipAddress")
    proof = filled(
        wording=line(options.get("wording"), 2000),
        wording_version=number,
        form=line(form.get("name")),
        form_url=line(sent.get("referer"), 1000),
        ip=line(ip.get("ip") if isinstance(ip, dict) else ip, 45),
    )
    told = Told(
        type="consent.granted",
        id=f"form-{line(sent.get('id'))}" if line(sent.get("id")) else mark_of(item),
        addresses=(("email", line(results.get(line(options.get("email_field") or "email")))),),
        at=moment(sent.get("dateSubmitted")) or moment(item.get("timestamp")),
        purpose=purpose_of(options, source, number),
        data=proof,
    )
    return [told]


MAUTIC = Feed(name="mautic", read=read)
