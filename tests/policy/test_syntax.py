"""What a beginner's editor does to a policy: each slip is told with its line and what to do."""

# ruff: noqa: E501 - a table reads best with one case to a line

import shutil
from pathlib import Path

import pytest

from gateway.policy.load import PolicyErrors, compose, load, overlooked, read_folder
from gateway.reading.lexicon import BadLexicon
from gateway.reading.load import load_lexicons

from .world import JURISDICTIONS, SHIPPED

GOOD = """\
version: 1
policy: frequency
title: Not more often than welcome
mode: enforce
applies_to:
  class: [newsletter, promotion]
rules:
  - rule: contact_cap
    limit: 5
    per: 7 days
    outcome: hold
cases:
  - case: receipts do not count
    message: {class: newsletter, text: "The November issue."}
    expect: {outcome: accept}
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "says", "hint"),
    [
        ("    limit", "\tlimit", 9, "a tab", "spaces"),
        ("  class:", "\tclass:", 6, "a tab", "spaces"),
        ("limit: 5", "limit:\t5", 9, "a tab", "spaces"),
        ("    limit", "      limit", 9, "not lined up", "same column"),
        ("    limit", "   limit", 9, "not lined up", "same column"),
        ("    limit", "limit", 10, "this line or the one before is not lined up", "same column"),
        ("    limit", "\u00a0\u00a0\u00a0\u00a0limit", 9, "a space in this line is not an ordinary one", "again"),
        ("limit: 5", "limit:\u00a05", 9, "a space in this line is not an ordinary one", "again"),
        ("limit: 5", "limit:5", 9, "a space is missing after the colon", "limit: 5"),
        ("- rule", "-rule", 8, "a space is missing after the dash", "- rule"),
        ('"The November issue."', "“The issue: November.”", 14, "curly", "straight"),
        ('"The November issue."', '"The November issue.', 14, "never closed", "the same kind"),
        ("promotion]", "promotion", 7, "a bracket, a quote or a comma", "compare"),
        ('"The November issue."', '"C:\\Users"', 14, "backslash", "single quotes"),
        ("title: Not", "title: Rule: Not", 3, "a colon within a text", "in quotes"),
        ("title: Not", "title: @ Not", 3, "cannot begin with @", "in quotes"),
        ("title: Not", "title: *Not*", 3, "cannot begin with *", "in quotes"),
        ("title: Not", "title: - Not", 3, "cannot begin with a dash", "in quotes"),
        ("title: Not", 'title: "Not"', 3, "more text follows", "in quotes"),
        ("title: Not", "title: Not\x07", 3, "U+0007", "again"),
        ("cases:", "---\ncases:", 12, "a second document", "of its own"),
        ("limit: 5", 'limit: "5"', 9, "whole number", "without quotes, limit: 5"),
        ("per: 7 days", "per: 7", 10, "a length of time", "per: 7 days"),
        ("per: 7 days", "per: 999999 years", 10, "at most 10 years", ""),
        ("limit: 5", "limit:", 9, "whole number, not nothing", ""),
        ("mode: enforce", "mode:", 4, "nothing is not one of", "observe"),
        ("mode: enforce", "mode: true", 4, "true is not one of", "observe"),
        ("title: Not more often than welcome", "title: 2026", 3, "must be text", 'title: "'),
        ("[newsletter, promotion]", "newsletter, promotion", 6, "unknown class", "class: [newsletter, promotion]"),
        ("class: [", "jurisdiction: [italy]\n  class: [", 6, "unknown jurisdiction 'italy'", "it"),
        ("class: [", 'recipient_domain: ["*.example.org"]\n  class: [', 6, "a whole domain", "example.org"),
        ("class: [", "recipient_domain: [anna@example.org]\n  class: [", 6, "a whole domain", "example.org"),
        ("class: [", "campaign: [2026]\n  class: [", 6, "takes words", '"2026"'),
        ("\nrules:", "\n  rules:", 7, "too far to the right", "without spaces"),
        ("policy: frequency", "policy: a/b", 2, "up to 64 letters", ""),
        ("policy: frequency", f"policy: {'x' * 65}", 2, "up to 64 letters", ""),
    ],
)  # fmt: skip
def test_a_slip_is_told_in_words(old: str, new: str, line: int, says: str, hint: str) -> None:
    assert old in GOOD
    with pytest.raises(PolicyErrors) as raised:
        compose({"a.yaml": GOOD.replace(old, new, 1), **JURISDICTIONS})
    (first, *_) = raised.value.problems
    assert (first.line, says in first.text, hint in first.suggestion) == (line, True, True), str(first)


@pytest.mark.parametrize(
    ("data", "line", "says"),
    [
        (GOOD.replace("Not", "Nicht öfter").encode("latin-1"), 3, "not UTF-8 text; the first other letter"),
        (GOOD.encode("utf-16"), 1, "UTF-16"),
        (b"PK\x03\x04\xff", 1, "a document"),
    ],
)
def test_a_file_in_another_encoding(tmp_path: Path, data: bytes, line: int, says: str) -> None:
    (tmp_path / "a.yaml").write_bytes(data)
    with pytest.raises(PolicyErrors) as raised:
        read_folder(tmp_path)
    (one,) = raised.value.problems
    assert (one.line, says in one.text) == (line, True), str(one)
    assert "UTF-8" in one.suggestion


@pytest.mark.parametrize(
    "text", [GOOD, "\ufeff" + GOOD, GOOD.replace("\n", "\r\n"), GOOD.replace("\n", "\r")]
)
def test_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_bytes(text.encode())
    assert load(tmp_path).policies[0].text == GOOD


def test_domains_of_other_scripts_match_as_addresses_have_them() -> None:
    made = compose({"a.yaml": GOOD.replace("class: [", "recipient_domain: [Müller.DE]\n  class: [")})
    assert made.policies[0].scope.recipient_domain == {"xn--mller-kva.de"}


def test_files_that_are_not_read_are_named(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yml", "c.yaml.txt", "D.YAML", "drafts/e.yaml", "jurisdictions/it.yaml",
                 "retention/retention.yaml", "..data/a.yaml", "notes.md", "a.yaml~"):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.yaml").mkdir()
    assert overlooked(tmp_path) == ("D.YAML", "c.yaml.txt", "drafts/e.yaml", "folder.yaml")


def test_a_link_that_leads_nowhere_leaves_no_policy_out(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to(tmp_path / "gone.yaml")
    with pytest.raises(PolicyErrors) as raised:
        load(tmp_path)
    assert str(raised.value.problems[0]) == "a.yaml:0: the file cannot be read"


@pytest.mark.parametrize("key", ["class: [newsletter]", "outcome: hold"])
def test_a_key_too_far_to_the_left(key: str) -> None:
    with pytest.raises(PolicyErrors) as raised:
        compose({"a.yaml": f"version: 1\npolicy: a\n{key}\n"})
    assert raised.value.problems[0].text.endswith("stands too far to the left")


def test_a_lexicon_as_an_editor_on_windows_writes_it(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED / "lexicons", tmp_path / "lexicons")
    file = tmp_path / "lexicons" / "it.yaml"
    text = file.read_bytes()
    file.write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    load_lexicons(tmp_path / "lexicons")
    file.write_bytes(text.decode().encode("latin-1", "replace"))
    with pytest.raises(BadLexicon, match="it is not UTF-8 text; save it with the encoding UTF-8"):
        load_lexicons(tmp_path / "lexicons")
    file.unlink()
    with pytest.raises(BadLexicon, match="there is no such file"):
        load_lexicons(tmp_path / "lexicons")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("value: Europe/Rome", "value: Europe/Rom", "time_zone must be a time zone such as Europe/Rome"),
        ("value: Europe/Rome", "value: [Rome]", "time_zone must be a time zone such as Europe/Rome"),
        ('value: "IT"', "value: Italy", "holidays must be a country"),
        ("checked_on: 2026-11-20", "checked_on: yesterday", "checked_on must be a date such as 2026-11-20"),
        ("value: [email]", "value: [[email]]", "soft_opt_in_channels must be a list of: email"),
        ("value: [email]", "value: [{email: yes}]", "soft_opt_in_channels must be a list of: email"),
        ("value: [offers]", "value: [1]", "soft_opt_in_purposes must be a list of words"),
        ("value: [offers]", "value: all", "soft_opt_in_purposes must be a list of words"),
        ('source: "IANA time zone database"', "source:", "the source of time_zone must be text"),
        ("signed_off_by: null", "signed_off_by: no", "signed_off_by is the name of whoever read the line"),
        ("signed_off_by: null", "signed_off_by: true", "signed_off_by is the name of whoever read the line"),
        ("signed_off_by: null", 'signed_off_by: "-"', "signed_off_by is the name of whoever read the line"),
        (
            "signed_off_by: null",
            "signed_off_by: not yet",
            "signed_off_by is the name of whoever read the line",
        ),
    ],
)
def test_a_country_where_it_would_always_be_greenwich(old: str, new: str, says: str) -> None:
    text = JURISDICTIONS["jurisdictions/it.yaml"]
    assert old in text
    with pytest.raises(PolicyErrors) as raised:
        compose({"jurisdictions/it.yaml": text.replace(old, new, 1)})
    assert says in raised.value.problems[0].text


def test_who_signed_a_line_is_kept() -> None:
    text = JURISDICTIONS["jurisdictions/it.yaml"]
    signed = text.replace("signed_off_by: null", "signed_off_by: Nora Non, counsel")
    assert not compose({"jurisdictions/it.yaml": signed}).jurisdictions["it"].unsigned
    bare = compose({"jurisdictions/it.yaml": text.replace("signed_off_by: null", "signed_off_by:")})
    assert bare.jurisdictions["it"].unsigned
