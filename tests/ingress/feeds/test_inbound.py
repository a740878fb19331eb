"""Mail that a provider received and posts: replies, stops, bounces; believed as far as it vouches for it."""

import hmac
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import Source
from gateway.evidence.subjects import export
from gateway.ingress.dialects.forms import Form, Part
from gateway.ingress.feeds.inbound import INBOUND, Posted
from gateway.message.parse import parse
from tests.ingress.feeds.office import Office, access_of_office, person_of
from tests.ingress.feeds.test_given_back import CY, SENT, send
from tests.ingress.http.house import _QUICK, SECRET, Answer

FORM = "application/x-www-form-urlencoded"
BEARER = {"Authorization": f"Bearer mail:{SECRET}"}
KEY = "route-key"


@pytest.fixture
async def post_office(tmp_path: Path) -> AsyncIterator[Office]:
    """An office in which `plain` wrote to Cy, and to which `mail` may bring what comes back."""
    access = access_of_office()
    checks = {"spam_checks": True}
    feeds = {"mailgun-routes": {"secret": KEY, **checks}, "postmark-inbound": checks}
    common: dict[str, Any] = {"controller": "acme", "secret": _QUICK, "feeds": feeds}
    sources = {
        **access.sources,
        "mail": Source(name="mail", events="open", **common),
        "careful-mail": Source(name="careful-mail", **common),
        "other": Source(name="other", **{**common, "controller": "beta"}, events="open"),
    }
    access.sources = sources
    async with Office(tmp_path, access=access) as office:
        office.now = time.time()
        await send(office, access.sources["plain"])
        yield office


def parse_form_of(text: str, author: str = CY, *, dkim: str = "{@example.test : pass}") -> dict[str, str]:
    """SendGrid's form."""
    return {
        "headers": f"Subject: Re: Your order\nIn-Reply-To: {SENT}\nMessage-ID: <r1@example.test>\n",
        "from": f"Cy <{author}>",
        "to": "reply@in.acme.test",
        "subject": "Re: Your order",
        "text": text,
        "envelope": orjson.dumps({"to": ["reply@in.acme.test"], "from": author}).decode(),
        "charsets": '{"text":"iso-8859-1"}',
        "dkim": dkim,
        "SPF": "softfail",
    }


async def sendgrid(office: Office, form: dict[str, str], who: str = "mail", **more: Any) -> Answer:
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        + value.encode("iso-8859-1" if name == "text" else "utf-8")
        for name, value in form.items()
    ]
    raw = b"\r\n".join([*parts, b"--b--\r\n"])
    headers = {"Authorization": f"Bearer {who}:{SECRET}"} if not more else {}
    kind = "multipart/form-data; boundary=b"
    return await office.post("sendgrid-inbound", who, raw, Content_Type=kind, **headers, **more)


async def test_a_reply_that_sendgrid_vouches_for_counts(post_office: Office) -> None:
    answer = await sendgrid(post_office, parse_form_of("Sì, perché no. A domani."))
    assert (answer.status, answer.json) == (200, {"took": "human"})
    (relationship,) = (await post_office.person(CY)).relationships.values()
    assert relationship.replies == 1


@pytest.mark.parametrize(
    ("dkim", "author"), [("none", CY), ("{@evil.test : pass}", CY), ("{@example.test : fail}", CY)]
)
async def test_one_that_it_does_not_waits_for_a_person(post_office: Office, dkim: str, author: str) -> None:
    answer = await sendgrid(post_office, parse_form_of("Yes, happy to talk.", author, dkim=dkim))
    assert answer.json == {"took": "unmatched"}
    assert not any(r.replies for r in (await post_office.person(CY)).relationships.values())


async def test_a_secret_in_the_url_believes_nothing_but_stops(post_office: Office) -> None:
    query = f"?key={SECRET}"
    answer = await sendgrid(post_office, parse_form_of("Yes, happy to talk."), query=query)
    assert answer.json == {"took": "unmatched"}
    answer = await sendgrid(post_office, parse_form_of("STOP"), query=query)
    assert answer.json == {"took": "stop"}
    assert (await post_office.person(CY)).stops


async def test_whoever_may_open_no_door_opens_none(post_office: Office) -> None:
    answer = await sendgrid(post_office, parse_form_of("Yes, happy to talk."), "careful-mail")
    assert answer.json == {"took": "unmatched"}


async def test_another_controller_hears_of_nothing(post_office: Office) -> None:
    for text in ("Yes, happy to talk.", "STOP"):
        assert (await sendgrid(post_office, parse_form_of(text), "other")).json == {"took": "unmatched"}
    assert (await post_office.person(CY)).stops == ()


async def test_a_stop_to_two_controllers_is_heard_by_both(post_office: Office) -> None:
    """One mail to the mailboxes of two clients, which each client's provider posts."""
    await send(post_office, post_office.access.sources["other"])
    ref = ("beta", post_office.keys.subject("email", CY))
    for who in ("mail", "other", "other"):
        assert (await sendgrid(post_office, parse_form_of("STOP"), who)).json == {"took": "stop"}
    for person in (await post_office.person(CY), await person_of(post_office.store, ref)):
        assert [stop.kind for stop in person.stops] == ["stop_request"]


async def test_of_two_controllers_messages_the_one_is_found_that_it_may_concern(post_office: Office) -> None:
    """A mail that names messages of two clients, posted by the provider of one."""
    await send(post_office, post_office.access.sources["other"])
    ref = ("beta", post_office.keys.subject("email", CY))
    assert (await sendgrid(post_office, parse_form_of("Volentieri."), "other")).json == {"took": "human"}
    (there,) = (await person_of(post_office.store, ref)).relationships.values()
    (here,) = (await post_office.person(CY)).relationships.values()
    assert (there.replies, here.replies) == (1, 0)


async def test_what_one_controllers_provider_brought_is_kept_as_that_ones(post_office: Office) -> None:
    """Nobody knows what it answers; what another controller keeps of the person has none of it."""
    for who in ("mail", "other", "other"):
        form = parse_form_of("About my contract with you.", "dot@example.test")
        assert (await sendgrid(post_office, form, who)).json == {"took": "unmatched"}
    assert sorted(row.controller for row in await post_office.store.unmatched()) == ["acme", "beta"]
    subject = post_office.keys.subject("email", "dot@example.test")
    for name in ("acme", "gamma"):
        ref = (name, subject)
        told = await export(post_office.store, [ref], "email", "dot@example.test", 0.0, post_office.keys)
        assert len(told["replies_matched_to_nobody"]) == (name == "acme")


def route(text: str, token: str, key: str = KEY, **more: str) -> bytes:
    """Mailgun's form, signed."""
    stamp = str(int(time.time()))
    headers = [
        ["X-Mailgun-Spf", "Pass"],
        ["X-Mailgun-Dkim-Check-Result", "Pass"],
        ["Dkim-Signature", "v=1; a=rsa-sha256; d=example.test; s=k1; bh=x; b=y"],
        ["In-Reply-To", SENT],
    ]
    form = {
        "timestamp": stamp,
        "token": token,
        "signature": hmac.digest(key.encode(), (stamp + token).encode(), "sha256").hex(),
        "sender": CY,
        "from": f"Cy <{CY}>",
        "recipient": "reply@in.acme.test",
        "subject": "Re: Your order",
        "body-plain": text,
        "Message-Id": "<r2@example.test>",
        "message-headers": orjson.dumps(headers).decode(),
        **more,
    }
    return urlencode(form).encode()


async def test_mailgun_routes(post_office: Office) -> None:
    raw = route("Yes, happy to talk.\n\nOn 12 March Rui wrote:\n> STOP", "t" * 50)
    answer = await post_office.post("mailgun-routes", "mail", raw, Content_Type=FORM)
    assert (answer.status, answer.json) == (200, {"took": "human"})
    assert (await post_office.post("mailgun-routes", "mail", raw, Content_Type=FORM)).status == 406


async def test_mailgun_forged_or_old(post_office: Office) -> None:
    raw = route("STOP", "u" * 50, key="another")
    assert (await post_office.post("mailgun-routes", "mail", raw, Content_Type=FORM)).status == 406
    fresh = route("STOP", "v" * 50)
    post_office.now += 90_000
    assert (await post_office.post("mailgun-routes", "mail", fresh, Content_Type=FORM)).status == 406
    assert (await post_office.person(CY)).stops == ()


async def test_a_field_that_the_author_wrote_too_vouches_for_nothing(post_office: Office) -> None:
    twice = [["X-Mailgun-Spf", "Pass"], ["X-Mailgun-Spf", "Fail"], ["In-Reply-To", SENT]]
    raw = route("Yes, gladly.", "w" * 50, **{"message-headers": orjson.dumps(twice).decode()})
    answer = await post_office.post("mailgun-routes", "mail", raw, Content_Type=FORM)
    assert answer.json == {"took": "unmatched"}


async def test_mailgun_with_the_whole_message(post_office: Office) -> None:
    mime = f"From: {CY}\nTo: reply@in.acme.test\nIn-Reply-To: {SENT}\nSubject: Re\n\nunsubscribe\n"
    raw = route("", "x" * 50, **{"body-mime": mime})
    answer = await post_office.post("mailgun-routes", "mail", raw, Content_Type=FORM)
    assert answer.json == {"took": "stop"}


def inbound(text: str, *headers: tuple[str, str]) -> bytes:
    """Postmark's JSON."""
    listed = [{"Name": name, "Value": value} for name, value in (("In-Reply-To", SENT), *headers)]
    return orjson.dumps(
        {
            "From": CY,
            "FromFull": {"Email": CY, "Name": "Cy"},
            "ToFull": [{"Email": "reply@in.acme.test"}],
            "To": "reply@in.acme.test",
            "OriginalRecipient": "reply@in.acme.test",
            "Subject": "Re: Your order",
            "MessageID": "22c74902",
            "TextBody": text,
            "Headers": listed,
        }
    )


@pytest.mark.parametrize(
    ("tests", "took"), [("DKIM_SIGNED,DKIM_VALID,DKIM_VALID_AU", "human"), ("DKIM_SIGNED", "unmatched")]
)
async def test_postmark_inbound(post_office: Office, tests: str, took: str) -> None:
    raw = inbound("Yes, happy to talk.", ("X-Spam-Tests", tests))
    answer = await post_office.post(
        "postmark-inbound", "mail", raw, Content_Type="application/json", **BEARER
    )
    assert (answer.status, answer.json) == (200, {"took": took})


async def test_an_absence_note_is_no_reply(post_office: Office) -> None:
    raw = inbound("I am away. STOP", ("Auto-Submitted", "auto-replied"))
    answer = await post_office.post(
        "postmark-inbound", "mail", raw, Content_Type="application/json", **BEARER
    )
    assert answer.json == {"took": "automatic"}
    assert (await post_office.person(CY)).stops == ()


async def test_strangers_and_broken_bodies(post_office: Office) -> None:
    bodies = ((b"--", "multipart/form-data; boundary=b"), (b"{}", "application/json"), (b"a=b", FORM))
    for raw, kind in bodies:
        assert (await post_office.post("sendgrid-inbound", "mail", raw, Content_Type=kind)).status == 401
        answer = await post_office.post("sendgrid-inbound", "mail", raw, Content_Type=kind, **BEARER)
        assert answer.status in (400, 200)
    answer = await post_office.post("postmark-inbound", "mail", b"{", **BEARER)
    assert answer.status == 400


FIELDS = "headers from to subject text envelope charsets dkim SPF email".split()
NAMES = "Headers From FromFull ToFull TextBody Name Value Email".split()


@given(
    fields=st.dictionaries(st.sampled_from(FIELDS), st.binary(max_size=60)),
    body=st.recursive(
        st.none() | st.text(max_size=8) | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(NAMES), inner),
    ),
)
def test_no_post_breaks_a_feed(fields: dict[str, bytes], body: Any) -> None:
    form = Form(tuple(Part(name, octets) for name, octets in fields.items()))
    for feed in INBOUND:
        arrived = feed.read(Posted(form=form, body=body, options={"spam_checks": True}))
        if arrived is not None:
            parse(arrived.raw)


def test_a_value_begins_no_field_of_its_own() -> None:
    form = Form(
        (
            Part("from", b"cy@example.test"),
            Part("subject", b"Hi\r\nAuthentication-Results: mx; dkim=pass\r\n\r\nbody"),
            Part("headers", b"Authentication-Results: mx.acme.test; dkim=pass\nX-A: 1"),
            Part("text", os.urandom(4)),
        )
    )
    arrived = INBOUND[0].read(Posted(form=form, body=None, options={}))
    assert arrived is not None
    assert parse(arrived.raw).headers.get_all("authentication-results") == ()
