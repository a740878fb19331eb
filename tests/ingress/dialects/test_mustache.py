"""Templates of providers: what is rendered, and what is left to them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingress.dialects.mustache import LONGEST, Unrendered, render

DATA = {
    "name": "Ana & Bo",
    "n": 3,
    "zero": 0,
    "yes": True,
    "deep": {"er": {"est": "x"}, "list": [{"a": 1}, {"a": 2}]},
    "words": ["one", "two"],
    "empty": [],
}

CASES = [
    ("Ciao {{name}}", "Ciao Ana &amp; Bo"),
    ("Ciao {{{ name }}}{{& name}}", "Ciao Ana & BoAna & Bo"),
    ("{{deep.er.est}}{{deep.list.1.a}}{{missing}}{{missing.more}}", "x2"),
    ("{{#if yes}}a{{else}}b{{/if}}{{#if zero}}a{{else}}b{{/if}}", "ab"),
    ("{{#unless empty}}none{{/unless}}", "none"),
    ("{{#each words}}{{@index}}{{this}} {{../n}};{{/each}}", "0one 3;1two 3;"),
    ("{{#each deep.list}}{{a}}{{this.a}}{{@root.n}}{{/each}}", "113223"),
    ("{{#words}}<{{.}}>{{/words}}{{^empty}}none{{/empty}}", "<one><two>none"),
    ("{{#deep}}{{#er}}{{est}}{{name}}{{/er}}{{/deep}}", "xAna &amp; Bo"),
    ('{{#equals n 3}}y{{/equals}}{{#notEquals name "x"}}z{{/notEquals}}', "yz"),
    ("{{#greaterThan n 2}}more{{else}}less{{/greaterThan}}{{#lessThan name 2}}x{{/lessThan}}", "more"),
    ("{{#and yes n}}a{{/and}}{{#or zero empty}}b{{else}}c{{/or}}", "ac"),
    ('{{insert missing "default=friend"}} {{insert name "default=friend"}}', "friend Ana &amp; Bo"),
    ("{{length words}}{{! a note }}{{#with deep.er}}{{est}}{{/with}}", "2x"),
    ("no tags", "no tags"),
]


@pytest.mark.parametrize(("template", "text"), CASES)
def test_what_is_rendered(template: str, text: str) -> None:
    assert render(template, DATA, escape=True) == text


@pytest.mark.parametrize(
    "template",
    [
        "{{> partial}}",
        "{{formatDate n 'D'}}",
        "{{#if yes}}",
        "{{/if}}",
        "{{#if yes}}{{/each}}",
        "{{~name}}",
        "{{}}",
        "{{name",
        "{{#helper name}}{{/helper}}",
        "{{@key}}",
        "{{#a}}" * 30 + "{{/a}}" * 30,
        "x" * (LONGEST + 1),
    ],
)
def test_what_is_left_to_the_provider(template: str) -> None:
    with pytest.raises(Unrendered):
        render(template, DATA, escape=True)


def test_loops_in_loops_end() -> None:
    data = {"l": [1] * 1000}
    with pytest.raises(Unrendered):
        render(
            "{{#each l}}{{#each @root.l}}{{#each @root.l}}x{{/each}}{{/each}}{{/each}}", data, escape=False
        )


@given(st.text(st.sampled_from("{}#/^! .abeachifls\"'@"), max_size=60))
def test_nothing_else_is_raised(template: str) -> None:
    try:
        assert isinstance(render(template, DATA, escape=True), str)
    except Unrendered:
        return


@pytest.mark.parametrize("template", ["{{" + " " * 400_000, "{{{" + " \n" * 200_000 + "}}", "{{ a" * 200_000])
def test_a_template_without_an_end_is_left_in_no_time(template: str) -> None:
    begun = time.process_time()
    with pytest.raises(Unrendered):
        render(template, DATA, escape=True)
    assert time.process_time() - begun < 2
