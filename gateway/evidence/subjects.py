"""What a person may ask for about themselves: a copy (GDPR 15 and 20), and restriction (GDPR 18)."""

from collections.abc import Sequence
from html import escape
from typing import Any

import orjson
from msgspec.structs import replace

from gateway.evidence.entries import Rows, declaration
from gateway.evidence.stretch import moment
from gateway.evidence.traces import Traces, mine, traces_of
from gateway.evidence.unplaced import Unplaced, replies_from, requests_of
from gateway.intake.optin import Pending
from gateway.keys import Keys
from gateway.message.address import normalize
from gateway.message.ids import new_id
from gateway.policy.outcome import Outcome
from gateway.store.codec import pack_person
from gateway.store.draft import Draft, Needs
from gateway.store.protocol import Store
from gateway.store.records import Ref


def subjects_of(keys: Keys, channel: str, address: str) -> bytes:
    """The subject key of an address as people write it."""
    return keys.subject(channel, normalize(channel, address))


async def export(
    store: Rows, refs: Sequence[Ref], channel: str, address: str, now: float, keys: Keys | None = None
) -> dict[str, Any]:
    """Everything stored about a person, as plain data: common, structured and machine-readable. With the
    keys, replies that were matched to nobody are found by their author."""
    known = [
        _told(await traces_of(store, ref), [one for _, one in await requests_of(store, ref)]) for ref in refs
    ]
    unplaced = list[Unplaced]()
    if keys is not None:
        subjects = {ref[1] for ref in refs} | ({subjects_of(keys, channel, address)} if address else set())
        controllers = {"", *(ref[0] for ref in refs)}
        unplaced = [one for one in await replies_from(store, subjects, keys) if one.controller in controllers]
    return {
        "about": {"channel": channel, "address": address},
        "made_at": moment(now),
        "known_by": known,
        "replies_matched_to_nobody": [
            {"at": moment(one.at), "subject": one.told.get("subject", ""), "text": one.told.get("text", "")}
            for one in unplaced
        ],
    }


def _told(traces: Traces, requests: Sequence[Pending]) -> dict[str, Any]:
    recipients: dict[str, set[int]] = {}
    for decision in traces.decisions:
        recipients.setdefault(decision.message_id, set()).add(decision.n)
    return {
        "controller": traces.ref[0],
        "now": orjson.loads(pack_person(traces.person)),
        "stops": [{"kind": s.kind, "at": moment(s.at)} for s in traces.person.stops],
        "restricted_since": moment(traces.person.restricted_at) if traces.person.restricted_at else "",
        "consents": [
            {
                "action": c.action, "purpose": c.purpose, "channel": c.channel, "grade": c.grade,
                "basis": c.basis, "at": moment(c.at), "recorded_at": moment(c.recorded_at),
                "source": c.source, "proof": orjson.loads(c.proof),
            }
            for c in traces.consents
        ],
        "events": [
            {"type": e.type, "at": moment(e.at), "source": e.source, "data": orjson.loads(e.data)}
            for e in traces.events
        ],
        "messages": [mine(row, recipients.get(row.id, set())) for row in traces.messages.values()],
        "decisions": [
            {
                "id": d.id, "at": moment(d.at), "outcome": Outcome(d.outcome).word, "class": d.class_,
                "sender": d.sender, "campaign": d.campaign, "violations": orjson.loads(d.violations),
                "facts": orjson.loads(d.snapshot),
            }
            for d in traces.decisions
        ],
        "holds": [
            {"id": h.id, "status": h.status, "since": moment(h.created_at), "reason": h.reason}
            for h in traces.holds
        ],
        "deliveries": [
            {
                "id": name, "attempt": attempt, "at": moment(at), "outcome": outcome, "relay": relay,
                "code": code, "answer": text,
            }
            for name, attempt, at, outcome, relay, code, text in traces.attempts
        ],
        "waiting_to_be_sent": traces.waiting,
        "requests_not_confirmed": [
            {
                "purpose": one.purpose, "channel": one.channel, "at": moment(one.at), "source": one.source,
                "proof": dict(one.proof),
            }
            for one in requests
        ],
    }  # fmt: skip


_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>What is stored about you</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse}td,th{border:1px solid #ccc;
padding:.2rem .5rem;text-align:left;vertical-align:top}
</style></head><body>
"""


def as_html(told: dict[str, Any]) -> str:
    """The same for people to read: one page that needs nothing else."""
    about = told["about"]
    parts = [
        _HEAD,
        f"<h1>What is stored about {escape(about['address'] or 'you')}</h1>",
        f"<p>{escape(', '.join(filter(None, (about['channel'], told['made_at']))))}</p>",
    ]
    unplaced = "replies_matched_to_nobody"
    if not told["known_by"] and not told[unplaced]:
        parts.append("<p>Nothing.</p>")
    for known in told["known_by"]:
        parts.append(f"<h2>{escape(known['controller'])}</h2>")
        parts.extend(_section(name, known[name]) for name in known if name not in ("controller", "now"))
    parts.append(_section(unplaced, told[unplaced]))
    return "".join([*parts, "</body></html>\n"])


def _section(name: str, value: Any) -> str:
    if not value:
        return ""
    title = escape(name.replace("_", " ").capitalize())
    if not isinstance(value, list):
        return f"<h3>{title}</h3><p>{escape(str(value))}</p>"
    return f"<h3>{title} ({len(value)})</h3>" + "".join(_item(item) for item in value)


def _item(item: Any) -> str:
    if not isinstance(item, dict):
        return f"<p>{escape(str(item))}</p>"
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{_cell(value)}</td></tr>" for name, value in item.items())
    return f"<table>{rows}</table><p></p>"


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return escape(value)
    return f"<code>{escape(orjson.dumps(value).decode())}</code>"


class _Restrict:
    """Nobody writes while the restriction stands; nothing is deleted."""

    def __init__(self, refs: Sequence[Ref], actor: str, reference: bytes, *, lift: bool) -> None:
        self._refs = refs
        self._actor = actor
        self._reference = reference
        self._lift = lift
        self.needs = Needs(people=tuple(refs))

    def apply(self, draft: Draft[int]) -> int:
        """How many subjects changed."""
        changed = 0
        for ref in self._refs:
            person = draft.person(ref)
            if bool(person.restricted_at) is not self._lift:
                continue
            changed += 1
            draft.set_person(ref, replace(person, restricted_at=0.0 if self._lift else draft.now))
            if not self._lift:
                draft.cancel(ref, "restricted")
        if changed:
            kind = "subject.unrestricted" if self._lift else "subject.restricted"
            name = new_id(draft.now, self._reference)
            draft.writes.audit.append(declaration(draft.now, kind, name, self._actor, {"subjects": changed}))
        return changed


async def restrict(
    store: Store, refs: Sequence[Ref], actor: str, reference: bytes, *, lift: bool = False
) -> int:
    """Restrict the processing of a person's data, or lift that; how many subjects changed. `reference` are
    ten random octets. Raises StoreError."""
    return await store.run(_Restrict(refs, actor, reference, lift=lift))


class _Note:
    needs = Needs()

    def __init__(self, kind: str, actor: str, reference: bytes, told: dict[str, Any]) -> None:
        self._kind = kind
        self._actor = actor
        self._reference = reference
        self._told = told

    def apply(self, draft: Draft[None]) -> None:
        name = new_id(draft.now, self._reference)
        draft.writes.audit.append(declaration(draft.now, self._kind, name, self._actor, self._told))


async def note(store: Store, kind: str, actor: str, reference: bytes, told: dict[str, Any]) -> None:
    """An entry of the audit log about a deed that writes nothing else: a copy given, a login. `told` holds
    no personal data."""
    await store.run(_Note(kind, actor, reference, told))
