"""Every rule: what it objects to, with which code, and what it lets pass."""

# ruff: noqa: E501 - a table reads best with one case to a line

import pytest
from msgspec.structs import replace

from gateway.message.content import Attachment
from gateway.message.envelope import Consent
from gateway.policy.decide import decide
from gateway.policy.outcome import Decision, Outcome
from gateway.policy.policies import PolicySet
from gateway.policy.rules.table import RULES
from gateway.policy.wording import unquoted

from .world import (
    DAY,
    HOUR,
    NOW,
    YES,
    Contact,
    Copies,
    Evidence,
    Facts,
    Finding,
    Greeting,
    Pace,
    Permission,
    Person,
    Phrase,
    Reading,
    Relationship,
    Stop,
    ask,
    facts,
    granted,
    known,
    message,
    rules,
)

PITCH = Reading(promotional=YES)
PLAIN = Reading()


def person(**changes: object) -> Facts:
    return facts(person=Person(**changes))


def stopped(kind: str, **changes: object) -> Facts:
    return person(stops=(Stop(kind=kind, at=NOW - DAY, **changes),))


def allowed(*permissions: Permission, **changes: object) -> Facts:
    return facts(person=Person(permissions=permissions), **changes)


def wrote(*contacts: tuple[str, int], **changes: object) -> Facts:
    """Somebody whom the sender wrote to: of which class, and how many days ago."""
    kept = [
        Contact(at=NOW - days * DAY, class_=class_, channel="email", sender="marco@example.com")
        for class_, days in contacts
    ]
    return replace(known(**changes), person=Person(contacts=tuple(kept)))


def phrases(*parts: tuple[int, int, bool]) -> tuple[Reading, Facts]:
    """A reading of phrases (words, earlier copies, asks) and the facts that say so."""
    made = tuple(Phrase(i, words, 0, 7, asks) for i, (words, _, asks) in enumerate(parts))
    counts = tuple(sent for _, sent, _ in parts)
    return Reading(phrases=made), facts(copies=Copies(counts=counts, since=NOW - HOUR))


NEWSLETTER = message("newsletter")
LESSER = granted("newsletter", grade="C", at=NOW - DAY)
OFFER = message("promotion")
OUTREACH = message("outreach")
INVITATION = message("connection_request", "linkedin")
COPIED = phrases((10, 5, False), (10, 5, False))
OWN = phrases((10, 5, False), (10, 5, False), (8, 0, False))
PASSAGE = phrases((40, 0, False), (5, 9, True))
PDF = (Attachment(filename="offer.pdf", type="application/pdf"),)
FREE = {("connection_request", 3600): NOW + 600}
TIMES = [NOW - i * HOUR for i in range(1, 6)]

# rule line, message, reading, facts, codes expected
CASES = [
    # consent
    ("rule: consent", NEWSLETTER, PLAIN, facts(), {"consent.missing"}),
    ("rule: consent", NEWSLETTER, PLAIN, allowed(granted("newsletter")), set()),
    ("rule: consent", NEWSLETTER, PLAIN, allowed(granted("Newsletter")), set()),
    ("rule: consent", NEWSLETTER, PLAIN, allowed(granted("newsletter", "linkedin")), {"consent.missing"}),
    ("rule: consent", OFFER, PLAIN, allowed(granted("newsletter")), {"consent.missing"}),
    ("rule: consent", OFFER, PLAIN, allowed(granted("offers")), set()),
    ("rule: consent", replace(OFFER, purpose="events"), PLAIN, allowed(granted("offers")), {"consent.missing"}),
    ("rule: consent", replace(OFFER, purpose="events"), PLAIN, allowed(granted("events")), set()),
    ("rule: consent\n  purposes: [events, offers]", OFFER, PLAIN, allowed(granted("events")), set()),
    ("rule: consent", NEWSLETTER, PLAIN, allowed(granted("newsletter", grade="C")), {"consent.grade"}),
    ("rule: consent", NEWSLETTER, PLAIN, allowed(granted("newsletter", grade="B")), set()),
    ("rule: consent\n  min_grade: A", NEWSLETTER, PLAIN, allowed(granted("newsletter", grade="B")), {"consent.grade"}),
    ("rule: consent\n  min_grade: D", NEWSLETTER, PLAIN, allowed(granted("newsletter", grade="D")), {"consent.grade"}),
    ("rule: consent\n  any_proof: true", NEWSLETTER, PLAIN, allowed(granted("newsletter", grade="D")), set()),
    ("rule: consent", NEWSLETTER, PLAIN, allowed(granted("newsletter", grade="B"), jurisdiction="de"), {"consent.grade"}),
    ("rule: consent", NEWSLETTER, PLAIN, allowed(granted("newsletter", state="requested")), {"consent.pending"}),
    ("rule: consent", NEWSLETTER, PLAIN, allowed(granted("newsletter", state="withdrawn")), {"consent.withdrawn"}),
    ("rule: consent", NEWSLETTER, PLAIN, allowed(granted("newsletter", state="objected")), {"consent.withdrawn"}),
    ("rule: consent", NEWSLETTER, PLAIN, allowed(granted("newsletter", state="expired")), {"consent.expired"}),
    ("rule: consent", NEWSLETTER, PLAIN, allowed(granted("newsletter", expires_at=NOW)), {"consent.expired"}),
    ("rule: consent", NEWSLETTER, PLAIN, allowed(granted("newsletter", expires_at=NOW + 1)), set()),
    (
        "rule: consent", NEWSLETTER, PLAIN,
        allowed(granted("newsletter", at=NOW - 1096 * DAY), jurisdiction="fr"), {"consent.expired"},
    ),
    (
        "rule: consent", NEWSLETTER, PLAIN,
        allowed(granted("newsletter", at=NOW - 1096 * DAY, newer=LESSER), jurisdiction="fr"), set(),
    ),
    (
        "rule: consent\n  min_grade: B", NEWSLETTER, PLAIN,
        allowed(granted("newsletter", at=NOW - 1096 * DAY, newer=LESSER), jurisdiction="fr"), {"consent.grade"},
    ),
    (
        "rule: consent", NEWSLETTER, PLAIN,
        allowed(granted("newsletter", at=NOW - 1096 * DAY, newer=LESSER), jurisdiction="de"), set(),
    ),
    ("rule: consent", OFFER, PLAIN, allowed(granted("offers", basis="soft_opt_in", grade="D")), set()),
    ("rule: consent", NEWSLETTER, PLAIN, allowed(granted("newsletter", basis="soft_opt_in")), {"consent.basis"}),
    (
        "rule: consent", message("promotion", "linkedin"), PLAIN,
        allowed(granted("offers", "linkedin", basis="soft_opt_in")), {"consent.basis"},
    ),
    ("rule: consent", OFFER, PLAIN, allowed(granted("offers", basis="legitimate_interest")), {"consent.basis"}),
    ("rule: consent", OFFER, PLAIN, allowed(granted("offers", basis="implied")), {"consent.basis"}),
    ("rule: consent", OFFER, PLAIN, allowed(granted("offers", basis="implied"), jurisdiction="ca"), set()),
    (
        "rule: consent", OFFER, PLAIN,
        allowed(granted("offers", basis="implied", at=NOW - 731 * DAY), jurisdiction="ca"), {"consent.expired"},
    ),
    ("rule: consent", OFFER, PLAIN, facts(relationship=Relationship(last_purchase=NOW - DAY), jurisdiction="ca"), set()),
    ("rule: consent", OFFER, PLAIN, known(last_purchase=NOW - DAY), {"consent.missing"}),
    ("rule: consent", OFFER, PLAIN, facts(jurisdiction="us"), set()),
    ("rule: consent", OFFER, PLAIN, facts(jurisdiction="xx"), {"consent.missing"}),
    ("rule: consent", OFFER, PLAIN, facts(jurisdiction="us+it"), {"consent.missing"}),
    (
        "rule: consent", message("conversation"), PITCH,
        facts(known_reply=True, relationship=Relationship(last_reply=NOW - DAY, replies=1)), set(),
    ),
    (
        "rule: consent", message("conversation"), PITCH,
        facts(known_reply=True, relationship=Relationship(last_reply=NOW - 31 * DAY, replies=1)), {"consent.missing"},
    ),
    (
        "rule: consent", NEWSLETTER, PLAIN,
        facts(known_reply=True, relationship=Relationship(last_reply=NOW - DAY, replies=1)), {"consent.missing"},
    ),
    (
        "rule: consent\n  any_proof: true", replace(OFFER, claimed_consent=Consent(basis="consent")), PLAIN, facts(),
        {"consent.missing"},
    ),
    (
        "rule: consent\n  any_proof: true", replace(OFFER, claimed_consent=Consent(basis="consent")), PLAIN,
        facts(trusted=frozenset({"consent"})), set(),
    ),
    (
        "rule: consent", replace(OFFER, claimed_consent=Consent(basis="consent")), PLAIN,
        facts(trusted=frozenset({"consent"})), {"consent.grade"},
    ),
    (
        "rule: consent\n  any_proof: true", replace(OFFER, claimed_consent=Consent(basis="consent")), PLAIN,
        allowed(granted("offers", state="withdrawn"), trusted=frozenset({"consent"})), {"consent.withdrawn"},
    ),
    (
        "rule: consent\n  any_proof: true", replace(OFFER, claimed_consent=Consent(basis="consent")), PLAIN,
        allowed(granted("offers", state="changed", expires_at=NOW + DAY), trusted=frozenset({"consent"})),
        set(),
    ),
    (
        "rule: consent\n  any_proof: true", replace(OFFER, claimed_consent=Consent(basis="consent")), PLAIN,
        allowed(granted("offers", state="changed", expires_at=NOW - DAY), trusted=frozenset({"consent"})),
        {"consent.expired"},
    ),
    (
        "rule: consent\n  any_proof: true", replace(OFFER, claimed_consent=Consent(basis="consent", at=NOW - 2 * DAY)), PLAIN,
        allowed(granted("offers", state="changed", at=NOW - 3 * DAY, expires_at=NOW - 2 * DAY), trusted=frozenset({"consent"})),
        set(),
    ),
    # permission_request
    ("rule: permission_request", message("permission_request"), PLAIN, facts(), {"permission_request.stranger"}),
    ("rule: permission_request", OUTREACH, PLAIN, facts(), set()),
    ("rule: permission_request", OUTREACH, Reading(permission_request=YES), facts(), {"permission_request.stranger"}),
    ("rule: permission_request", message("permission_request"), PLAIN, facts(jurisdiction="us"), set()),
    (
        "rule: permission_request", OUTREACH, Reading(permission_request=YES),
        known(replies=1, last_reply=NOW - DAY), {"permission_request.review"},
    ),
    (
        "rule: permission_request", OUTREACH, Reading(permission_request=YES),
        facts(known_reply=True, relationship=Relationship(replies=1, last_reply=NOW - DAY)), set(),
    ),
    (
        "rule: permission_request", message("permission_request"), PITCH,
        facts(known_reply=True, relationship=Relationship(replies=1, last_reply=NOW - DAY)),
        {"permission_request.pitch"},
    ),
    (
        "rule: permission_request\n  allow: true", message("permission_request"), PLAIN,
        facts(
            relationship=Relationship(connected_at=NOW - DAY),
            linked=(Person(contacts=(Contact(at=NOW - DAY, class_="permission_request", channel="sms", sender="y"),)),),
        ),
        {"permission_request.repeated"},
    ),
    (
        "rule: permission_request", message("permission_request"), PLAIN, known(connected_at=NOW - DAY),
        {"permission_request.review"},
    ),
    (
        "rule: permission_request", message("permission_request"), PITCH, known(connected_at=NOW - DAY),
        {"permission_request.pitch"},
    ),
    (
        "rule: permission_request\n  allow: true", message("permission_request"), PLAIN, known(connected_at=NOW - DAY),
        set(),
    ),
    (
        "rule: permission_request\n  allow: true", message("permission_request"), PLAIN,
        facts(
            relationship=Relationship(connected_at=NOW - DAY),
            person=Person(contacts=(Contact(at=1.0, class_="permission_request", channel="email", sender="x"),)),
        ),
        {"permission_request.repeated"},
    ),
    (
        "rule: permission_request\n  allow: true", message("permission_request"), COPIED[0],
        replace(COPIED[1], relationship=Relationship(connected_at=NOW - DAY)), {"permission_request.copied"},
    ),
    # unsubscribe
    ("rule: unsubscribe", NEWSLETTER, PLAIN, facts(), {"unsubscribe.missing"}),
    ("rule: unsubscribe", NEWSLETTER, PLAIN, facts(way_out_added=True), set()),
    ("rule: unsubscribe", replace(NEWSLETTER, list_unsubscribe="<mailto:x@example.com>"), PLAIN, facts(), set()),
    (
        "rule: unsubscribe\n  one_click: true", replace(NEWSLETTER, list_unsubscribe="<mailto:x@example.com>"), PLAIN,
        facts(), {"unsubscribe.missing"},
    ),
    (
        "rule: unsubscribe\n  one_click: true",
        replace(NEWSLETTER, list_unsubscribe="<HTTPS://example.com/u>", list_unsubscribe_post="List-Unsubscribe=One-Click"),
        PLAIN, facts(), set(),
    ),
    ("rule: unsubscribe\n  one_click: true", NEWSLETTER, Reading(way_out=YES), facts(), {"unsubscribe.missing"}),
    ("rule: unsubscribe", NEWSLETTER, Reading(way_out=YES), facts(), set()),
    ("rule: unsubscribe", message("newsletter", "linkedin"), PLAIN, facts(), {"unsubscribe.missing"}),
    ("rule: unsubscribe", message("newsletter", "linkedin"), Reading(way_out=YES), facts(), set()),
    ("rule: unsubscribe", message("conversation", "linkedin"), PITCH, facts(known_reply=True), set()),
    # sender_identity
    ("rule: sender_identity", NEWSLETTER, PLAIN, facts(), set()),
    (
        "rule: sender_identity", replace(NEWSLETTER, sender=replace(NEWSLETTER.sender, name="", key="x@gmail.com")),
        PLAIN, facts(), {"sender_identity.name"},
    ),
    (
        "rule: sender_identity", replace(NEWSLETTER, sender=replace(NEWSLETTER.sender, address="no-reply@example.com")),
        PLAIN, facts(), {"sender_identity.contact"},
    ),
    ("rule: sender_identity", NEWSLETTER, PLAIN, facts(jurisdiction="us"), {"sender_identity.postal_address"}),
    (
        "rule: sender_identity", message("newsletter", content_text="Example Srl, via Roma 1, 37121 Verona"), PLAIN,
        facts(jurisdiction="us", identity="Example Srl, Via Roma 1, Verona"), set(),
    ),
    (
        "rule: sender_identity\n  require: [postal_address]", NEWSLETTER, PLAIN, facts(),
        {"sender_identity.postal_address"},
    ),
    # introduction, reason
    ("rule: introduction", OUTREACH, PLAIN, facts(), {"introduction.missing"}),
    ("rule: introduction", OUTREACH, Reading(introduces_sender=YES), facts(), set()),
    ("rule: introduction", OUTREACH, PLAIN, known(sent=1), set()),
    ("rule: introduction", OUTREACH, PLAIN, known(replies=1), set()),
    ("rule: reason", OUTREACH, PLAIN, facts(), {"reason.missing"}),
    ("rule: reason", OUTREACH, Reading(states_reason=YES), facts(), set()),
    # no_pitch
    ("rule: no_pitch\n  until_any: {replies: 1}", OUTREACH, PLAIN, facts(), set()),
    ("rule: no_pitch\n  until_any: {replies: 1}", OUTREACH, PITCH, facts(), {"no_pitch.stranger"}),
    ("rule: no_pitch\n  until_any: {replies: 1}", OUTREACH, PITCH, known(replies=1), set()),
    (
        "rule: no_pitch\n  until_any: {replies: 1}", OUTREACH, PITCH, known(replies=1, declined=1),
        {"no_pitch.stranger"},
    ),
    ("rule: no_pitch\n  until_any: {replies: 1}", OUTREACH, PITCH, known(replies=2, declined=1), set()),
    (
        "rule: no_pitch\n  until_all: {days_connected: 14, replies: 1}", OUTREACH, PITCH,
        known(connected_at=NOW - 20 * DAY, replies=1, declined=1), {"no_pitch.too_soon"},
    ),
    ("rule: no_pitch\n  until_any: {replies: 2}", OUTREACH, PITCH, known(replies=1), {"no_pitch.stranger"}),
    (
        "rule: no_pitch\n  until_any: {days_connected: 14, replies: 1}", OUTREACH, PITCH,
        known(connected_at=NOW - 14 * DAY + 1), {"no_pitch.too_soon"},
    ),
    (
        "rule: no_pitch\n  until_any: {days_connected: 14, replies: 1}", OUTREACH, PITCH,
        known(connected_at=NOW - 14 * DAY), set(),
    ),
    (
        "rule: no_pitch\n  until_all: {days_connected: 14, replies: 1}", OUTREACH, PITCH,
        known(connected_at=NOW - 20 * DAY), {"no_pitch.too_soon"},
    ),
    (
        "rule: no_pitch\n  until_all: {days_connected: 14, replies: 1}", OUTREACH, PITCH,
        known(connected_at=NOW - 20 * DAY, replies=1), set(),
    ),
    (
        "rule: no_pitch\n  until_any: {replies: 1}\n  certainty: 0.9", OUTREACH,
        Reading(promotional=Finding(True, 0.6)), facts(), set(),
    ),
    ("rule: no_pitch\n  until_any: {replies: 1}", NEWSLETTER, PITCH, allowed(granted("newsletter")), set()),
    ("rule: no_pitch\n  until_any: {replies: 1}", NEWSLETTER, PITCH, facts(), {"no_pitch.stranger"}),
    # bare_invitation
    ("rule: bare_invitation", INVITATION, PLAIN, facts(), {"bare_invitation.empty"}),
    (
        "rule: bare_invitation", message("connection_request", "linkedin", content_text="Hi there"),
        Reading(length=8), facts(), {"bare_invitation.short"},
    ),
    (
        "rule: bare_invitation",
        message("connection_request", "linkedin", content_text="Hi Ada, I’d like to join your network!"),
        Reading(length=38), facts(), {"bare_invitation.stock"},
    ),
    (
        "rule: bare_invitation",
        message(
            "connection_request", "linkedin",
            content_text="I'd like to join your network: we both teach Latin to engineers.",
        ),
        Reading(length=60), facts(), set(),
    ),
    ("rule: bare_invitation", INVITATION, Reading(length=30), facts(), set()),
    ("rule: bare_invitation", OUTREACH, PLAIN, facts(), set()),
    # min_stage
    ("rule: min_stage", OUTREACH, PLAIN, known(replies=1), {"min_stage.not_yet"}),
    ("rule: min_stage", OUTREACH, PLAIN, known(replies=1, answers=1), set()),
    ("rule: min_stage", OUTREACH, PLAIN, known(replies=2, declined=2, answers=1), {"min_stage.not_yet"}),
    ("rule: min_stage", OUTREACH, PLAIN, known(meetings=1), set()),
    ("rule: min_stage\n  stage: connected", OUTREACH, PLAIN, facts(), {"min_stage.not_yet"}),
    ("rule: min_stage\n  stage: connected", OUTREACH, PLAIN, known(connected_at=1.0), set()),
    ("rule: min_stage\n  names_work: true", OUTREACH, PLAIN, known(meetings=1), {"min_stage.no_work"}),
    ("rule: min_stage\n  names_work: true", OUTREACH, Reading(personal_detail=YES), known(meetings=1), set()),
    # source_of_data
    ("rule: source_of_data", OUTREACH, PLAIN, facts(), {"source_of_data.missing"}),
    ("rule: source_of_data", OUTREACH, Reading(data_source=YES), facts(), set()),
    ("rule: source_of_data", OUTREACH, PLAIN, known(connected_at=1.0), set()),
    ("rule: source_of_data", OUTREACH, PLAIN, allowed(granted("offers")), set()),
    # copied_text
    ("rule: copied_text", OUTREACH, *COPIED, {"copied_text.share"}),
    ("rule: copied_text\n  copies: 6", OUTREACH, *COPIED, set()),
    ("rule: copied_text", OUTREACH, *OWN, {"copied_text.share"}),
    ("rule: copied_text\n  own_words: 6", OUTREACH, *OWN, set()),
    ("rule: copied_text\n  own_words: 9", OUTREACH, *OWN, {"copied_text.share"}),
    ("rule: copied_text", OUTREACH, *PASSAGE, {"copied_text.passage"}),
    ("rule: copied_text", OUTREACH, *phrases((40, 0, False), (5, 9, False)), set()),
    ("rule: copied_text\n  max_share: 0.1", OUTREACH, *phrases((40, 0, False), (5, 9, False)), {"copied_text.share"}),
    # merge_tags
    ("rule: merge_tags", OUTREACH, Reading(unresolved_merge=YES), facts(), {"merge_tags.unresolved"}),
    ("rule: merge_tags", OUTREACH, PLAIN, facts(), set()),
    (
        'rule: merge_tags\n  allow: ["%recipient.id%"]', OUTREACH,
        Reading(unresolved_merge=Finding(True, 1.0, (Evidence(text="%recipient.id%"),))), facts(), set(),
    ),
    (
        'rule: merge_tags\n  allow: [" %recipient.id% "]', OUTREACH,
        Reading(unresolved_merge=Finding(True, 1.0, (Evidence(text="%recipient.id%"),))), facts(), set(),
    ),
    (
        'rule: merge_tags\n  allow: ["%recipient.id%"]', OUTREACH,
        Reading(unresolved_merge=Finding(True, 1.0, (Evidence(text="%recipient.id%"), Evidence(text="{{x}}")))), facts(),
        {"merge_tags.unresolved"},
    ),
    # greeting
    ("rule: greeting", OUTREACH, Reading(greeting=Greeting(kind="generic")), facts(), {"greeting.generic"}),
    ("rule: greeting", OUTREACH, Reading(greeting=Greeting(kind="wrong_name", name="Ugo")), facts(), {"greeting.wrong_name"}),
    ("rule: greeting", OUTREACH, Reading(greeting=Greeting(kind="missing")), facts(), set()),
    ("rule: greeting", OUTREACH, Reading(greeting=Greeting(kind="named")), facts(), set()),
    ("rule: greeting\n  allow: []", OUTREACH, Reading(greeting=Greeting(kind="missing")), facts(), {"greeting.missing"}),
    ("rule: greeting\n  allow: [generic]", OUTREACH, Reading(greeting=Greeting(kind="generic")), facts(), set()),
    # personal_detail
    ("rule: personal_detail", OUTREACH, *COPIED, {"personal_detail.missing"}),
    ("rule: personal_detail", OUTREACH, *OWN, set()),
    ("rule: personal_detail", OUTREACH, PLAIN, facts(), set()),
    ("rule: personal_detail", OUTREACH, PLAIN, facts(pace=Pace(sent={("outreach", 86400): 4})), {"personal_detail.formula"}),
    ("rule: personal_detail", OUTREACH, PLAIN, facts(pace=Pace(sent={("greeting", 86400): 4})), set()),
    ("rule: personal_detail\n  copies: 0", OUTREACH, PLAIN, facts(), {"personal_detail.missing"}),
    ("rule: personal_detail\n  copies: 0", OUTREACH, Reading(personal_detail=YES), facts(), set()),
    # readable
    ("rule: readable", OUTREACH, Reading(unreadable=YES), facts(), {"readable.unread"}),
    ("rule: readable", message(content_template_pending=True), PLAIN, facts(), {"readable.template"}),
    ("rule: readable", OUTREACH, PLAIN, facts(), set()),
    ("rule: readable", message(content_attachments=PDF), PLAIN, facts(), {"readable.attachment"}),
    ("rule: readable", message(content_attachments=PDF), PLAIN, known(replies=1), set()),
    (
        "rule: readable", message(content_attachments=PDF), PLAIN, known(replies=1, declined=1),
        {"readable.attachment"},
    ),
    ("rule: readable", message("newsletter", content_attachments=PDF), PLAIN, facts(), set()),
    ("rule: readable", message(content_attachments=(Attachment(type="text/calendar"),)), PLAIN, facts(), set()),
    *(
        ("rule: readable", message(content_attachments=(each,)), PLAIN, facts(), {"readable.attachment"})
        for each in (
            Attachment(type="message/rfc822"), Attachment(type="text/plain"), Attachment(type="application/x-pdf"),
            Attachment(type="application/octet-stream", filename="offerta.pdf"), Attachment(type="application/ms-tnef"),
            Attachment(type="image/png", filename="offerta.PDF"), Attachment(type="foo/bar"),
        )
    ),
    *(
        ("rule: readable", message(content_attachments=(each,)), PLAIN, facts(), set())
        for each in (
            Attachment(type="image/png", filename="logo.png"), Attachment(type="application/pgp-signature"),
            Attachment(type="application/pkcs7-signature", filename="smime.p7s"), Attachment(type="text/vcard"),
        )
    ),
    ("rule: readable", message(content_whole=False), PLAIN, facts(), {"readable.doubtful"}),
    ("rule: readable", message("transactional", content_whole=False), PLAIN, facts(), {"readable.doubtful"}),
    ("rule: readable", OUTREACH, Reading(truncated=True), facts(), {"readable.long"}),
    ("rule: readable", message("transactional"), Reading(truncated=True), facts(), {"readable.long"}),
    ("rule: readable", message("transactional"), Reading(unreadable=YES), facts(), set()),
    ("rule: readable", message("transactional", content_attachments=PDF), PLAIN, facts(), set()),
    ("rule: readable", message("transactional", content_template_pending=True), PLAIN, facts(), set()),
    # contact_cap
    (
        "rule: contact_cap\n  limit: 5\n  per: 1 day", OFFER, PLAIN,
        person(contacts=tuple(Contact(at=at, class_="promotion", channel="sms", sender="y") for at in TIMES)),
        {"contact_cap.reached"},
    ),
    (
        "rule: contact_cap\n  limit: 6\n  per: 1 day", OFFER, PLAIN,
        person(contacts=tuple(Contact(at=at, class_="promotion", channel="sms", sender="y") for at in TIMES)), set(),
    ),
    (
        "rule: contact_cap\n  limit: 5\n  per: 1 day", OFFER, PLAIN,
        person(contacts=tuple(Contact(at=at, class_="transactional", channel="sms", sender="y") for at in TIMES)), set(),
    ),
    (
        "rule: contact_cap\n  limit: 2\n  per: 1 day", OFFER, PLAIN,
        facts(
            person=Person(contacts=(Contact(at=NOW - 1, class_="greeting", channel="sms", sender="y"),)),
            linked=(Person(contacts=(Contact(at=NOW - 2, class_="outreach", channel="linkedin", sender="z"),)),),
        ),
        {"contact_cap.reached"},
    ),
    # sequence_length
    ("rule: sequence_length\n  limit: 3", OUTREACH, PLAIN, known(sent_since_reply=3), {"sequence_length.reached"}),
    ("rule: sequence_length\n  limit: 3", OUTREACH, PLAIN, known(sent_since_reply=2), set()),
    ("rule: sequence_length\n  limit: 3", replace(OUTREACH, sequence_step=4), PLAIN, facts(), {"sequence_length.reached"}),
    ("rule: sequence_length\n  limit: 3", replace(OUTREACH, sequence_step=4), PLAIN, known(replies=1), set()),
    (
        "rule: sequence_length\n  limit: 3\n  per: 90 days", OUTREACH, PLAIN,
        known(sent_since_reply=3, last_out=NOW - 90 * DAY), set(),
    ),
    (
        "rule: sequence_length\n  limit: 3\n  per: 90 days", OUTREACH, PLAIN,
        wrote(("outreach", 91), ("transactional", 1), sent_since_reply=3, last_out=NOW - DAY), set(),
    ),
    (
        "rule: sequence_length\n  limit: 3\n  per: 90 days", OUTREACH, PLAIN,
        wrote(("transactional", 91), ("outreach", 1), sent_since_reply=3, last_out=NOW - DAY),
        {"sequence_length.reached"},
    ),
    (
        "rule: sequence_length\n  limit: 3\n  per: 90 days", OUTREACH, PLAIN,
        wrote(("outreach", 200), ("outreach", 199), ("outreach", 2), ("outreach", 1), sent_since_reply=4), set(),
    ),
    (
        "rule: sequence_length\n  limit: 2\n  per: 90 days", OUTREACH, PLAIN,
        wrote(("outreach", 200), ("outreach", 199), ("outreach", 2), ("outreach", 1), sent_since_reply=4),
        {"sequence_length.reached"},
    ),
    (
        "rule: sequence_length\n  limit: 3\n  per: 90 days", replace(OUTREACH, sequence_step=4), PLAIN,
        wrote(("outreach", 200), ("outreach", 1), sent_since_reply=4), {"sequence_length.reached"},
    ),
    # burst
    (
        "rule: burst\n  limit: 20\n  per: 1 hour", INVITATION, PLAIN,
        facts(pace=Pace(sent={("connection_request", 3600): 20}, next_free=FREE)), {"burst.too_fast"},
    ),
    (
        "rule: burst\n  limit: 20\n  per: 1 hour", INVITATION, PLAIN,
        facts(pace=Pace(sent={("connection_request", 3600): 19, ("outreach", 3600): 99})), set(),
    ),
    # reply_duty
    ("rule: reply_duty", OUTREACH, PLAIN, known(unanswered_since=NOW - DAY), {"reply_duty.unanswered"}),
    ("rule: reply_duty", OUTREACH, PLAIN, facts(), set()),
    ("rule: reply_duty\n  within: 12 hours", OUTREACH, PLAIN, known(unanswered_since=NOW - DAY), set()),
    (
        "rule: reply_duty", message("conversation"), PLAIN,
        replace(known(unanswered_since=NOW - DAY), source_kind="person", known_reply=True), set(),
    ),
    (
        "rule: reply_duty", message("conversation"), PLAIN,
        replace(known(unanswered_since=NOW - DAY), known_reply=True), {"reply_duty.unanswered"},
    ),
    # reply_backlog
    (
        "rule: reply_backlog\n  limit: 2\n  age: 5 days", OUTREACH, PLAIN,
        facts(pace=Pace(backlog=(NOW - 7 * DAY, NOW - 6 * DAY, NOW - 5 * DAY))), {"reply_backlog.waiting"},
    ),
    (
        "rule: reply_backlog\n  limit: 2\n  age: 5 days", OUTREACH, PLAIN,
        facts(pace=Pace(backlog=(NOW - 7 * DAY, NOW - 6 * DAY, NOW - DAY))), set(),
    ),
    (
        "rule: reply_backlog\n  limit: 0\n  age: 1 day", OUTREACH, PLAIN,
        replace(known(sent=1), pace=Pace(backlog=(NOW - 7 * DAY,))), set(),
    ),
    (
        "rule: consent\n  purposes: [Events, Offers]", replace(OUTREACH, purpose="events"), PLAIN,
        allowed(granted("offers")), {"consent.missing"},
    ),
    # declared_purpose
    ("rule: declared_purpose", replace(OUTREACH, campaign="c"), PLAIN, facts(), {"declared_purpose.missing"}),
    ("rule: declared_purpose", replace(OUTREACH, campaign="c", purpose="events"), PLAIN, facts(), set()),
    ("rule: declared_purpose", OUTREACH, PLAIN, facts(), set()),
    (
        "rule: declared_purpose\n  purposes: [Events]", replace(OUTREACH, purpose="events"), PLAIN, facts(), set(),
    ),
    (
        "rule: declared_purpose\n  purposes: [offers]", replace(OUTREACH, purpose="events"), PLAIN, facts(),
        {"declared_purpose.unknown"},
    ),
    # class_matches
    ("rule: class_matches", message("transactional"), PITCH, facts(), {"class_matches.promotional"}),
    ("rule: class_matches", message("transactional"), PLAIN, facts(), set()),
    ("rule: class_matches", message("conversation"), PLAIN, facts(), {"class_matches.no_reply"}),
    ("rule: class_matches", message("conversation"), PLAIN, facts(known_reply=True), set()),
    # phrases
    ("rule: phrases\n  lexicon: pressure", OUTREACH, Reading(pressure=YES), facts(), {"phrases.pressure"}),
    ("rule: phrases\n  lexicon: presumption", OUTREACH, Reading(presumption=YES), facts(), {"phrases.presumption"}),
    ("rule: phrases\n  lexicon: complaint", OUTREACH, Reading(complaint=YES), facts(), {"phrases.complaint"}),
    ("rule: phrases\n  lexicon: evasion", OUTREACH, Reading(evasion=YES), facts(), {"phrases.evasion"}),
    ("rule: phrases\n  lexicon: pressure", OUTREACH, PLAIN, facts(), set()),
    (
        "rule: phrases\n  lexicon: pressure\n  threshold: 0.5", OUTREACH, Reading(pressure=Finding(False, 0.5)), facts(),
        {"phrases.pressure"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "about", "reading", "what", "codes"),
    CASES,
    ids=[f"{i}-{case[0].split()[1]}-{'-'.join(sorted(case[4])) or 'passes'}" for i, case in enumerate(CASES)],
)
def test_rule(line, about, reading, what, codes) -> None:
    decision = ask(rules(f"- {line}\n  outcome: hold"), about, reading, what)
    assert {v.code for v in decision.violations} == codes
    speaks_well(decision)
    if codes:
        assert decision.outcome in (Outcome.HOLD, Outcome.REJECT)


def speaks_well(decision: Decision) -> None:
    """Both languages say what is wrong and what would help, in whole sentences."""
    for violation in decision.violations:
        for words in (violation.reason, violation.remedy):
            assert words.en.endswith((".", '".'))
            assert words.it.endswith((".", "»."))
            assert words.en != words.it
            assert "{}" not in words.en + words.it
        assert len(violation.reason.en.encode()) < 380
        told = unquoted(violation.reason.en)
        assert '"' not in told
        assert told.endswith(".")
        for item in violation.evidence:
            assert item.part == "facts" or len(item.text) < 4 or item.text not in told


def test_every_rule_has_a_case_that_objects_and_one_that_passes() -> None:
    objecting = {case[0].split()[1] for case in CASES if case[4]}
    passing = {case[0].split()[1] for case in CASES if not case[4]}
    elsewhere = {"suppressed", "stop_request", "no_sales", "quiet_hours"}
    assert set(RULES) - elsewhere == objecting & passing


FLOOR = [
    (OUTREACH, PLAIN, stopped("unsubscribed"), {"suppressed.unsubscribed"}),
    (OUTREACH, PLAIN, stopped("objected"), {"suppressed.objected"}),
    (OUTREACH, PLAIN, stopped("complained"), {"suppressed.complained"}),
    (OUTREACH, PLAIN, stopped("bounced"), {"suppressed.bounced"}),
    (OUTREACH, PLAIN, stopped("erased"), {"suppressed.erased"}),
    (OUTREACH, PLAIN, stopped("something new"), {"suppressed.stopped"}),
    (OUTREACH, PLAIN, stopped("stop_request"), {"stop_request.said"}),
    (OUTREACH, PLAIN, stopped("unsubscribed", channels=("linkedin",)), set()),
    (OUTREACH, PLAIN, stopped("unsubscribed", purposes=("newsletter",)), set()),
    (NEWSLETTER, PLAIN, stopped("unsubscribed", purposes=("newsletter",)), {"suppressed.unsubscribed"}),
    (
        replace(NEWSLETTER, purpose="digest"), PLAIN, stopped("unsubscribed", purposes=("newsletter",)),
        {"suppressed.unsubscribed"},
    ),
    (OUTREACH, PITCH, stopped("unsubscribed", purposes=("offers",)), {"suppressed.unsubscribed"}),
    (OUTREACH, PLAIN, person(paused_until=NOW + DAY), {"suppressed.paused"}),
    (OUTREACH, PLAIN, person(paused_until=NOW - DAY), set()),
    (OUTREACH, PLAIN, person(restricted_at=NOW - DAY), {"suppressed.restricted"}),
    (OUTREACH, PLAIN, person(no_sales_at=NOW - DAY), set()),
    (OUTREACH, PITCH, person(no_sales_at=NOW - DAY), {"no_sales.declared"}),
    (OFFER, PLAIN, person(no_sales_at=NOW - DAY), {"no_sales.declared"}),
    (NEWSLETTER, PLAIN, person(no_sales_at=NOW - DAY), {"no_sales.declared"}),
    (OUTREACH, PLAIN, facts(linked=(Person(stops=(Stop(kind="objected", at=NOW),)),)), {"suppressed.objected"}),
    (OUTREACH, PLAIN, facts(linked=(Person(stops=(Stop(kind="bounced", at=NOW),)),)), set()),
    (OUTREACH, PITCH, facts(linked=(Person(no_sales_at=NOW),)), {"no_sales.declared"}),
    (message("transactional"), PLAIN, stopped("unsubscribed"), set()),
    (message("transactional"), PITCH, stopped("unsubscribed"), {"suppressed.unsubscribed"}),
    (message("transactional"), PLAIN, stopped("bounced"), {"suppressed.bounced"}),
    (message("transactional"), PLAIN, stopped("erased"), {"suppressed.erased"}),
    (message("conversation"), PLAIN, stopped("unsubscribed"), {"suppressed.unsubscribed"}),
    (message("conversation"), PLAIN, replace(stopped("unsubscribed"), known_reply=True), set()),
]  # fmt: skip


@pytest.mark.parametrize(("about", "reading", "what", "codes"), FLOOR)
def test_floor(about, reading, what, codes) -> None:
    decision = ask(PolicySet(), about, reading, what)
    assert {v.code for v in decision.violations} == codes
    assert decision.outcome is (Outcome.REJECT if codes else Outcome.ACCEPT)
    assert {v.mode for v in decision.violations} <= {"floor"}
    speaks_well(decision)


@pytest.mark.parametrize("about", [OUTREACH, NEWSLETTER, message("transactional"), message("conversation")])
@pytest.mark.parametrize("kinds", [("source",), ("campaign",), ("source", "campaign")])
def test_what_is_paused_is_held_whatever_is_observed_or_waived(about, kinds) -> None:
    paused = facts(paused=tuple((kind, NOW - DAY) for kind in kinds))
    codes = {f"paused.{kind}" for kind in kinds}
    for policies in (PolicySet(), PolicySet(observing=True)):
        waived = frozenset({*codes, *(f"floor/{code}" for code in codes)})
        decision = decide(policies, about, about.recipients[0], PLAIN, paused, NOW, waived=waived)
        assert (decision.outcome, {v.code for v in decision.violations}) == (Outcome.HOLD, codes)
        assert {(v.mode, v.condition, v.earliest) for v in decision.violations} == {("floor", "resumes", 0.0)}
        assert (decision.waived, decision.lets_pass, decision.paused_only) == ((), (), True)
    speaks_well(decision)


def test_a_refusal_stays_one_under_a_pause() -> None:
    decision = ask(PolicySet(), OUTREACH, PLAIN, replace(stopped("objected"), paused=(("source", NOW),)))
    assert (decision.outcome, decision.paused_only) == (Outcome.REJECT, False)


def test_who_ended_the_offers_alone_keeps_the_newsletter_they_agreed_to_but_no_sure_offer() -> None:
    likely = Reading(promotional=Finding(True, 0.79, (Evidence(text="Dear readers", why="newsletter"),)))
    ended = stopped("unsubscribed", purposes=("offers",))

    def codes(about, reading, what) -> set[str]:
        return {v.code for v in ask(PolicySet(), about, reading, what).violations}

    kept = replace(ended, person=replace(ended.person, permissions=(granted("newsletter"),)))
    assert codes(NEWSLETTER, likely, kept) == set()
    refused = {"suppressed.unsubscribed"}
    assert codes(NEWSLETTER, PITCH, kept) == refused
    assert codes(NEWSLETTER, likely, ended) == refused
    assert codes(replace(NEWSLETTER, purpose="offers"), likely, kept) == refused
    assert codes(OUTREACH, likely, kept) == refused
    withdrawn = (granted("newsletter", state="withdrawn"),)
    left = replace(ended, person=replace(ended.person, permissions=withdrawn))
    assert codes(NEWSLETTER, likely, left) == refused


AGREED_ANEW = [
    ("newsletter", "", PLAIN, True),
    ("newsletter", "newsletter", PITCH, True),
    ("newsletter", "offers", PLAIN, False),
    ("outreach", "", PLAIN, False),
    ("outreach", "newsletter", PITCH, False),
    ("outreach", "newsletter", PLAIN, False),
    ("greeting", "newsletter", PLAIN, False),
    ("conversation", "newsletter", PLAIN, False),
    ("promotion", "newsletter", PLAIN, False),
    ("transactional", "newsletter", PITCH, False),
    ("outreach", "events", PLAIN, True),
    ("outreach", "events", PITCH, False),
]


@pytest.mark.parametrize(("class_", "purpose", "reading", "passes"), AGREED_ANEW)
def test_after_a_stop_a_new_consent_opens_for_what_it_names_and_nothing_that_borrows_the_name(
    class_, purpose, reading, passes
) -> None:
    anew = stopped("objected", spares=(("newsletter", "email"), ("events", "email")))
    decision = ask(PolicySet(), message(class_, purpose=purpose), reading, anew)
    assert {v.code for v in decision.violations} == (set() if passes else {"suppressed.objected"})


def test_who_agreed_to_offers_anew_gets_what_sells() -> None:
    anew = stopped("objected", spares=(("offers", "email"),))
    for class_ in ("outreach", "promotion"):
        assert ask(PolicySet(), message(class_), PITCH, anew).outcome is Outcome.ACCEPT


def test_a_pause_ends_by_itself() -> None:
    decision = ask(
        rules("- rule: merge_tags\n  outcome: hold"), OUTREACH, PLAIN, person(paused_until=NOW + DAY)
    )
    assert decision.earliest == NOW + DAY


def test_outcomes_of_a_permission_request() -> None:
    strict = rules("- rule: permission_request\n  outcome: reject")
    request = message("permission_request")
    assert ask(strict, request).outcome is Outcome.REJECT
    assert ask(strict, request, PLAIN, known(connected_at=NOW - DAY)).outcome is Outcome.HOLD
    assert ask(strict, OUTREACH, Reading(permission_request=YES)).outcome is Outcome.HOLD


def test_earliest_of_a_pitch() -> None:
    one = rules("- rule: no_pitch\n  until_any: {days_connected: 14, replies: 1}\n  outcome: reject")
    connected = known(connected_at=NOW - 30)
    assert ask(one, OUTREACH, PITCH, connected).earliest == NOW - 30 + 14 * DAY
    assert ask(one, OUTREACH, PITCH, facts()).earliest == 0
    both = rules("- rule: no_pitch\n  until_all: {days_connected: 14, replies: 1}\n  outcome: reject")
    assert ask(both, OUTREACH, PITCH, connected).earliest == 0
    assert ask(both, OUTREACH, PITCH, known(connected_at=NOW - 30, replies=1)).earliest == NOW - 30 + 14 * DAY


def test_time_does_not_cure_consent() -> None:
    pitch = "- rule: no_pitch\n  until_any: {days_connected: 14}\n  outcome: reject"
    two = rules(pitch + "\n- rule: consent\n  outcome: reject")
    decision = ask(two, OFFER, PITCH, known(connected_at=NOW - 30))
    assert {v.code for v in decision.violations} == {"no_pitch.too_soon", "consent.missing"}
    assert decision.earliest == 0


def test_a_cap_is_free_again_when_the_oldest_leaves_the_window() -> None:
    capped = rules("- rule: contact_cap\n  limit: 3\n  per: 1 day\n  outcome: hold")
    contacts = tuple(Contact(at=at, class_="promotion", channel="email", sender="y") for at in TIMES)
    decision = ask(capped, OFFER, PLAIN, person(contacts=contacts))
    free = decision.earliest
    assert free == sorted(TIMES)[-3] + DAY
    assert ask(capped, OFFER, PLAIN, person(contacts=contacts), now=free - 1).outcome is Outcome.HOLD
    assert ask(capped, OFFER, PLAIN, person(contacts=contacts), now=free).outcome is Outcome.ACCEPT


def test_what_reasons_compare() -> None:
    decision = ask(
        rules("- rule: no_pitch\n  until_any: {days_connected: 14}\n  outcome: reject"),
        OUTREACH, PITCH, known(connected_at=NOW - 2 * HOUR),
    )  # fmt: skip
    (violation,) = decision.violations
    assert violation.reason.en == (
        'This sells ("the words that show it") 2 hours after the connection was accepted; we wait 14 days.'
    )
    assert "2 ore dopo" in violation.reason.it
    assert violation.evidence[0].start == 3
    assert violation.condition == "window"
