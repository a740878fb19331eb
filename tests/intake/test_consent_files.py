"""Files of consents: what can be meant is read, what cannot is named; neither costs the lines around it."""

import csv
import io
from collections.abc import Iterable

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.intake.consent_files import (
    COLUMNS,
    LONGEST_LINE,
    MOST_LINES,
    REQUIRED,
    HeaderError,
    bounded,
    read_csv,
    read_jsonl,
    read_row,
)
from gateway.intake.consents import ConsentInput

HEADER = ",".join((*REQUIRED, "wording", "ip")) + "\n"
GOOD = 'anna@example.org,email,Newsletter,acme,granted,2026-03-02T10:00:00Z,"Sì, volentieri",192.0.2.1\n'
FIELDS = dict(zip(REQUIRED, GOOD.split(","), strict=False))


def read(*lines: str, header: str = HEADER, **given: float) -> list[tuple[int, ConsentInput | str]]:
    file = io.StringIO(header + "".join(lines), newline="")
    return list(read_csv(bounded(file.readline), **given))  # type: ignore[arg-type]


def fine(found: Iterable[tuple[int, ConsentInput | str]]) -> list[int]:
    return [number for number, line in found if isinstance(line, ConsentInput)]


def row(**given: str) -> ConsentInput | str:
    return read_row(FIELDS | given)


def test_a_line_is_one_purpose_in_any_capitals() -> None:
    [(number, line)] = read(GOOD)
    assert isinstance(line, ConsentInput)
    assert (number, line.purpose, line.proof) == (
        2,
        "newsletter",
        {"wording": "Sì, volentieri", "ip": "192.0.2.1"},
    )
    other = row(purpose=" NEWSLETTER ", channel="EMAIL", action="Withdrawn", basis="Consent")
    assert isinstance(other, ConsentInput)
    assert (other.purpose, other.channel, other.action) == ("newsletter", "email", "withdrawn")


def test_columns_in_any_order_capitals_and_spreadsheet() -> None:
    header = " At ;Action;CONTROLLER;purpose;channel;address\r\n"
    [(_, line)] = read("2026-03-02;granted;acme;news;email;anna@example.org\r\n", header=header)
    assert isinstance(line, ConsentInput)
    assert (line.controller, line.address) == ("acme", "anna@example.org")


@pytest.mark.parametrize("between", [",", ";", "\t"])
@pytest.mark.parametrize("before", ["", "sep={}\n", '"sep={}"\r\n', "SEP={}\r"])
def test_fields_between_what_spreadsheets_put_there(between: str, before: str) -> None:
    header = before.format(between) + between.join((*REQUIRED, "wording")) + "\n"
    line = between.join((*(FIELDS[name] for name in REQUIRED), '"Sì, volentieri; \t sempre"')) + "\n"
    [(number, found)] = read(line, header=header)
    assert isinstance(found, ConsentInput)
    assert (number, found.proof["wording"]) == (3 if before else 2, "Sì, volentieri; \t sempre")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("address,channel\n", "missing purpose"),
        (HEADER.replace("wording", "words"), "unknown columns words"),
        (HEADER.replace("wording", "ip"), "names a column twice"),
        ("", "missing address"),
        ("PK\x03\x04\x14\0\x06\0\n", "is a workbook"),
        ("\ufffd\ufffda\0d\0d\0r\0", "not in UTF-8"),
        (HEADER.replace("wording", "citt\ufffd"), "not in UTF-8"),
        ('[{"address":"anna@example.org","channel":"email"}]', "is JSON"),
        ('{"address":"anna@example.org"}\n', "is JSON"),
        ("[\n", "is JSON"),
        ("[address],[channel]\n", "unknown columns"),
        ("sep=;\n", "missing address"),
    ],
)
def test_a_header_that_is_none_says_why(header: str, said: str) -> None:
    with pytest.raises(HeaderError, match=said):
        read(GOOD, header=header)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"address": "nobody"}, "address"),
        ({"address": "anna\ufffd@example.org"}, "UTF-8"),
        ({"channel": "fax"}, "no channel"),
        ({"purpose": ""}, "purpose is empty"),
        ({"controller": ""}, "controller is empty"),
        ({"action": "grant"}, "no action"),
        ({"at": "2026-03-02T10:00:00"}, "no time zone"),
        ({"at": "yesterday"}, "not a time"),
        ({"expires_at": "soon", "basis": "implied"}, "not a time"),
        ({"confirmed_at": "99"}, "not a time"),
        ({"basis": "soft_opt_in"}, "needs sale_id"),
        ({"basis": "implied"}, "needs expires_at"),
        ({"basis": "legitimate_interest"}, "needs assessment_id"),
        ({"basis": "guess"}, "no basis"),
        ({"wording": "x" * 10_001}, "too long"),
        ({"wording": "a\0b"}, "NUL"),
    ],
)
def test_what_cannot_be_meant_is_named(given: dict[str, str], said: str) -> None:
    found = row(**given)
    assert isinstance(found, str)
    assert said in found


def test_nothing_was_agreed_to_tomorrow() -> None:
    assert isinstance(read_row(FIELDS, latest=1.0), str)
    assert "yet to come" in str(read_row(FIELDS, latest=1.0))
    assert isinstance(read_row(FIELDS, latest=2e9), ConsentInput)


CONFIRMED = {"wording": "Sì", "confirmed_at": "2026-03-02T10:05:00Z", "confirmed_ip": "192.0.2.1"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ip": "NULL"}, "ip 'NULL' is no IP address"),
        ({"confirmed_ip": "n/a"}, "confirmed_ip 'n/a' is no IP address"),
        ({"ip": "999.1.1.1"}, "no IP address"),
        ({"confirmed_at": "2031-01-02T09:05:00Z"}, "is yet to come"),
        ({"action": "granted", "confirmed_at": "2025-03-02T10:05:00Z"}, "lies before at"),
        ({"confirmed_at": "1772446000"}, "not a time"),
        ({"wording": "N/A"}, "stands for nothing"),
        ({"confirmed_ip": "", "confirmation_message": "none"}, "confirmation_message 'none'"),
        ({"recording": "-"}, "recording '-' stands for nothing"),
        ({"signed_document": " No "}, "signed_document 'No' stands for nothing"),
        ({"basis": "soft_opt_in", "sale_id": "NULL"}, "sale_id 'NULL' stands for nothing"),
    ],
)
def test_evidence_that_is_none_is_refused(given: dict[str, str], said: str) -> None:
    found = read_row(FIELDS | CONFIRMED | given, latest=1.8e9)
    assert isinstance(found, str)
    assert said in found


@pytest.mark.parametrize("action", ["withdrawn", "objected", "expired"])
@pytest.mark.parametrize("name", ["ip", "confirmed_at", "confirmed_ip", "wording", "recording"])
def test_what_restricts_counts_whatever_its_evidence(action: str, name: str) -> None:
    assert isinstance(row(**CONFIRMED | {"action": action, name: "NULL"}), ConsentInput)


@pytest.mark.parametrize(
    "given",
    [
        {"confirmed_at": "2026-03-02"},
        {"confirmed_at": "2026-03-02T10:00:00Z"},
        {"action": "confirmed", "confirmed_at": "2026-01-02T10:05:00Z"},
        {"action": "changed", "confirmed_at": "2026-01-02T10:05:00Z"},
        {"action": "imported", "confirmed_at": "2026-01-02T10:05:00Z"},
        {"ip": "2001:db8::1", "confirmed_ip": "::ffff:192.0.2.1", "language": "no", "place": "-"},
    ],
)
def test_evidence_that_can_be_meant_is_kept(given: dict[str, str]) -> None:
    found = read_row(FIELDS | CONFIRMED | given, latest=1.8e9)
    assert isinstance(found, ConsentInput)
    assert found.proof == {name: said for name, said in (CONFIRMED | given).items() if name != "action"}


def test_a_bare_date_is_its_first_moment_in_utc() -> None:
    found = row(at="2026-03-02", basis="implied", expires_at="2026-09-02")
    assert isinstance(found, ConsentInput)
    assert (found.at, found.expires_at) == (1772409600.0, 1788307200.0)
    assert "at" not in found.proof


def test_the_zone_in_which_it_was_said_is_kept() -> None:
    here = row(at="2026-03-02T11:00:00+01:00")
    there = row(at="2026-03-02T10:00:00Z")
    assert isinstance(here, ConsentInput)
    assert isinstance(there, ConsentInput)
    assert here.at == there.at
    assert here.proof["at"] == "2026-03-02T11:00:00+01:00"
    assert "at" not in there.proof


def test_a_stray_quotation_mark_costs_its_own_line_alone() -> None:
    stray = GOOD.replace('"Sì, volentieri"', '"Sì').replace("anna", "eve")
    found = read(GOOD, stray, *[GOOD] * 7, stray, GOOD)
    assert [number for number, line in found if isinstance(line, str)] == [3, 11]
    assert fine(found) == [2, 4, 5, 6, 7, 8, 9, 10, 12]


def test_a_mark_that_is_never_closed_eats_nothing() -> None:
    stray = GOOD.replace('"Sì, volentieri"', '"Sì')
    plain = GOOD.replace('"Sì, volentieri"', "si")
    found = read(stray, *[plain] * (3 * MOST_LINES))
    assert fine(found) == list(range(3, 3 * MOST_LINES + 3))


def test_a_wording_may_have_lines_of_its_own() -> None:
    found = read(GOOD.replace("Sì, volentieri", "Sì,\nvolentieri"), GOOD)
    assert fine(found) == [3, 4]
    assert isinstance(found[0][1], ConsentInput)
    assert found[0][1].proof["wording"] == "Sì,\nvolentieri"


def test_it_goes_on_after_a_line_with_the_same_numbers() -> None:
    lines = [GOOD, "broken\n", GOOD.replace("Sì, ", "Sì,\n"), "\n", GOOD, GOOD]
    whole = read(*lines)
    for after in (0, 2, 3, 5, 7, 99):
        assert read(*lines, after=after) == [entry for entry in whole if entry[0] > after]


def test_an_endless_line_is_one_refused_line() -> None:
    text = io.StringIO(HEADER + GOOD + "x" * (3 * LONGEST_LINE) + "\n" + GOOD)
    found = list(read_csv(bounded(text.readline)))
    assert [(n, isinstance(line, str)) for n, line in found] == [(2, False), (3, True), (4, False)]


@pytest.mark.parametrize("ends", ["\r", "\r\n", "\r\n\r", "\n\r"])
def test_a_line_ends_however_its_spreadsheet_ends_it(ends: str) -> None:
    """No line is taken for the rest of the one before it, whichever ends stand beside each other."""
    plain = [HEADER, *[GOOD] * 4]
    for odd in range(5):
        lines = [each.replace("\n", ends) if n == odd else each for n, each in enumerate(plain)]
        found = read(*lines[1:], header=lines[0])
        assert len(fine(found)) == len(found) == 4
    every = read(*[GOOD.replace("\n", ends)] * 4, header=HEADER.replace("\n", ends))
    assert len(fine(every)) == len(every) == 4


def test_a_cell_may_hold_a_carriage_return() -> None:
    found = read(GOOD.replace("Sì, volentieri", "Sì,\rvolentieri"), GOOD)
    assert fine(found) == [3, 4]
    assert isinstance(found[0][1], ConsentInput)
    assert found[0][1].proof["wording"] == "Sì,\rvolentieri"


def test_an_endless_line_ends_with_a_carriage_return_too() -> None:
    found = read(GOOD, "x" * (3 * LONGEST_LINE) + "\r", GOOD)
    assert [(n, isinstance(line, str)) for n, line in found] == [(2, False), (3, True), (4, False)]


def test_objects_between_carriage_returns() -> None:
    given = orjson.dumps(FIELDS).decode()
    for text in (f"{given}\r{given}\n{given}\r\n{given}", f"{given}\r" * 4):
        assert fine(read_jsonl(bounded(io.StringIO(text, newline="").readline))) == [1, 2, 3, 4]


def test_objects_line_by_line() -> None:
    given = FIELDS | {"at": "2026-03-02"}
    lines = [
        orjson.dumps(given).decode(), "", "{", "[]", '{"a": 1}', orjson.dumps(given | {"ip": [1]}).decode(),
        orjson.dumps(given | {"wording": None}).decode(),
    ]  # fmt: skip
    found = list(read_jsonl(lines))
    assert fine(found) == [1, 7]
    assert [n for n, _ in found] == [1, 3, 4, 5, 6, 7]
    assert [n for n, _ in read_jsonl(lines, after=5)] == [6, 7]


@given(st.lists(st.one_of(st.just(GOOD), st.text(max_size=80).map(lambda t: t + "\n")), max_size=12))
def test_no_line_breaks_the_reader_or_makes_up_a_person(lines: list[str]) -> None:
    for _, line in read(*lines):
        assert isinstance(line, str) or line.address in "".join(lines)


@given(st.lists(st.sampled_from([GOOD, '"', 'a,"b\n', "\n", ",,,\n", GOOD.replace("Sì", 'S"')]), max_size=30))
def test_good_lines_between_broken_ones_are_found(lines: list[str]) -> None:
    """Every good line is read but one that a mark before it took in whole."""
    found = read(*[line if line.endswith("\n") else line + "\n" for line in lines])
    assert len(fine(found)) >= lines.count(GOOD) - lines.count('"') - lines.count('a,"b\n')
    assert [number for number, _ in found] == sorted(number for number, _ in found)


def test_the_columns_are_the_documented_ones() -> None:
    assert len(set(COLUMNS)) == len(COLUMNS)
    assert next(csv.reader([HEADER])) == [*REQUIRED, "wording", "ip"]
