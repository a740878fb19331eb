"""Judging a studied page: every finding of the Reading with its evidence."""

import re
from itertools import pairwise

from gateway.message.content import Content
from gateway.reading.greeting import read_greeting
from gateway.reading.html import Page
from gateway.reading.lexicon import Weights
from gateway.reading.phrases import Study
from gateway.reading.reading import NOT_FOUND, Evidence, Finding, Reading
from gateway.reading.signoff import find_signature
from gateway.reading.weigh import add, score, tally

WEIGHED = (
    "promotional", "permission_request", "introduces_sender", "states_reason", "personal_detail",
    "seasonal_greeting", "recommendation_request", "stop_request", "pressure", "presumption", "complaint",
    "way_out", "data_source",
)  # fmt: skip
"""Findings that are a weighed sum of features."""
_CARRIED = {"promotional": "msg.sells", "permission_request": "msg.permission"}
"""Scores that later findings weigh as features."""
SIGNED = "signature.block"
"""A text that ends with a name and what its bearer is."""
_REFUSING = ("promotional",)
GAINSAID = 0.79
"""What a finding for which rules refuse comes to at most while the words of the text, on the whole, speak
against it: phrases alone make nobody sure, for colleagues, clerks and customers use those of a pitch too."""
_PITCH = (
    "promotional.who",
    "promotional.pain",
    "promotional.sell",
    "promotional.benefit",
    "promotional.proof",
    "promotional.ours",
)
_CALL = (
    "promotional.show",
    "promotional.act",
    "promotional.meeting",
    "promotional.action",
    "form.calendar",
)
_ALONE = 0.6
"""Above this sum a feature takes part in a pair."""
PAIRS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    (
        "pair.org_act",
        ("introduces.org", "introduces.self", "form.organization"),
        ("promotional.act", "promotional.ours"),
    ),
    ("pair.follow_call", ("promotional.follow",), (*_CALL, *_PITCH)),
    (
        "pair.magnet_act",
        ("promotional.magnet",),
        (
            "permission.send",
            "permission.list",
            "promotional.who",
            "promotional.show",
            "promotional.act",
            "promotional.benefit",
        ),
    ),
    (
        "pair.sms_call",
        ("form.premium", "form.shortcode"),
        ("promotional.sms", "promotional.words", "promotional.money"),
    ),
    (
        "pair.letter_leave",
        ("promotional.newsletter",),
        ("permission.send", "permission.list", "permission.again"),
    ),
    ("pair.leave_way", ("permission.leave",), ("way_out.words",)),
    (
        "pair.buyer_price",
        ("context.inquiry", "context.asked"),
        (
            "promotional.offer",
            "promotional.trade",
            "form.price",
            "promotional.partner",
            "promotional.who",
            "promotional.shop",
            "promotional.act",
        ),
    ),
    ("pair.quoted", ("form.quote",), ("personal.work", "reason.trigger")),
    ("pair.sms_receipt", ("context.transactional",), ("form.premium", "form.shortcode", "promotional.sms")),
    ("pair.letter_way", ("promotional.newsletter",), ("footer.bulk", "way_out.words", "promotional.shop")),
)
"""What says more together than apart: (name, any of these, any of those). A pitch sells nothing before it
asks for something, and a question for ten minutes sells nothing before it says what for. Who asks for a
price, or answers who asked, names it and sells nothing. Quotation marks in a text about what the reader said
or made hold the reader's own words."""
_SPECIFIC = ("form.proper", "form.date", "form.time", "form.weekday", "form.reference", "form.price")
MAX_EVIDENCE = 6
_NOWHERE = (0.0, "")
_UNKNOWN = -3.0
"""The sum of a finding that weights.yaml does not name."""
_SAME_FEATURE = 3
"""Evidence of one feature that is looked at, the first in the text."""
_LITTLE_TEXT = 80
_CARRIES_TEXT = ("image/", "application/pdf", "application/vnd", "application/msword", "text/html", "video/")


def judge(content: Content, page: Page, seen: Study, weights: Weights) -> Reading:
    """The Reading of a page."""
    features = seen.features
    greeting = read_greeting(page.text, seen.blocks, seen.hits, content.recipient_name)
    features["msg." + greeting.kind] = 1.0
    signature = find_signature(page.text, seen.blocks)
    if signature is not None:
        features[SIGNED] = 1.0
        seen.hits.append(("body", 0, ((SIGNED, *signature, 1.0),)))
    _combine(features)
    found = _weigh(features, weights)
    _point_out(found, page.text, content.subject, seen, weights)
    return Reading(
        language=seen.language,
        unresolved_merge=_tags(page.text, content.subject, seen),
        evasion=_evasion(page, content.subject, seen),
        unreadable=_unreadable(content, page, seen),
        greeting=greeting,
        phrases=seen.phrases,
        length=len(page.text),
        truncated=page.truncated or seen.truncated,
        **found,
    )


def _combine(features: dict[str, float]) -> None:
    """Adds the pairs, and how concrete the text is, 0 to 1."""
    strong = {name for name, total in features.items() if total >= _ALONE}
    for name, these, those in PAIRS:
        if not strong.isdisjoint(these) and not strong.isdisjoint(those):
            features[name] = 1.0
    features["msg.concrete"] = min(1.0, sum([features.get(one, 0.0) for one in _SPECIFIC]) / 5)


def _weigh(features: dict[str, float], weights: Weights) -> dict[str, Finding]:
    """How sure each finding is."""
    totals = tally(features, weights)
    found = {}
    for name in WEIGHED:
        sure = score(totals.get(name, _UNKNOWN))
        if sure > GAINSAID and name in _REFUSING and features.get(f"words.{name}", 0.0) < 0.0:
            sure = GAINSAID
        found[name] = Finding(sure >= weights.threshold.get(name, 0.5), sure)
        carried = _CARRIED.get(name)
        if carried:
            features[carried] = sure
            add(totals, weights.takers.get(carried, ()), sure)
    return found


def _point_out(found: dict[str, Finding], text: str, subject: str, seen: Study, weights: Weights) -> None:
    """Give each finding that holds the words that show it, the weightiest first."""
    holding = {name for name, finding in found.items() if finding.value}
    if not holding:
        return
    times: dict[str, int] = {}
    spots: dict[str, dict[tuple[str, int, int], tuple[float, str]]] = {name: {} for name in holding}
    for part, place, hits in seen.hits:
        for feature, start, end, weight in hits:
            shown = weights.shown.get(feature)
            if shown is None or (before := times.get(feature, 0)) == _SAME_FEATURE:
                continue
            times[feature] = before + 1
            spot = (part, place + start, place + end)
            for name, worth in shown:
                if name in holding and worth * weight > spots[name].get(spot, _NOWHERE)[0]:
                    spots[name][spot] = (worth * weight, feature)
    for name, places in spots.items():
        if places:
            best = sorted(places.items(), key=lambda one: -one[1][0])
            found[name] = Finding(True, found[name].score, tuple(_show(best, text, subject)))


def _show(
    best: list[tuple[tuple[str, int, int], tuple[float, str]]], text: str, subject: str
) -> list[Evidence]:
    """Evidence for the best places; of two of which one holds the other, the longer is shown, once."""
    shown: list[Evidence] = []
    for (part, start, end), (_, feature) in best:
        if [one for one in shown if one.start <= start and end <= one.end and one.part == part]:
            continue
        words = (subject if part == "subject" else text)[start:end]
        longer = Evidence(text=words, start=start, end=end, why=feature.replace(".", ": ", 1), part=part)
        held = [one for one in shown if start <= one.start and one.end <= end and one.part == part]
        if held:
            shown[shown.index(held[0])] = longer
            shown = [one for one in shown if one not in held]
        elif len(shown) < MAX_EVIDENCE:
            shown.append(longer)
        else:
            break
    return shown


def _tags(text: str, subject: str, seen: Study) -> Finding:
    if not seen.tags:
        return NOT_FOUND
    shown = tuple(
        Evidence(text=(subject if part == "subject" else text)[a:b], start=a, end=b, why=why, part=part)
        for part, a, b, why in seen.tags[:MAX_EVIDENCE]
    )
    return Finding(True, 0.95, shown)


_PADDING = re.compile("[\\s\xad\u034f\u200b-\u200f\u2060\u2800\ufeff]{2,}")
"""What keeps the text out of the preview behind a short line."""
_LETTERS = 30
"""Lines of one letter from which on they are a text taken apart."""
_KINDS = 12
"""Letters that such a text has at least; a table of shifts or marks has a few."""
_FALLS = 8
"""Times that a letter stands before the one above it in the alphabet, as in any text; an index has few."""


def _is_taken_apart(lines: list[str]) -> bool:
    if list(map(len, lines)).count(1) < _LETTERS:
        return False
    letters = [one.lower() for one in lines if len(one) == 1 and one.isalpha()]
    if len(letters) < _LETTERS or len(set(letters)) < _KINDS:
        return False
    return sum([after < before for before, after in pairwise(letters)]) >= _FALLS


def _evasion(page: Page, subject: str, seen: Study) -> Finding:
    shown = [
        Evidence(text=(subject if part == "subject" else page.text)[a:b], start=a, end=b, why=why, part=part)
        for part, a, b, why in seen.tricks[:MAX_EVIDENCE]
    ]
    weight = 0.9 if shown else 0.0
    if page.text.count("\n") >= _LETTERS and _is_taken_apart(page.text.split("\n")):
        weight = 0.9
        shown.append(Evidence(text="", why="letters in lines of their own"))
    for place, (text, why) in enumerate(page.hidden[:20]):
        # A line hidden ahead of the text is the preview that mail programs show: a custom, no trick.
        preheader = (
            place == 0 and len(_PADDING.sub("", text)) <= 200 and why != "text in the color of its background"
        )
        weight = max(weight, 0.3 if preheader else 0.8 if len(text) > 20 else 0.4)
        if len(shown) < MAX_EVIDENCE:
            shown.append(Evidence(text=text[:200], why=why))
    if not shown:
        return NOT_FOUND
    return Finding(weight >= 0.5, weight, tuple(shown) if weight >= 0.5 else ())


def _unreadable(content: Content, page: Page, seen: Study) -> Finding:
    if content.template_pending:
        return Finding(
            True, 0.95, (Evidence(text="", why="a template of the provider that is filled in later"),)
        )
    if len(page.text) - sum(len(target) for _, _, target in page.links) >= _LITTLE_TEXT and seen.words > 12:
        return NOT_FOUND
    if page.images:
        return Finding(True, 0.8, (Evidence(text="", why=f"{page.images} pictures and hardly any text"),))
    carried = [one for one in content.attachments if one.type.startswith(_CARRIES_TEXT)]
    if carried and seen.words <= 25:
        return Finding(
            True, 0.7, (Evidence(text=carried[0].filename[:100], why="the text may stand in the attachment"),)
        )
    return NOT_FOUND
