"""The pages for compliance staff name every rule, parameter, code and file."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from gateway.policy.cases import EXPECT_KEYS
from gateway.policy.load import compose
from gateway.policy.rules.table import RULES
from gateway.policy.samples import MESSAGE_KEYS
from gateway.policy.stories import ABOUT_TEXT, WORDS
from gateway.reading.reading import Reading

from .test_rules import CASES, FLOOR
from .world import SHIPPED


class Blank:
    """Reads nothing in any text."""

    def read(self, content):
        return Reading(length=len(content.text))


DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_and_parameter_is_explained(rule) -> None:
    page = (DOCS / "rules.md").read_text()
    assert f"`{rule}`" in page
    for field in fields(RULES[rule]):
        assert f"`{field.name.rstrip('_')}" in page, field.name
    assert f"`{rule}`" in (DOCS / "policies.it.md").read_text()


def test_every_code_is_listed() -> None:
    page = (DOCS / "rules.md").read_text()
    codes = {code for case in CASES for code in case[4]} | {code for case in FLOOR for code in case[3]}
    assert {c for c in codes if f"`{c}`" not in page and f"`.{c.partition('.')[2]}`" not in page} == set()


@pytest.mark.parametrize("name", ["policies.en.md", "policies.it.md"])
def test_every_shipped_policy_is_listed(name) -> None:
    page = (DOCS / name).read_text()
    assert {p.name for p in SHIPPED.glob("*.yaml")} == set(re.findall(r"`([a-z-]+\.yaml)`", page)) - {
        "access.yaml"
    }


@pytest.mark.parametrize("name", ["policies.en.md", "policies.it.md"])
def test_every_word_of_a_case_is_listed(name) -> None:
    page = (DOCS / name).read_text()
    words = {*WORDS, *ABOUT_TEXT, *EXPECT_KEYS} | set(MESSAGE_KEYS) - {"in_reply_to"}
    assert {word for word in words if not re.search(rf"`\"?{word}\b|\b{word}:", page)} == set()


@pytest.mark.parametrize("name", ["policies.en.md", "policies.it.md"])
def test_the_example_policy_loads_and_its_case_holds(name) -> None:
    (example,) = re.findall(r"```yaml\n(version: 1\n.*?)```", (DOCS / name).read_text(), re.DOTALL)
    assert compose({"example.yaml": example}, Blank()).policies[0].name == "invitations"
