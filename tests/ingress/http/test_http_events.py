"""`POST /v1/events` over real sockets, with the ledger behind it."""

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import Source
from gateway.ingress.events import read_event
from gateway.ingress.http import HttpLimits
from gateway.ingress.http_models import NewEvent
from gateway.ledger.happening import OPENING, TYPES
from gateway.ledger.relationship import relationship
from gateway.message.address import normalize
from gateway.web.problem import Problem
from gateway.web.validation import validate
from tests.ingress.http.house import House, event, mail, note

ANA = normalize("linkedin", "linkedin.com/in/ana-ruiz")
RUI = normalize("linkedin", "linkedin.com/in/rui-alves")
CONSENT = {"type": "consent.granted", "purpose": "newsletter"}
WISH = {"type": "preference.changed"}
SOURCE = Source(name="crm", controller="acme", events="open")


def _at(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


async def _known(house: House) -> Any:
    person = await house.store.person(("acme", house.consents.subject("linkedin", ANA)))
    return relationship(person, RUI)


async def test_an_accepted_invitation_connects(house: House) -> None:
    answer = await house.post("/v1/events", json=event())
    assert answer.status == 202
    [result] = answer.json["results"]
    assert result["source_event_id"] == "evt-1"
    assert (result["status"], result["duplicate"], result["backdated"]) == ("applied", False, False)
    assert (await _known(house)).connected_at > 0


async def test_an_event_counts_once(house: House) -> None:
    reply = event("message.replied", text="Thanks, interesting!")
    await house.post("/v1/events", json=reply)
    again = await house.post("/v1/events", json=reply)
    assert again.json["results"][0]["duplicate"] is True
    assert (await _known(house)).replies == 1


async def test_many_events_keep_their_order(house: House) -> None:
    events = [event("message.replied", source_event_id=f"e{n}", text="And more.") for n in range(50)]
    answer = await house.post("/v1/events", json=events)
    assert [r["source_event_id"] for r in answer.json["results"]] == [f"e{n}" for n in range(50)]
    assert (await _known(house)).replies == 50


async def test_a_restricted_source_opens_no_door_but_may_close_it(house: House) -> None:
    answer = await house.post("/v1/events", json=event(), who="mailer", Accept_Language="it")
    [result] = answer.json["results"]
    assert (result["status"], result["note"]) == ("recorded", "untrusted")
    assert "Questa fonte" in result["reason"]
    assert not (await _known(house)).connected_at
    stop = event("unsubscribe", source_event_id="e2")
    assert (await house.post("/v1/events", json=stop, who="mailer")).json["results"][0]["status"] == "applied"
    person = await house.store.person(("acme", house.consents.subject("linkedin", ANA)))
    assert person.stops


async def test_a_stop_in_a_reply_stops_what_waits(house: House) -> None:
    sent = await house.post(json=note())
    assert sent.json["status"] == "accepted"
    reply = event("message.replied", text="Please stop writing to me. Unsubscribe.")
    [result] = (await house.post("/v1/events", json=reply)).json["results"]
    assert result["note"] == "stop_request"
    refused = await house.post(json=note(text="One more question about your talk."))
    assert refused.status == 422
    by_mail = await house.post(json=mail(text="One more question, by mail this time."))
    assert by_mail.status == 422


async def test_what_happened_long_ago_is_marked(house: House) -> None:
    old = event(occurred_at=_at(-3 * 86400), source_event_id="old")
    assert (await house.post("/v1/events", json=old)).json["results"][0]["backdated"] is True


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"occurred_at": _at(3600)}, "#/occurred_at"),
        ({"occurred_at": "now"}, "#/occurred_at"),
        ({"occurred_at": 1790000000}, "#/occurred_at"),
        ({"type": "message.liked"}, "#/type"),
        ({"source_event_id": ""}, "#/source_event_id"),
        ({"source_event_id": None}, "#/source_event_id"),
        ({"source_event_id": "a\nb"}, "#/source_event_id"),
        ({"sender": None}, "#/sender"),
        ({"recipient": None}, "#/recipient"),
        ({"extra": 1}, "#/extra"),
        ({"channel": "email", "type": "message.sent"}, "#/sender/addresses"),
        ({"text": {}}, "#/text"),
        ({"type": "consent.granted"}, "#/purpose"),
        ({"message": "../x"}, "#/message"),
        (CONSENT | {"data": {"expires_at": "soon"}}, "#/data/expires_at"),
        (CONSENT | {"data": {"expires_at": "2027-12-31T00:00:00"}}, "#/data/expires_at"),
        (CONSENT | {"data": {"expires_at": 1_893_456_000_000}}, "#/data/expires_at"),
        (CONSENT | {"data": {"expires_at": True}}, "#/data/expires_at"),
        (WISH | {"data": {"paused_until": ["2027-12-31"]}}, "#/data/paused_until"),
        (WISH | {"data": {"paused_until": -1}}, "#/data/paused_until"),
        (WISH | {"data": {"no_sales": "yes"}}, "#/data/no_sales"),
    ],
)
async def test_what_is_wrong_is_named(house: House, fields: dict[str, Any], pointer: str) -> None:
    body = event(**fields)
    if fields.get("channel") == "email":
        body["sender"] = {"addresses": [{"type": "linkedin", "value": "linkedin.com/in/rui-alves"}]}
    answer = await house.post("/v1/events", json=body)
    assert answer.status == 400, answer.text
    assert pointer in [error["pointer"] for error in answer.json["errors"]]


@pytest.mark.parametrize("said", ["2027-12-31", "2027-12-31T01:00:00+01:00", 1830211200, "1830211200"])
async def test_a_pause_and_an_end_may_be_dates(house: House, said: object) -> None:
    wish, consent = {"paused_until": said, "no_sales": None}, {"expires_at": said}
    bodies = [event(**WISH, data=wish), event(**CONSENT, data=consent, source_event_id="evt-2")]
    told = (await house.post("/v1/events", json=bodies)).json["results"]
    assert [result["status"] for result in told] == ["applied", "applied"]
    person = await house.store.person(("acme", house.consents.subject("linkedin", ANA)))
    assert person.paused_until == person.permissions[0].expires_at == 1830211200
    back = event(**WISH, data={"paused_until": None}, source_event_id="evt-3")
    await house.post("/v1/events", json=back)
    assert not (await house.store.person(("acme", house.consents.subject("linkedin", ANA)))).paused_until


async def test_one_that_is_wrong_keeps_all_of_them_out(house: House) -> None:
    body = [event(source_event_id="a"), event(source_event_id="b", type="x"), event(source_event_id="c", z=1)]
    answer = await house.post("/v1/events", json=body)
    assert answer.status == 400
    assert [error["pointer"] for error in answer.json["errors"]] == ["#/1/type", "#/2/z"]
    assert not (await _known(house)).connected_at


async def test_arrays_are_bounded(tmp_path: Path) -> None:
    async with House(tmp_path, limits=HttpLimits(events=2)) as house:
        assert (await house.post("/v1/events", json=[])).status == 400
        three = [event(source_event_id=str(n)) for n in range(3)]
        assert (await house.post("/v1/events", json=three)).status == 400
        assert (await house.post("/v1/events", json=three[:2])).status == 202


async def test_what_came_raw_is_taken_and_not_kept(house: House) -> None:
    answer = await house.post("/v1/events", json=event(raw={"anything": ["secret-raw-value"]}))
    assert answer.status == 202
    assert b"secret-raw-value" not in (house.folder / "galateo.db-wal").read_bytes()


@given(
    st.sampled_from(TYPES),
    st.booleans(),
    st.floats(min_value=-1e8, max_value=300),
    st.text(max_size=20),
)
def test_every_event_says_who_when_and_what(kind: str, opens: bool, ago: float, text: str) -> None:
    now = 1_800_000_000.0
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + ago))
    source = Source(name="crm", controller="acme", events="open" if opens else "restrict")
    told = event(kind, occurred_at=at, text=text, purpose="Events")
    happening = read_event(validate(NewEvent, told), source, now, late=86400.0)
    assert happening.type == kind
    assert happening.opens is opens
    assert happening.sender == RUI
    assert happening.recipients[0].key == ANA
    assert {r.channel for r in happening.recipients} == {"linkedin", "email"}
    assert happening.backdated == (now - happening.occurred_at > 86400)
    assert happening.text == text
    assert happening.purpose == "events"


def test_the_clock_may_differ_by_minutes_only() -> None:
    now = time.time()
    fine = validate(NewEvent, event(occurred_at=_at(200)))
    assert read_event(fine, SOURCE, now, late=1.0).occurred_at > now
    with pytest.raises(Problem):
        read_event(validate(NewEvent, event(occurred_at=_at(400))), SOURCE, now, late=1.0)


def test_opening_types_are_types() -> None:
    assert set(TYPES) >= OPENING


async def test_who_names_too_many_addresses_is_told(house: House) -> None:
    addresses = [{"type": "linkedin", "value": f"linkedin.com/in/ana-{n}"} for n in range(10)]
    stop = event("complaint", recipient={"addresses": addresses})
    [result] = (await house.post("/v1/events", json=stop)).json["results"]
    assert (result["status"], result["note"]) == ("applied", "too_many_addresses")
    assert "nine addresses" in result["reason"]
    key = house.consents.subject("linkedin", normalize("linkedin", "linkedin.com/in/ana-9"))
    assert (await house.store.person(("acme", key))).stops
