"""The samples of every provider, over a socket into a ledger."""

import asyncio
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import Access, AccessError, Source
from gateway.ingress.feeds import FEEDS, feed_routes
from gateway.ingress.http import HttpLimits
from tests.ingress.feeds.office import Office, sample
from tests.ingress.http.house import SECRET


def kinds(office: Office) -> list[tuple[str, str]]:
    return [(h.type, h.recipients[0].address) for h in office.told]


async def test_sendgrid_signed(office: Office) -> None:
    raw, headers = sample("sendgrid_events_signed")
    answer = await office.post("sendgrid", "signed", raw, **headers)
    assert (answer.status, answer.json) == (200, {"applied": 1, "recorded": 0, "left_out": 0})
    assert (await office.person("ana@example.test")).stops[0].kind == "unsubscribed"
    again = await office.post("sendgrid", "signed", raw, **headers)
    assert (again.status, again.json["applied"]) == (200, 0)


@pytest.mark.parametrize("change", ["body", "stamp", "signature", "late", "none"])
async def test_sendgrid_forged(office: Office, change: str) -> None:
    raw, headers = sample("sendgrid_events_signed")
    stamp = "X-Twilio-Email-Event-Webhook-Timestamp"
    match change:
        case "body":
            raw = raw.replace(b"ana@", b"eve@")
        case "stamp":
            headers[stamp] = str(int(headers[stamp]) + 1)
        case "signature":
            headers["X-Twilio-Email-Event-Webhook-Signature"] = "MEYCIQCJ"
        case "late":
            office.now += 86500
        case "none":
            headers = {"Authorization": f"Bearer signed:{SECRET}"}
    assert (await office.post("sendgrid", "signed", raw, **headers)).status == 401
    assert not office.told


async def test_sendgrid_events(office: Office) -> None:
    raw, _ = sample("sendgrid_events_unsigned")
    answer = await office.vouched("sendgrid", raw)
    assert answer.status == 200
    assert kinds(office) == [
        ("message.delivered", "ana@example.test"),
        ("message.bounced", "bo@example.test"),
        ("complaint", "cy@example.test"),
        ("unsubscribe", "di@example.test"),
        ("unsubscribe", "ed@example.test"),
        ("consent.granted", "gu@example.test"),
    ]
    assert not office.told[-1].opens, "what is not signed grants nothing"
    assert (await office.person("bo@example.test")).stops[0].kind == "bounced"
    assert (await office.person("cy@example.test")).stops[0].kind == "complained"
    assert not (await office.person("gu@example.test")).permissions


@pytest.mark.parametrize(
    ("name", "kind", "hardness"),
    [
        ("mailgun_event_complained", "complaint", ""),
        ("mailgun_event_failed_permanent", "unsubscribe", ""),
        ("mailgun_event_failed_temporary", "message.bounced", "soft"),
        ("mailgun_event_unsubscribed", "unsubscribe", ""),
        ("mailgun_event_delivered", "message.delivered", ""),
    ],
)
async def test_mailgun(office: Office, name: str, kind: str, hardness: str) -> None:
    raw, _ = sample(name)
    office.broken = True
    assert (await office.post("mailgun", "signed", raw)).status == 503
    office.broken = False
    assert (await office.post("mailgun", "signed", raw)).status == 200, "our own failure uses up no token"
    assert kinds(office) == [(kind, "ana@example.test")]
    assert office.told[0].data.get("kind", "") == hardness
    assert (await office.post("mailgun", "signed", raw)).status == 406, "a token is good for once"
    assert len(office.told) == 1


def failed(reason: str, **status: Any) -> dict[str, Any]:
    """A failure for good, as Mailgun tells it."""
    item = {"event": "failed", "severity": "permanent", "recipient": "ana@example.test", "id": reason}
    return {"event-data": {**item, "reason": reason, "delivery-status": status, "timestamp": 1773309700.0}}


def bounced_by_ses(status: str) -> dict[str, Any]:
    """A bounce that SES calls permanent."""
    one = {"emailAddress": "ana@example.test", "status": status}
    bounce = {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [one]}
    return {"notificationType": "Bounce", "bounce": bounce}


BOUNCES: list[tuple[str, Any, bool]] = [
    ("mailgun", failed("bounce", code=550, **{"enhanced-code": "5.1.1"}), True),
    ("mailgun", failed("suppress-bounce", code=605), True),
    ("mailgun", failed("generic", code=550), True),
    ("mailgun", failed("old", code=602, message="Too old"), False),
    ("mailgun", failed("espblock", code=550), False),
    ("mailgun", failed("generic", code=550, **{"enhanced-code": "5.7.1"}), False),
    ("mailgun", failed("bounce", code=550, **{"bounce-type": "soft"}), False),
    ("ses", bounced_by_ses("5.1.1"), True),
    ("ses", bounced_by_ses(""), True),
    ("ses", bounced_by_ses("5.7.1"), False),
    ("sendgrid", [{"event": "bounce", "email": "ana@example.test", "status": "5.1.1"}], True),
    ("sendgrid", [{"event": "bounce", "email": "ana@example.test", "status": "5.7.1"}], False),
]


@pytest.mark.parametrize(("feed", "told", "dead"), BOUNCES)
async def test_only_what_is_about_the_address_closes_it(
    office: Office, feed: str, told: Any, dead: bool
) -> None:
    """Providers call a block and a day without an answer permanent too."""
    assert (await office.vouched(feed, told)).json["applied"] == 1
    stops = (await office.person("ana@example.test")).stops
    assert [stop.kind for stop in stops] == (["bounced"] if dead else [])


def tried(**status: Any) -> dict[str, Any]:
    """What Mailgun will try again."""
    item = {"event": "failed", "severity": "temporary", "recipient": "ana@example.test"}
    return {"event-data": {**item, "reason": "generic", "delivery-status": status}}


def blocked(**data: str) -> list[dict[str, str]]:
    """A block, as SendGrid tells it."""
    return [{"event": "bounce", "type": "blocked", "email": "ana@example.test", **data}]


SOFT: list[tuple[str, Any, bool]] = [
    ("mailgun", tried(code=451, message="452 4.2.2 Over quota"), True),
    ("mailgun", tried(code=451, message="The mailbox is full"), True),
    ("mailgun", tried(code=421, message="Try again later"), False),
    ("mailgun", tried(code=498), False),
    ("mailgun", failed("old", code=602, message="Too old"), False),
    ("mailgun", failed("espblock", code=550), False),
    ("mailgun", failed("bounce", code=550, **{"bounce-type": "soft"}), True),
    ("postmark", {"RecordType": "Bounce", "Type": "SoftBounce", "Email": "ana@example.test"}, True),
    ("postmark", {"RecordType": "Bounce", "Type": "Blocked", "Email": "ana@example.test"}, False),
    ("postmark", {"RecordType": "Bounce", "Type": "Transient", "Email": "ana@example.test"}, False),
    ("sendgrid", blocked(), False),
    ("sendgrid", blocked(bounce_classification="Mailbox Unavailable"), True),
]


@pytest.mark.parametrize(("feed", "told", "counts"), SOFT)
async def test_only_a_full_mailbox_counts_toward_giving_up(
    office: Office, feed: str, told: Any, counts: bool
) -> None:
    """A server that is down for an afternoon is told of many times."""
    assert (await office.vouched(feed, told)).json["applied"] == 1
    assert (await office.person("ana@example.test")).soft_bounces == counts


async def test_a_full_mailbox_counts_once_for_each_message(office: Office) -> None:
    """Mailgun tries one message many times, tells of each, and of the end."""
    for message in range(3):
        for attempt, severity in enumerate(("temporary", "temporary", "temporary", "permanent")):
            event = tried(code=452, message="452 4.2.2 Over quota")["event-data"] | {
                "id": f"e-{message}-{attempt}",
                "severity": severity,
                "reason": "generic" if severity == "temporary" else "old",
                "message": {"headers": {"message-id": f"{message}@acme.test"}},
            }
            event["delivery-status"]["enhanced-code"] = "4.2.2"
            assert (await office.vouched("mailgun", {"event-data": event})).status == 200
        assert (await office.person("ana@example.test")).soft_bounces == message + 1
    assert (await office.person("ana@example.test")).stops == ()


async def test_mailgun_forged(office: Office) -> None:
    raw, _ = sample("mailgun_event_complained")
    forged = await office.post("mailgun", "signed", raw.replace(b"1773309700", b"1773309701"))
    assert (forged.status, forged.json["title"]) == (406, "What came is not accepted")
    office.now += 90000
    assert (await office.post("mailgun", "signed", raw)).status == 406
    assert not office.told


@pytest.mark.parametrize(
    ("name", "kind", "stop"),
    [
        ("postmark_bounce", "message.bounced", "bounced"),
        ("postmark_spam_complaint", "complaint", "complained"),
        ("postmark_subscription_change", "unsubscribe", "unsubscribed"),
    ],
)
async def test_postmark(office: Office, name: str, kind: str, stop: str) -> None:
    raw, _ = sample(name)
    answer = await office.post("postmark", "plain", raw, query=f"?key={SECRET.replace(' ', '%20')}")
    assert (answer.status, answer.json["applied"]) == (200, 1)
    assert office.told[0].type == kind
    assert (await office.person(office.told[0].recipients[0].address)).stops[0].kind == stop


@pytest.mark.parametrize(
    ("name", "kind"), [("ses_sns_bounce", "message.bounced"), ("ses_sns_complaint", "complaint")]
)
async def test_ses(office: Office, name: str, kind: str) -> None:
    raw, _ = sample(name)
    assert (await office.vouched("ses", raw)).json["applied"] == 1
    assert office.told[0].type == kind
    assert (await office.post("ses", "signed", raw)).status == 401, "the certificate is nobody's"
    assert not office.asked, "nobody but AWS is asked"


async def test_ses_confirms_nothing_unknown(office: Office) -> None:
    raw, headers = sample("ses_sns_subscription_confirmation")
    assert (await office.post("ses", "signed", raw, **headers)).status == 401
    assert (await office.vouched("ses", raw)).json == {"applied": 0, "recorded": 0, "left_out": 0}
    assert not office.asked


async def test_mautic(office: Office) -> None:
    for name in ("mautic_dnc_changed", "mautic_form_submit"):
        raw, headers = sample(name)
        assert (await office.post("mautic", "signed", raw, **headers)).status == 200
        assert (await office.post("mautic", "signed", raw + b" ", **headers)).status == 401
    assert kinds(office) == [
        ("unsubscribe", "ana@example.test"),
        ("consent.granted", "ana@example.test"),
    ]
    assert office.told[1].opens
    assert (await office.person("ana@example.test")).stops, "a form of February lifts no stop of March"


async def test_typeform_grants_with_proof(office: Office) -> None:
    raw, headers = sample("typeform_opt_in")
    assert (await office.post("typeform", "signed", raw, **headers)).json["applied"] == 1
    (agreed,) = (await office.person("ana@example.test")).permissions
    assert (agreed.purpose, agreed.state, agreed.grade) == ("newsletter", "granted", "D")
    assert office.told[0].data["wording"] == "I agree to receive the newsletter"


async def test_only_the_trusted_grant(office: Office) -> None:
    raw, headers = sample("typeform_opt_in")
    answer = await office.post("typeform", "careful", raw, **headers)
    assert answer.json == {"applied": 0, "recorded": 1, "left_out": 0}
    await office.vouched("typeform", raw)
    assert not (await office.person("ana@example.test")).permissions


async def test_typeform_without_yes(office: Office) -> None:
    raw, _ = sample("typeform_opt_in")
    assert (
        await office.vouched("typeform", raw.replace(b'"boolean":true', b'"boolean":false'))
    ).status == 200
    assert not office.told


async def test_hubspot_unsigned_grants_nothing(office: Office) -> None:
    raw, _ = sample("hubspot_workflow_contact")
    assert (await office.vouched("hubspot", raw)).json == {"applied": 0, "recorded": 1, "left_out": 0}
    assert kinds(office) == [("consent.granted", "ana@example.test")]
    opted_out = {"vid": 1, "properties": {"email": {"value": "ana@example.test"}, "hs_email_optout": "true"}}
    assert (await office.vouched("hubspot", opted_out)).json["applied"] == 1


async def test_unipile(office: Office) -> None:
    for name in ("unipile_new_relation", "unipile_message_received"):
        raw, _ = sample(name)
        assert (await office.vouched("unipile", raw)).json["applied"] == 1, name
    assert [h.type for h in office.told] == ["connection.accepted", "message.replied"]
    assert {h.sender for h in office.told} == {"linkedin.com/in/rui-alves"}
    person = await office.person("linkedin.com/in/ana-ruiz-example", "linkedin")
    assert person.relationships


async def test_unipile_own_messages_are_no_replies(office: Office) -> None:
    body = json.loads(sample("unipile_message_received")[0])
    body["sender"]["attendee_provider_id"] = body["account_info"]["user_id"]
    assert (await office.vouched("unipile", body)).status == 200
    assert not office.told


async def test_a_secret_in_the_url_opens_nothing(office: Office) -> None:
    raw, _ = sample("heyreach_accepted")
    query = f"?secret={SECRET.replace(' ', '%20')}"
    assert (await office.post("heyreach", "plain", raw, query=query)).json["applied"] == 0
    body = json.loads(sample("heyreach_reply")[0])
    body["message"]["text"] = "Please stop writing to me."
    answer = await office.post("heyreach", "plain", orjson.dumps(body), query=query)
    assert answer.json["applied"] == 1, "but a stop is a stop"


@pytest.mark.parametrize(
    ("name", "feed", "kind", "channel"),
    [
        ("heyreach_accepted", "heyreach", "connection.accepted", "linkedin"),
        ("heyreach_reply", "heyreach", "message.replied", "linkedin"),
        ("lemlist_invite_accepted", "lemlist", "connection.accepted", "linkedin"),
        ("lemlist_linkedin_replied", "lemlist", "message.replied", "linkedin"),
        ("smartlead_email_reply", "smartlead", "message.replied", "email"),
        ("instantly_reply", "instantly", "message.replied", "email"),
        ("phantombuster_finished", "phantombuster", "message.sent", "linkedin"),
    ],
)
async def test_shipped_maps(office: Office, name: str, feed: str, kind: str, channel: str) -> None:
    raw, _ = sample(name)
    assert (await office.vouched(feed, raw)).status == 200
    assert [(h.type, h.channel) for h in office.told] == [(kind, channel)]
    assert office.told[0].recipients[0].channel == channel


@pytest.mark.parametrize(
    ("name", "feed", "words"),
    [
        ("heyreach_reply", "heyreach", ("CONNECTION_REQUEST_SENT", "MESSAGE_SENT", "INMAIL_SENT")),
        ("lemlist_linkedin_replied", "lemlist", ("linkedinInviteDone", "linkedinSent")),
    ],
)
async def test_what_a_tool_sent_on_linkedin_counts(
    office: Office, name: str, feed: str, words: tuple[str, ...]
) -> None:
    body = json.loads(sample(name)[0])
    spelled = next(key for key in ("eventType", "type") if key in body)
    for word in words:
        said = body | {
            spelled: word,
            "_id": word,
            "message": {"id": word, "text": "Ciao Ana! Reply STOP to stop."},
        }
        answer = await office.vouched(feed, said)
        assert answer.json["applied"] == (feed == "heyreach"), "lemlist does not say for whom it writes"
    assert not (await office.person("linkedin.com/in/ana-ruiz-example", "linkedin")).stops
    assert [(h.type, h.channel) for h in office.told] == [("message.sent", "linkedin")] * len(words)
    for word in ("FOLLOW_SENT", "emailsSent"):
        assert (await office.vouched(feed, body | {spelled: word})).json["left_out"] == 1


async def test_a_reply_counts_after_what_was_sent_though_the_tool_gives_both_one_id(office: Office) -> None:
    ana, rui = ("https://www.linkedin.com/in/ana-ruiz", "https://www.linkedin.com/in/rui-alves")
    body = {"id": "lead-7", "lead": {"profile_url": ana}, "sender": {"profile_url": rui}}
    for word, text in (
        ("CONNECTION_REQUEST_SENT", "Ciao Ana!"),
        ("MESSAGE_SENT", "Ciao Ana!"),
        ("MESSAGE_REPLY_RECEIVED", "Please stop writing to me."),
    ):
        said = body | {"eventType": word, "message": {"text": text}}
        assert (await office.vouched("heyreach", said)).json["applied"] == 1
        assert (await office.vouched("heyreach", said)).json["applied"] == 0, "told again"
    assert (await office.person(ana, "linkedin")).stops


async def test_what_can_be_applied_is_applied(office: Office) -> None:
    batch: list[Any] = [
        {"event": "unsubscribe", "email": "not an address", "sg_event_id": "1"},
        {"event": "spamreport", "email": "ana@example.test", "sg_event_id": "2"},
        {"event": ["spamreport"], "email": {}},
        "nonsense",
    ]
    assert (await office.vouched("sendgrid", batch)).json == {"applied": 1, "recorded": 0, "left_out": 3}


@pytest.mark.parametrize("feed", [feed.name for feed in FEEDS])
@pytest.mark.parametrize("body", [{"foo": 1}, 7])
async def test_what_is_not_understood_is_counted(office: Office, feed: str, body: Any) -> None:
    raw = orjson.dumps(body)
    if feed == "mandrill":
        raw = b"mandrill_events=%5B" + raw + b"%5D"
    answer = await office.vouched(feed, raw)
    assert (answer.status, answer.json) == (200, {"applied": 0, "recorded": 0, "left_out": 1})


async def test_however_many_there_are_all_count(office: Office) -> None:
    many = 5200
    batch = [{"event": "unsubscribe", "email": f"{n}@example.test", "sg_event_id": n} for n in range(many)]
    answer = await office.vouched("sendgrid", batch)
    assert (answer.status, answer.json) == (200, {"applied": many, "recorded": 0, "left_out": 0})
    assert (await office.person(f"{many - 1}@example.test")).stops


async def test_brevo(office: Office) -> None:
    told = [
        {"event": "hard_bounce", "email": "bo@example.test", "ts_epoch": 1773309600000},
        {"event": "opened", "email": "bo@example.test"},
        {"event": "unsubscribed", "email": "di@example.test"},
    ]
    assert (await office.vouched("brevo", told)).json["applied"] == 2
    assert office.told[0].occurred_at == 1773309600.0
    assert (await office.person("bo@example.test")).stops[0].kind == "bounced"


@pytest.mark.parametrize(
    ("people", "stopped"), [(["ana@example.test"], 1), (["ana@example.test", "bo@example.test"], 0)]
)
async def test_resend_names_everybody_in_a_bounce(office: Office, people: list[str], stopped: int) -> None:
    """Only where there is one it says whose server refused."""
    told = {"type": "email.bounced", "created_at": "2026-02-22T23:41:12Z", "data": {"to": people}}
    answer = await office.vouched("resend", told)
    assert answer.json["applied"] == len(people)
    assert [len((await office.person(one)).stops) for one in people] == [stopped] * len(people)


@pytest.mark.parametrize(
    ("text", "stops"),
    [
        ("Per favore cancellami", ["stop_request"]),
        ("<div>Per favore cancellami</div>", ["stop_request"]),
        ("<html><body><p>Cancellami</p><p>Rui</p></body></html>", ["stop_request"]),
        ("Cancellami<br>grazie", ["stop_request"]),
        ("STOP\n\n<br>Rui", ["stop_request"]),
        ("<p>Volentieri, sentiamoci.</p><p>Il 3 marzo Elena ha scritto:</p><p>STOP per cancellarti</p>", []),
        ("a < b and b > c", []),
    ],
)
async def test_a_reply_in_html_asks_to_stop_as_well(office: Office, text: str, stops: list[str]) -> None:
    reply = {"event_type": "EMAIL_REPLY", "to_email": "bo@example.test", "reply_message": {"text": text}}
    assert (await office.vouched("smartlead", reply)).status == 200
    assert [s.kind for s in (await office.person("bo@example.test")).stops] == stops


async def test_strangers(office: Office) -> None:
    for feed, source, query in [
        ("postmark", "plain", ""),
        ("postmark", "plain", "?key=no"),
        ("postmark", "nobody", ""),
    ]:
        assert (await office.post(feed, source, b"{}", query=query)).status == 401
    assert (await office.vouched("nonesuch", {})).status == 404
    other = f"Bearer careful:{SECRET}"
    assert (await office.post("postmark", "plain", b"{}", Authorization=other)).status == 401


async def test_broken_bodies(office: Office) -> None:
    for raw in (b"", b"{", b'{"a": 1, "a": 2}', b"\xff", b"[" * 4000):
        assert (await office.vouched("postmark", raw)).status == 400


@pytest.mark.parametrize(
    "feeds",
    [
        {"sendgrit": {}},
        {"sendgrid": "key"},
        {"sendgrid": {"fields": {}}},
        {"generic": {"fields": {"types": {"x": "message.read"}}}},
        {"generic": {"fields": {"typ": "$.a"}}},
        {"generic": {"fields": {"type": "$..a"}}},
    ],
)
def test_wrong_options_are_said_at_the_start(feeds: dict[str, Any]) -> None:
    access = Access(
        sources={"a": Source(name="a", controller="c", feeds=feeds)}, controllers={}, reviewers={}
    )
    with pytest.raises(AccessError, match=r"source 'a': feeds\."):
        feed_routes(access=access, tell=lambda h: asyncio.sleep(0, None), limits=HttpLimits())  # type: ignore[arg-type]


WORDS = st.sampled_from(
    "event email timestamp Email RecordType Type Recipient SuppressSending form_response answers field "
    "properties value event-data recipient signature sender account_type LINKEDIN message_received Bounce "
    "bounce bouncedRecipients emailAddress notificationType Message mautic.form_on_submit results event_type "
    "submission spamreport resultObject profileUrl data to type email.bounced ana@example.test".split()
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=25,
)


@given(body=JSON)
def test_no_body_breaks_a_feed(body: Any) -> None:
    source = Source(name="s", controller="c", default_purpose="newsletter")
    for feed in FEEDS:
        for told in feed.read(body, {"groups": [], "forms": "x", "accounts": 3}, source):
            assert told is None or told.id
            assert told is None or told.at >= 0
            orjson.dumps(told.data if told else {})
