"""Which relay an entry goes to. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.delivery.outbox import Entry
from gateway.delivery.transaction import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """The whole table of routes.

    `formats` names every relay and the format it takes, "mime" or "json". An entry's own relay comes
    first, then its source's, then its controller's, then `email` or `other` by its channel.
    """

    formats: Mapping[str, str]
    email: str = ""
    other: str = ""
    by_source: Mapping[str, str] = field(default_factory=dict)
    by_controller: Mapping[str, str] = field(default_factory=dict)


def route(entry: Entry, routes: Routes) -> str | Refusal:
    """The relay's name, or why there is none."""
    name = (
        entry.relay
        or routes.by_source.get(entry.source)
        or routes.by_controller.get(entry.controller)
        or (routes.email if entry.channel == "email" else routes.other)
    )
    if not name:
        setting = "RELAY" if entry.channel == "email" else "WEBHOOK_RELAY"
        return Refusal("5.3.5", f"no relay is set up for channel {entry.channel}: set {setting}")
    takes = routes.formats.get(name)
    if takes is None and name == f"upstream-{entry.source}":
        text = f"its provider was to send it, and no `upstream` is set for the source {entry.source}"
        return Refusal("5.3.5", text)
    if takes is None:
        return Refusal("5.3.5", f"there is no relay named {name}")
    if takes != entry.format:
        return Refusal("5.6.1", f"relay {name} takes {takes} messages, this one is {entry.format}")
    return name
