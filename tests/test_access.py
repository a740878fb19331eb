"""What an access file cannot mean is told with line, owner and what was expected; secrets never."""

# ruff: noqa: E501 - a table reads best with one case to a line

import asyncio
from pathlib import Path

import pytest

from gateway.access import (
    Access,
    AccessError,
    Controller,
    Reviewer,
    Source,
    development_access,
    doubts,
    hash_secret,
    load_access,
)
from gateway.app.access_file import read_access_file

HASH = '"$argon2id$v=19$m=65536,t=3,p=4$bm9ib2R5cyBzYWx0IQ$bm9ib2R5cyBoYXNoLCBiZWxvbmdpbmcgdG8gbm8gb25l"'
GOOD = f"""\
controllers:
  - name: acme
    jurisdiction: it
sources:
  - name: crm
    controller: acme
    secret: {HASH}
    classes: [outreach]
    from_domains: [acme.example]
    trusted: [consent]
    notices: marketing@acme.example
reviewers:
  - name: chiara
    role: compliance
"""


def refusal(path: Path, text: str | bytes) -> str:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(AccessError) as raised:
        read_access_file(path)
    return str(raised.value).replace(f"{path}:", "")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (HASH, "geheim", "7: source 'crm': secret: this is not the whole of an argon2 hash"),
        (HASH, HASH[:-30] + '"', "7: source 'crm': secret: this is not the whole of an argon2 hash"),
        (HASH, "1234", "7: source 'crm': secret: must be text"),
        ("trusted:", "trustet:", "10: source 'crm': trustet: there is no such key; did you mean 'trusted'?"),
        ("reviewers:", "reviewer:", "12: reviewer: there is no such key; did you mean 'reviewers'?"),
        ("[consent]", "[consents]", "10: source 'crm': trusted: 'consents' is not one of jurisdiction, consent"),
        ("[acme.example]", '["*.acme.example"]', "9: source 'crm': from_domains: '*.acme.example' is no domain"),
        ("[acme.example]", "[rui@acme.example]", "9: source 'crm': from_domains: 'rui@acme.example' is no"),
        ("[acme.example]", "7", "9: source 'crm': from_domains: must be a list"),
        ("marketing@acme.example", "marketing", "11: source 'crm': notices: 'marketing' is no mail address"),
        ("trusted: [consent]", "language: de", "10: source 'crm': language: must be one of it, en"),
        ("[outreach]", "[outreech]", "8: source 'crm': there is no class 'outreech' (did you mean 'outreach'?)"),
        ("[outreach]", "[]", "8: source 'crm': classes: nothing could be sent"),
        ("controller: acme", "controller: Acme", "6: source 'crm' names controller 'Acme', which is not listed"),
        ("name: crm", 'name: "a:b"', "5: source 'a:b': name: a name has neither a colon"),
        ("name: crm", 'name: "a\\u202eb"', "neither a colon nor invisible characters"),
        ("name: crm", "name: 2026", "5: sources.0.name: must be text"),
        ("compliance", "Compliance", "14: reviewer 'chiara': role: must be one of reviewer, compliance"),
        ("jurisdiction: it", "time_zone: Rome", "3: controller 'acme': time_zone: there is no time zone 'Rome'"),
        ("trusted: [consent]", "relay: other", "10: source 'crm': relay: there is no such relay"),
        ("trusted: [consent]", "development: true", "10: source 'crm': the development source stands in no file"),
        ("    controller", "\tcontroller", "6: a tab stands in this line"),
        ("    controller", "   controller", "6: this line or the one before is not lined up"),
        ("controller: acme", "controller:acme", "6: a space is missing after the colon"),
        (f"secret: {HASH}", "secret: hush\n    secret: hush", "8: the key 'secret' stands here twice"),
        ("  - name: crm\n", "  crm:\n", "4: sources: must be a list, each entry beginning with a dash"),
    ],
)  # fmt: skip
def test_a_slip_is_told_in_words(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in GOOD
    said = refusal(tmp_path / "access.yaml", GOOD.replace(old, new, 1))
    assert says in said
    assert "geheim" not in said
    assert "hush" not in said
    assert "1234" not in said


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (GOOD.replace("acme\n", "äcme\n").encode("latin-1"), "2: the file is not UTF-8"),
        (GOOD.encode("utf-16"), "1: the file is not UTF-8 text, but UTF-16"),
        ("- a", "1: the file begins with keys: sources"),
        ("hello", "1: the file begins with keys: sources"),
    ],
)
def test_a_file_of_another_kind(tmp_path: Path, data: str | bytes, says: str) -> None:
    assert says in refusal(tmp_path / "access.yaml", data)


def test_one_word_is_a_list_of_one_and_domains_are_as_addresses_have_them(tmp_path: Path) -> None:
    text = "\ufeff" + GOOD.replace("[acme.example]", "Müller.DE").replace("\n", "\r\n")
    (tmp_path / "access.yaml").write_bytes(text.encode())
    assert load_access(tmp_path / "access.yaml").sources["crm"].from_domains == {"xn--mller-kva.de"}


def test_what_is_probably_not_meant(tmp_path: Path) -> None:
    text = GOOD.replace("jurisdiction: it", "jurisdiction: gb").replace(
        "compliance", "compliance\n    own: crn"
    )
    (tmp_path / "access.yaml").write_text(text)
    first, second = doubts(load_access(tmp_path / "access.yaml"), ("it", "uk"))
    assert "no file in jurisdictions/ has 'gb'" in first
    assert "'crn' is no source" in second
    assert not list(doubts(load_access(tmp_path / "access.yaml"), ()))[:-1]


def test_what_lets_one_controller_speak_for_another(tmp_path: Path) -> None:
    both = ("a.example", "shared.example")
    sources = [
        Source(name="crm", controller="a", from_domains=frozenset(both)),
        Source(name="CRM", controller="b", from_domains=frozenset(both[1:])),
        Source(name="open", controller="b"),
    ]
    controllers = {name: Controller(name=name) for name in ("a", "b", "Zo\u00eb", "Zoe\u0308")}
    access = Access(sources={s.name: s for s in sources}, controllers=controllers, reviewers={})
    assert [doubt.partition(":")[0] for doubt in doubts(access, ())] == [
        "source 'CRM'", "controller 'Zoe\u0308'", "source 'open'", "from_domains",
    ]  # fmt: skip
    access.controllers, access.sources = {"b": controllers["b"]}, {"open": sources[2]}
    assert not list(doubts(access, ()))


async def test_what_was_adopted_counts_for_who_is_just_being_recognized() -> None:
    """Verifying takes its time: who was shut out meanwhile does not come in with it."""
    stored = hash_secret("one")
    ada, tool = Reviewer(name="ada", secret=stored), Source(name="tool", controller="acme", secret=stored)
    access = Access(sources={"tool": tool}, controllers={}, reviewers={"ada": ada})
    asking = [
        asyncio.ensure_future(access.source("tool", "one")),
        asyncio.ensure_future(access.reviewer("ada", "one")),
    ]
    await asyncio.sleep(0)
    other = hash_secret("two")
    fresh = Access(
        sources={"tool": tool.model_copy(update={"secret": other})}, controllers={}, reviewers={}, places={}
    )
    access.adopt(fresh)
    assert await asyncio.gather(*asking) == [None, None]
    assert access.current(tool) is None
    assert await access.source("tool", "one") is None
    assert await access.source("tool", "two") is fresh.sources["tool"]
    wider = tool.model_copy(update={"secret": other, "rate": 5.0})
    access.adopt(Access(sources={"tool": wider}, controllers={}, reviewers={}))
    assert access.current(fresh.sources["tool"]) is wider
    access.adopt(Access(sources={}, controllers={}, reviewers={"ada": ada}))
    assert access.current(wider) is None
    assert await access.reviewer("ada", "one") is ada


async def test_from_development_to_a_file_and_never_back() -> None:
    access = development_access()
    source = access.development_source
    assert source is not None
    access.adopt(Access(sources={}, controllers={}, reviewers={}))
    assert access.development_source is None
    assert access.current(source) is None
