"""Loading: every mistake with its file, line and a suggestion; a set loads whole or not at all."""

# ruff: noqa: E501 - a table reads best with one case to a line

import contextlib
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ledger.person import CONTACTS_KEPT
from gateway.message.content import Content
from gateway.policy.live import LivePolicies
from gateway.policy.load import PolicyErrors, compose, load, read_folder, try_folder
from gateway.policy.outcome import Outcome
from gateway.reading.reading import Finding, Reading

from .world import JURISDICTIONS, Person, Stop, ask, facts, message, policy

GOOD = """\
version: 1
policy: first-contact
title: No pitch before we know each other
owner: compliance@example.com
why: A first message introduces; it does not sell.
mode: enforce
applies_to:
  class: [outreach, connection_request]
rules:
  - rule: introduction
    outcome: hold
  - rule: no_pitch
    until_any: {days_connected: 14, replies: 1}
    outcome: reject
cases:
  - case: a pitch right after the handshake is refused
    message: {class: outreach, channel: linkedin, text: "Grazie! Ti propongo la nostra consulenza."}
    facts: {connected: 2 hours ago}
    expect: {outcome: reject, rules: [no_pitch]}
"""


class Reads:
    """Reads an offer wherever the text proposes something."""

    def read(self, content: Content) -> Reading:
        sells = "propongo" in content.text
        return Reading(promotional=Finding(sells, 1.0 if sells else 0.0), length=len(content.text))


READER = Reads()


def problems(text: str, name: str = "a.yaml", **others: str):
    with pytest.raises(PolicyErrors) as raised:
        compose({name: text, **others}, READER)
    return raised.value.problems


def test_a_good_file() -> None:
    loaded = compose({"a.yaml": GOOD}, READER)
    (one,) = loaded.policies
    assert (one.name, one.file, one.mode) == ("first-contact", "a.yaml", "enforce")
    assert [entry.name for entry in one.entries] == ["introduction", "no_pitch"]
    assert one.text == GOOD
    assert len(one.version) == 12
    assert loaded.texts == {"a.yaml": GOOD}


@pytest.mark.parametrize(
    ("old", "new", "line", "says", "hint"),
    [
        ("version: 1", "version: 2", 1, "version 2 is not known", "version: 1"),
        ("version: 1\n", "", 1, "'version' is missing", "version: 1"),
        ("policy: first-contact\n", "", 1, "'policy' is missing", ""),
        ("title:", "titel:", 3, "unknown key 'titel'", "did you mean 'title'?"),
        ("title:", "policy: again\ntitle:", 3, "'policy' stands here twice", "first on line 2"),
        ("mode: enforce", "mode: enforced", 6, "'enforced' is not one of enforce, observe", "'enforce'"),
        ("mode: enforce", "mode: no", 6, "'no' is not one of", ""),
        ("class: [outreach,", "class: [outreech,", 8, "unknown class 'outreech'", "'outreach'"),
        (
            "  class: [outreach, connection_request]",
            "  channel: [linkdin]",
            8,
            "unknown channel",
            "'linkedin'",
        ),
        ("  class: [outreach, connection_request]", "  clas: [outreach]", 8, "unknown key 'clas'", "'class'"),
        ("  class: [outreach, connection_request]", "  class: []", 8, "class is empty", "leave the key out"),
        ("  class: [outreach, connection_request]", "  class: [7]", 8, "takes words, not a number", ""),
        ("- rule: introduction", "- rule: introductoin", 10, "unknown rule", "'introduction'"),
        ("- rule: introduction\n", "- role: introduction\n", 10, "'rule' is missing", ""),
        ("outcome: hold", "outcome: held", 11, "'held' is not one of hold, reject", "'hold'"),
        ("outcome: hold", "outcom: hold", 10, "has no outcome", "outcome: hold"),
        ("days_connected: 14", "day_connected: 14", 13, "unknown key 'day_connected'", "'days_connected'"),
        ("days_connected: 14", "days_connected: two weeks", 13, "must be a whole number", ""),
        ("days_connected: 14", "days_connected: 1.5", 13, "must be a whole number", ""),
        ("days_connected: 14", "days_connected: true", 13, "must be a whole number", ""),
        ("days_connected: 14", "days_connected: -1", 13, "cannot be negative", ""),
        ("until_any: {days_connected: 14, replies: 1}", "until_any: {}", 13, "say days_connected", ""),
        ("    until_any: {days_connected: 14, replies: 1}\n", "", 12, "either until_any or until_all", ""),
        (
            "    outcome: reject",
            "    until_all: {replies: 1}\n    outcome: reject",
            14,
            "either until_any",
            "not both",
        ),
        ("until_any: {days_connected: 14, replies: 1}", "until_any: 14", 13, "a group of keys", ""),
        ("facts: {connected: 2 hours ago}", "facts: {connected: a while}", 18, "is not clear", "2 hours ago"),
        ("facts: {connected:", "facts: {conected:", 18, "unknown key 'conected'", "'connected'"),
        ("message: {class: outreach", "message: {class: outrech", 17, "unknown class", "'outreach'"),
        ("message: {class", "message: {txet: hi, class", 17, "unknown key 'txet'", "'text'"),
        ("rules: [no_pitch]", "rules: [no_pich]", 19, "unknown rule", "'no_pitch'"),
        ("outcome: reject, rules", "outcome: refuse, rules", 19, "accept, hold or reject", ""),
        ("    expect: {outcome: reject, rules: [no_pitch]}\n", "", 16, "lacks the key 'expect'", ""),
        ("outcome: reject, rules", "outcome: hold, rules", 16, "expected held, got rejected", ""),
        ("rules: [no_pitch]", "rules: [consent]", 16, "expected consent to object", ""),
        ("rules: [no_pitch]", "without: [no_pitch]", 16, "no_pitch should not have objected", ""),
        ("rules: [no_pitch]", "earliest: true", 16, "expected a time from which it can go", ""),
        ("why: A", "why: [A\nx:", 6, "not valid YAML", ""),
        ("mode: enforce", "mode: &anchor enforce", 6, "anchors", ""),
        ("mode: enforce", "mode: !!python/name:os.system enforce", 6, "tags", ""),
        ("rules:", "rules: no\nrulez:", 9, "rules is a list", ""),
        (
            "  - rule: introduction\n    outcome: hold",
            "  - introduction",
            10,
            "a rule is a group of keys",
            "",
        ),
    ],
)
def test_a_mistake_is_shown_where_it_stands(old, new, line, says, hint) -> None:
    assert old in GOOD
    found = problems(GOOD.replace(old, new, 1))
    matching = [p for p in found if says in p.text]
    assert matching, [str(p) for p in found]
    assert matching[0].line == line
    assert matching[0].file == "a.yaml"
    assert matching[0].column >= 1
    assert hint in matching[0].suggestion


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (f"rule: contact_cap\n  limit: {CONTACTS_KEPT + 1}\n  per: 1 day", "limit is between 1 and"),
        ("rule: contact_cap\n  limit: 0\n  per: 1 day", "limit is between 1 and"),
        ("rule: contact_cap\n  limit: 5", "'per' is missing"),
        ("rule: contact_cap\n  limit: 5\n  per: fortnight", "per must be a length of time"),
        ("rule: contact_cap\n  limit: 5\n  per: 1 second", "at least a minute"),
        ("rule: burst\n  limit: 5\n  per: 2 days", "between 5 minutes and a day"),
        ("rule: burst\n  limit: 0\n  per: 1 hour", "at least 1"),
        ("rule: copied_text\n  max_share: 1.5", "max_share is a share"),
        ("rule: copied_text\n  copies: 0", "copies must be at least 1"),
        ("rule: phrases\n  lexicon: presure", "'presure' is not one of"),
        ("rule: phrases", "'lexicon' is missing"),
        ("rule: phrases\n  lexicon: pressure\n  threshold: 3", "between 0 and 1"),
        ('rule: quiet_hours\n  from: "25:00"', "a time of day"),
        ('rule: quiet_hours\n  from: "08:00"\n  to: "08:00"', "the same hour"),
        ("rule: quiet_hours\n  days: []", "at least one day"),
        ("rule: quiet_hours\n  days: [monday]", "'monday' is not one of"),
        ("rule: consent\n  min_grade: E", "'E' is not one of"),
        ("rule: min_stage\n  stage: friends", "'friends' is not one of"),
        ("rule: greeting\n  allow: [generik]", "unknown kind of greeting"),
        ("rule: reply_backlog\n  limit: -1", "cannot be negative"),
        ("rule: sequence_length\n  limit: 0", "at least 1"),
        ("rule: merge_tags\n  allow: 3", "allow must be a list"),
        ("rule: permission_request\n  allow: yes", "must be true or false"),
        ("rule: no_pitch\n  until_any: {replies: 1}\n  certainty: 7", "between 0 and 1"),
        ("rule: bare_invitation\n  min_words: 0", "min_words must be at least 1"),
        ("rule: copied_text\n  own_words: -1", "own_words cannot be negative"),
        ("rule: permission_request\n  copies: -1", "copies cannot be negative"),
    ],
)
def test_parameters_that_cannot_be(line, says) -> None:
    found = problems(policy(f"- {line}\n  outcome: hold"))
    assert any(says in p.text for p in found), [str(p) for p in found]
    assert all(p.line >= 4 for p in found)


WEEK = "mon, tue, wed, thu, fri"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("rule: quiet_hours\n  days: mon-fri", f"days: [{WEEK}]"),
        ("rule: quiet_hours\n  days: Mon to Fri", f"days: [{WEEK}]"),
        ("rule: quiet_hours\n  days: sat – mon", "days: [sat, sun, mon]"),
        ("rule: quiet_hours\n  days: mon, wed", "days: [mon, wed]"),
        ("rule: quiet_hours\n  days: mon tue wed", "days: [mon, tue, wed]"),
        ("rule: quiet_hours\n  days: [lun]", "known: fri, mon, sat, sun, thu, tue, wed"),
        ("rule: quiet_hours\n  days: [monday]", "did you mean 'mon'?"),
        ("rule: quiet_hours\n  days: [tues]", "did you mean 'tue'?"),
        ("rule: merge_tags\n  allow: [{{unsubscribe}}]", 'put it in quotes: "{{unsubscribe}}"'),
        ("rule: merge_tags\n  allow: {{ user.name }}", 'put it in quotes: "{{user.name}}"'),
        ("rule: copied_text\n  max_share: 50%", "max_share: 0.5"),
        ("rule: copied_text\n  max_share: 12,5 %", "max_share: 0.125"),
        ("rule: phrases\n  lexicon: pressure\n  threshold: 0,6", "threshold: 0.6"),
        ("rule: phrases\n  lexicon: pressure\n  threshold: high", ""),
    ],
)
def test_a_hint_says_what_to_write(line, hint) -> None:
    [found] = problems(policy(f"- {line}\n  outcome: hold"))
    assert found.suggestion == hint


def test_several_mistakes_are_shown_at_once() -> None:
    found = problems(
        GOOD.replace("titel", "title").replace("mode: enforce", "mood: x").replace("hold", "held")
    )
    assert len(found) >= 2


def test_one_bad_file_refuses_the_set() -> None:
    found = problems(
        GOOD.replace("title:", "titel:"), **{"b.yaml": policy("- rule: reason\n  outcome: hold")}
    )
    assert {p.file for p in found} == {"a.yaml"}


def test_two_files_of_one_name() -> None:
    found = problems(
        policy("- rule: reason\n  outcome: hold"), **{"b.yaml": policy("- rule: reason\n  outcome: hold")}
    )
    assert found[0].file == "b.yaml"
    assert "already stands in a.yaml" in found[0].text


def test_the_name_floor_is_taken() -> None:
    assert "floor" in problems(policy("- rule: reason\n  outcome: hold", name="floor"))[0].text


def test_the_floor_cannot_be_observed() -> None:
    found = problems(policy("- rule: suppressed\n  outcome: hold", mode="observe"))
    assert "always enforced" in found[0].text


def test_an_empty_or_missing_folder_gives_the_floor(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nothing"):
        loaded = load(folder, READER)
        assert loaded.version == "empty"
        stopped = facts(person=Person(stops=(Stop(kind="unsubscribed", at=1.0),)))
        assert ask(loaded, message("newsletter"), Reading(), stopped).outcome is Outcome.REJECT
        assert ask(loaded, message("newsletter"), Reading(), facts()).outcome is Outcome.ACCEPT
        assert loaded.jurisdiction("it").min_grade == "A"  # the strictest, where no file says otherwise


def test_versions_follow_the_content(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    first = load(tmp_path, READER)
    (tmp_path / "a.yaml").write_text(GOOD.replace("14", "15"))
    second = load(tmp_path, READER)
    assert first.version != second.version
    assert first.policies[0].version != second.policies[0].version
    (tmp_path / "lexicons").mkdir()
    (tmp_path / "lexicons" / "it.yaml").write_text("# edited\n")
    assert load(tmp_path, READER).version not in (first.version, second.version)
    assert compose(first.texts, READER).version == first.version


def test_files_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PolicyErrors) as raised:
        read_folder(tmp_path)
    assert "not UTF-8" in raised.value.problems[0].text


@pytest.mark.parametrize(
    "text",
    ["", "# only a comment\n", "[]", "just words", "- a\n- b", "a: " + "[" * 5000, "x: " * 30, "\x00", "a" * 600_000,
     "? [a]\n: b", "version: 1\npolicy: x\nrules:\n  - " + "{a: " * 40],
)  # fmt: skip
def test_nonsense_is_refused_in_words(text) -> None:
    assert all(p.text for p in problems(text))


@pytest.mark.parametrize("value", ["{a: b}", "[1]", "[[x]]", "{}", "~", "2.5", "2026-01-01"])
def test_a_value_of_another_kind_is_refused_in_words(value: str) -> None:
    lines = GOOD.split("\n")
    places = [place for place, line in enumerate(lines) if re.match(r"[ -]*[a-z_]+: +\S", line)]
    assert len(places) > 15
    for place in places:
        head = lines[place].split(":")[0]
        damaged = "\n".join([*lines[:place], f"{head}: {value}", *lines[place + 1 :]])
        with contextlib.suppress(PolicyErrors):
            compose({"a.yaml": damaged}, READER)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60), st.integers(0, len(GOOD)), st.integers(0, 80))
def test_damaged_files_load_or_say_why(noise, start, cut) -> None:
    found: tuple = ()
    try:
        compose({"a.yaml": GOOD[:start] + noise + GOOD[start + cut :]}, READER)
    except PolicyErrors as error:
        found = error.problems
    assert all(p.file == "a.yaml" and p.text for p in found)


def test_live_policies_keep_the_last_good_set(tmp_path: Path) -> None:
    live = LivePolicies()
    assert live.reload(tmp_path, READER)
    (tmp_path / "a.yaml").write_text(GOOD)
    assert live.reload(tmp_path, READER)
    good = live.current
    assert good.policy("first-contact") is not None
    (tmp_path / "a.yaml").write_text(GOOD.replace("title:", "titel:"))
    assert not live.reload(tmp_path, READER)
    assert live.current is good
    assert live.problem.startswith("a.yaml:3: unknown key 'titel'")
    (tmp_path / "a.yaml").write_text(GOOD)
    assert live.reload(tmp_path, READER)
    assert live.problem == ""
    assert live.current is good


def test_live_policies_in_observe(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    live = LivePolicies(observing=True)
    assert live.reload(tmp_path, READER)
    decision = ask(live.current, message(), Reading(), facts())
    assert decision.outcome is Outcome.ACCEPT
    assert [v.code for v in decision.violations] == ["introduction.missing"]


def test_cases_ask_their_own_policy_or_all(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    other = policy("- rule: merge_tags\n  outcome: hold", name="two") + (
        "cases:\n"
        "  - case: alone\n    message: {class: outreach, text: hello}\n    expect: {outcome: accept}\n"
        "  - case: together\n    against: all\n    message: {class: outreach, text: hello}\n"
        "    expect: {outcome: hold, rules: [introduction]}\n"
    )
    (tmp_path / "b.yaml").write_text(other)
    _, trials = try_folder(tmp_path, READER)
    assert [trial.passed for trial in trials] == [True, True, True]


def test_a_purpose_is_one_in_any_capitals(tmp_path: Path) -> None:
    """As every ingress has it: what a case says comes out as it would for a message."""
    text = policy("- rule: consent\n  outcome: reject", "{purpose: [Events]}") + (
        "cases:\n"
        "  - case: no consent\n    message: {class: outreach, purpose: EVENTS}\n    expect: {outcome: reject}\n"
        "  - case: agreed\n    message: {class: outreach, purpose: Events}\n"
        "    facts: {opted_in: Events on email}\n    expect: {outcome: accept}\n"
    )
    (tmp_path / "a.yaml").write_text(text)
    policies, trials = try_folder(tmp_path, READER)
    assert [trial.passed for trial in trials] == [True, True]
    assert policies is not None
    assert ask(policies, message(purpose="events")).outcome is Outcome.REJECT


def test_a_jurisdiction_line_needs_its_source() -> None:
    italy = JURISDICTIONS["jurisdictions/it.yaml"]
    broken = italy.replace("    value: B\n", "    value: Z\n").replace("    checked_on: 2026-11-20\n", "", 1)
    found = problems(broken, "jurisdictions/it.yaml")
    assert any("min_grade must be one of A, B, C, D" in p.text for p in found)
    assert any("lacks the key 'checked_on'" in p.text for p in found)
    unknown = italy.replace("min_grade:", "min_grad:")
    assert "did you mean 'min_grade'?" in problems(unknown, "jurisdictions/it.yaml")[0].suggestion


def test_a_copy_of_the_shipped_folder_loads(tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).resolve().parents[2] / "policies", tmp_path / "p")
    assert load(tmp_path / "p").policies


def test_a_folder_that_lost_its_policies_keeps_those_from_before(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    live = LivePolicies(load(tmp_path))
    (tmp_path / "a.yaml").unlink()
    assert not live.reload(tmp_path)
    assert "no policies any more" in live.problem
    assert live.current.policy("first-contact") is not None
    (tmp_path / "a.yaml").write_text(GOOD)
    assert live.reload(tmp_path)
    assert live.problem == ""


def test_lexicons_from_elsewhere_count_into_the_version(tmp_path: Path) -> None:
    (tmp_path / "lexicons").mkdir()
    (tmp_path / "lexicons" / "it.yaml").write_text("# ours\n")
    (tmp_path / "spare").mkdir()
    for name in ("it.yaml", "words.yaml"):
        (tmp_path / "spare" / name).write_text("# theirs\n")
    texts = read_folder(tmp_path, tmp_path / "spare")
    assert texts == {"lexicons/it.yaml": "# ours\n", "lexicons/words.yaml": "# theirs\n"}
    assert load(tmp_path, None, tmp_path / "spare").version != load(tmp_path).version


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        (
            "  class: [outreach, connection_request]",
            "  purpose: offers, events",
            'purpose: [offers, events]; or, where it is one name, purpose: ["offers, events"]',
        ),
        (
            "  class: [outreach, connection_request]",
            "  campaign: fair 2026,spring",
            'campaign: [fair 2026, spring]; or, where it is one name, campaign: ["fair 2026,spring"]',
        ),
        (
            "  class: [outreach, connection_request]",
            '  source: "crm,"',
            'source: [crm]; or, where it is one name, source: ["crm,"]',
        ),
        ("rule: introduction", "rule: consent\n    purposes: offers, events", "purposes: [offers, events]"),
        ("rule: introduction", "rule: merge_tags\n    allow: '*|A|*, *|B|*'", 'allow: ["*|A|*", "*|B|*"]'),
    ],
)
def test_several_names_in_one_text_are_a_list(old: str, new: str, hint: str) -> None:
    (one,) = problems(GOOD.replace(old, new))
    assert one.suggestion == hint


def test_a_name_with_a_comma_stands_in_a_list() -> None:
    made = compose({"a.yaml": GOOD.replace("  class:", '  campaign: ["Turin, spring"]\n  class:')})
    assert made.policies[0].scope.campaign == {"Turin, spring"}


_CASE = """\
version: 1
policy: a
cases:
  - case: what is known
    message: {class: newsletter, text: ciao}
    WHAT
    expect: {outcome: accept}
"""


@pytest.mark.parametrize(
    ("what", "hint"),
    [
        ("facts: {replied: []}", "say when each reply came"),
        ("facts: {introduced: no}", "say when"),
        ("facts: {answered: no}", "say when"),
        ("facts: {jurisdiction: italia}", "say the two letters of a country"),
        ("facts: {time_zone: Europe/Roma}", "say it as Europe/Rome"),
        ("facts: {source_kind: persona}", "say one of: tool, person"),
        ("facts: {trusted: [consents]}", "a list of: consent, jurisdiction"),
        ("facts: {trusted: [{consent: true}]}", "a list of: consent, jurisdiction"),
        (
            "facts: {linked: {unsubscribedd: yesterday}}",
            "unknown key 'unsubscribedd': did you mean 'unsubscribed'?",
        ),
        ("facts: {contacts: 5 promotions within 1 day}", 'for example "5 within 1 day"'),
        (
            "facts: {sender_sent: 5 invitations within 1 hour}",
            'for example "20 connection_request within 1 hour"',
        ),
        ('facts: {opted_in: "newsletter on email, grade b"}', "a grade is A, B, C or D"),
        ("reading: {promotional: no}", "promotional: false"),
        ("reading: {promotional: 'Sì'}", "promotional: true"),
        ("reading: {greeting: genric}", "did you mean 'generic'?"),
        ("reading: {language: italiano}", "known: de, en, es, fr, it"),
    ],
)
def test_what_a_case_says_is_never_taken_for_something_else(what: str, hint: str) -> None:
    (one,) = problems(_CASE.replace("WHAT", what))
    assert (one.line, hint in one.suggestion) == (6, True), one


@pytest.mark.parametrize(
    "what", ["reading: {promotional: [a]}", "reading: {length: long}", "reading: {pressure: }"]
)
def test_a_reading_of_another_kind_is_refused(what: str) -> None:
    (one,) = problems(_CASE.replace("WHAT", what))
    assert one.line == 6


def test_a_case_has_a_name() -> None:
    (one,) = problems(_CASE.replace("what is known", "").replace("WHAT", "facts: {}"))
    assert (one.line, one.text) == (4, "case says in words what it shows, not nothing")


def test_facts_that_are_not_so_change_nothing() -> None:
    for what in (
        "introduced: false",
        "answered: false",
        "introduced: yesterday",
        "jurisdiction: IT",
        "trusted: []",
        'identity: ""',
    ):
        compose({"a.yaml": _CASE.replace("WHAT", f"facts: {{{what}}}")}, READER)


def test_a_case_may_say_that_no_language_is_told() -> None:
    compose({"a.yaml": _CASE.replace("WHAT", "reading: {language: und}")}, READER)


def test_an_unknown_finding_is_told_once() -> None:
    (one,) = problems(_CASE.replace("WHAT", "reading: {promotion: 1}"))
    assert one.text == "unknown key 'promotion'"
