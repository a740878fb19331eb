"""Templates of providers: what is rendered, and what is left to them."""

import contextlib
import time
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingress.dialects import mustachio
from gateway.ingress.dialects.mustache import render
from gateway.ingress.dialects.rendering import LONGEST, Unrendered

DATA: dict[str, Any] = {
    "name": "Ana & Bo",
    "n": 3,
    "zero": 0,
    "yes": True,
    "deep": {"er": {"est": "x"}, "list": [{"a": 1}, {"a": 2}]},
    "words": ["one", "two"],
    "empty": [],
    "one": 1.0,
    "half": 1.5,
}

PLAIN_CASES = [
    ("Ciao {{name}}", "Ciao Ana &amp; Bo"),
    ("Ciao {{{ name }}}{{& name}}", "Ciao Ana & BoAna & Bo"),
    ("{{deep.er.est}}{{deep.list.1.a}}{{missing}}{{missing.more}}", "x2"),
    ("{{#if yes}}a{{else}}b{{/if}}{{#if zero}}a{{else}}b{{/if}}", "ab"),
    ("{{#unless empty}}none{{/unless}}", "none"),
    ("{{#each words}}{{@index}}{{this}} {{../n}};{{/each}}", "0one 3;1two 3;"),
    ("{{#each deep.list}}{{a}}{{this.a}}{{@root.n}}{{/each}}", "113223"),
    ("{{#words}}<{{.}}>{{/words}}{{^empty}}none{{/empty}}", "<one><two>none"),
    ("{{#deep}}{{#er}}{{est}}{{../../name}}{{/er}}{{/deep}}", "xAna &amp; Bo"),
    ("{{#with deep.er}}{{est}}{{this.est}}{{./est}}{{/with}}", "xxx"),
    ("{{#if missing}}A{{else if n}}B{{else}}C{{/if}}{{#if n}}A{{else if n}}B{{/if}}", "BA"),
    ("{{#if empty.length}}A{{else if zero}}B{{else if words.length}}{{words.length}}{{/if}}", "2"),
    (
        "{{#if yes}}{{#each words}}{{#unless @index}}{{this}}{{../name}}{{/unless}}{{/each}}{{/if}}",
        "oneAna &amp; Bo",
    ),
    ("{{#each deep.list}}{{#with this}}{{@index}}{{/with}}{{/each}}", "01"),
    ("{{#yes}}{{name}}{{/yes}}{{#each words}}{{#@root.yes}}{{/@root.yes}}{{/each}}", "Ana &amp; Bo"),
    ("a{{!-- {{name}} --}}b{{! note }}c", "abc"),
    ("{{one}} {{half}} {{zero}} {{yes}}", "1 1.5 0 true"),
    ("{{#each missing}}a{{else}}none{{/each}}", "none"),
    ("{{deep.list.[0].a}} }} {", "1 }} {"),
    ("no tags", "no tags"),
]
"""In every Handlebars."""

CASES = [
    ('{{#equals n 3}}y{{/equals}}{{#notEquals name "x"}}z{{/notEquals}}', "yz"),
    ("{{#greaterThan n 2}}more{{else}}less{{/greaterThan}}{{#lessThan n 2}}x{{/lessThan}}", "more"),
    ("{{#if zero}}a{{else greaterThan n 2}}more{{/if}}", "more"),
    ("{{#and yes n}}a{{/and}}{{#or zero missing}}b{{else}}c{{/or}}", "ac"),
    ('{{insert missing "default=friend"}} {{insert name "default=friend"}}', "friend Ana &amp; Bo"),
    ("{{length words}}{{! a note }}{{#with deep.er}}{{est}}{{/with}}", "2x"),
]
"""With what SendGrid adds."""


@pytest.mark.parametrize(("template", "text"), PLAIN_CASES)
def test_what_is_rendered(template: str, text: str) -> None:
    assert render(template, DATA, escape=True) == text


@pytest.mark.parametrize(("template", "text"), CASES)
def test_what_is_rendered_for_sendgrid(template: str, text: str) -> None:
    assert render(template, DATA, escape=True, sendgrid=True) == text
    with pytest.raises(Unrendered):  # elsewhere it is no helper, or another one
        render(template, DATA, escape=True)


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
        "{{#if zero}}{{helper name}}{{/if}}",
        "{{#if zero}}a{{else helper name}}b{{/if}}",
        "{{#if zero}}{{#if yes}}a{{else}}b{{else}}c{{/if}}{{/if}}",
        "a{{else}}b",
        "{{#each words}}{{name}}{{/each}}",  # from further out with some, nothing with others
        "{{#with deep}}{{this.name}}{{/with}}",
        "{{#each words}}{{../../name}}{{/each}}",
        "{{words}}",
        "{{deep}}",
        "{{this}}",
        "{{#each deep}}x{{/each}}",
        "{{#if deep.nothing}}{{/if}}",
        "{{name.length}}",
        "{{length}}",
        "{{deep.length}}",
        "{{deep.list.0}}",
        "{{#zero}}x{{/zero}}",
        "{{huge}}",
        "\\{{name}}",
        "{{!-- {{name}} }}",
        "{{!--}} {{name}} --}}",
        "{{!---}} {{name}} --}}",
        "{{ #if yes}}a{{/if}}",
        "{{{name}} {{name}}",
        "{{{{name}}}}",
        "{{#equals name 3}}a{{else}}b{{/equals}}",
        "{{#lessThan missing 2}}a{{else}}b{{/lessThan}}",
        '{{insert name "default=}}"}}',
        '{{insert zero "default=x"}}',
        "{{#equals n " + "1" * 5000 + "}}a{{else}}b{{/equals}}",
        "{{#equals n 9007199254740993}}a{{else}}b{{/equals}}",
        "{{words." + "9" * 5000 + ".x}}",
        "{{words.[" + "9" * 5000 + "]}}",
    ],
)
def test_what_is_left_to_the_provider(template: str) -> None:
    data = {**DATA, "deep": {**DATA["deep"], "nothing": {}}, "huge": 1e21}
    for sendgrid in (False, True):
        with pytest.raises(Unrendered):
            render(template, data, escape=True, sendgrid=sendgrid)


def test_loops_in_loops_end() -> None:
    data = {"l": [1] * 1000}
    with pytest.raises(Unrendered):
        render(
            "{{#each l}}{{#each @root.l}}{{#each @root.l}}x{{/each}}{{/each}}{{/each}}", data, escape=False
        )


MUSTACHIO = [
    ("Ciao {{name}}{{{ name }}}{{& name}}", "Ciao Ana &amp; BoAna & BoAna & Bo"),
    ("{{#deep}}{{#er}}{{est}}{{name}}{{../../name}}{{/er}}{{/deep}}", "xAna &amp; Bo"),
    ("{{#deep.er}}{{est}}{{../../name}}{{/deep.er}}", "xAna &amp; Bo"),
    ("{{#yes}}{{name}}{{../name}}{{/yes}}{{^zero}}none{{../n}}{{/zero}}", "Ana &amp; Bonone3"),
    ("{{#each words}}<{{.}} {{../n}}{{../../n}}>{{/each}}{{#each empty}}x{{/each}}", "<one 3><two 3>"),
    ("{{#words}}list{{/words}}{{#name}}{{.}}{{/name}}{{! a note }}", "listAna &amp; Bo"),
    ("{{missing.more}} }} {", " }} {"),
]
"""By the source of Mustachio, and the examples that Postmark gives."""


@pytest.mark.parametrize(("template", "text"), MUSTACHIO)
def test_what_is_rendered_for_postmark(template: str, text: str) -> None:
    assert mustachio.render(template, DATA, escape=True) == text


@pytest.mark.parametrize(
    "template",
    [
        "{{#yes}}a{{else}}pitch{{/yes}}",  # no word of its language: both are shown
        "{{#if yes}}a{{/if}}",
        "{{#each words}}{{this}}{{/each}}",
        "{{#each name}}x{{/each}}",
        "{{yes}}",
        "{{half}}",
        "{{words.0}}",
        "{{../name}}",
        "{{#yes}}a",
        "{{/yes}}",
        "{{#yes}}a{{^yes}}b{{/yes}}",
        "{{> partial}}",
        "{{{@content}}}",
        "{{!-- {{name}} --}}",
        "{{{name}}",
        "{{}}",
        "x{{name" + " " * 400_000,
        "{{#a}}" * 30 + "{{/a}}" * 30,
        "x" * (LONGEST + 1),
    ],
)
def test_what_is_left_to_postmark(template: str) -> None:
    with pytest.raises(Unrendered):
        mustachio.render(template, DATA, escape=True)


@given(st.text(st.sampled_from("{}#/^! .abeachifls\"'@"), max_size=60))
def test_nothing_else_is_raised(template: str) -> None:
    for renders in (render, mustachio.render, partial(render, sendgrid=True)):
        with contextlib.suppress(Unrendered):
            assert isinstance(renders(template, DATA, escape=True), str)


@pytest.mark.parametrize("template", ["{{" + " " * 400_000, "{{{" + " \n" * 200_000 + "}}", "{{ a" * 200_000])
def test_a_template_without_an_end_is_left_in_no_time(template: str) -> None:
    begun = time.process_time()
    with pytest.raises(Unrendered):
        render(template, DATA, escape=True)
    assert time.process_time() - begun < 2
