"""Templates as handlebars.js renders them, against what the policies are given to read."""

import html
import json
import random
import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

from gateway.ingress.dialects.mustache import render
from gateway.ingress.dialects.rendering import Unrendered
from tests.clients.house import HERE
from tests.clients.installed import node_folder
from tests.ingress.dialects.test_mustache import DATA, PLAIN_CASES
from tests.tools import need

SEED = 7
COUNT = 6000
NAMES = (
    "name n zero no yes none empty words list deep.er deep.er.est this . ../name ../n ../../n @root.name a"
    " @index list.length words.length this.a ./a missing list.[0].a list.1.a size text.length else true 1"
).split()
TEXTS = ("A", "pitch ", "}", "{", "\\", "\n", "<b>", "é")


def given(chance: random.Random) -> dict[str, Any]:
    """Data in which nearly every kind of value stands under nearly every name."""
    values = ["x", "", 0, 1, 2.0, 1.5, True, False, None, [], {}, ["a", "b"], [1, None], [{"a": 1}, {"a": 2}]]
    data: dict[str, Any] = {
        **DATA,
        "list": [{"a": 1, "n": None}, {"a": 2, "name": "in"}],
        "text": "abc",
        "none": None,
    }
    for name in ("name", "n", "a", "missing", "size", "list"):
        if chance.random() < 0.3:
            data[name] = chance.choice(values)
    return data


def template(chance: random.Random, depth: int = 0) -> str:
    """Tags of every kind, mostly well formed."""
    parts = []
    for _ in range(chance.randrange(1, 4)):
        name, inside = chance.choice(NAMES), chance.random() < 0.5 and depth < 3
        if not inside:
            tag = (
                "{{%s}}",
                "{{ %s }}",
                "{{{%s}}}",
                "{{&%s}}",
                "{{!%s}}",
                "{{!--{{%s}}--}}",
                "{{!--%s}}",
                "%s",
            )
            parts.append(chance.choice(tag) % name + chance.choice(TEXTS))
            continue
        kind = chance.choice(("#if", "#unless", "#each", "#with", "#", "^", "^if", "#each", "#if"))
        begun = f"{{{{{kind} {name}}}}}" if len(kind) > 1 else f"{{{{{kind}{name}}}}}"
        turns = chance.choice(("", "{{else}}", "{{^}}", f"{{{{else if {chance.choice(NAMES)}}}}}"))
        shut = f"{{{{/{kind[1:] or name}}}}}"
        rest = turns + template(chance, depth + 1) if turns else ""
        parts.append(f"{begun}{template(chance, depth + 1)}{rest}{shut}")
    return "".join(parts)


def handlebars(cases: Sequence[tuple[str, Any]]) -> list[str | None]:
    folder = node_folder()
    shutil.copy(HERE / "node" / "handlebars.mjs", folder)
    command = [need("node", "nodejs"), "handlebars.mjs"]
    asked = json.dumps(cases).encode()
    done = subprocess.run(command, cwd=folder, input=asked, capture_output=True, timeout=60, check=True)
    found: list[str | None] = json.loads(done.stdout)
    return found


def squeezed(text: str) -> str:
    """Without what only lays it out: lines of tags alone leave no empty line in handlebars.js."""
    return "".join(html.unescape(text).split())


def test_what_is_rendered_is_what_handlebars_renders() -> None:
    chance = random.Random(SEED)
    cases = [(text, DATA) for text, _ in PLAIN_CASES]
    cases += [(template(chance), given(chance)) for _ in range(COUNT)]
    rendered = 0
    for (text, data), theirs in zip(cases, handlebars(cases), strict=True):
        try:
            ours = render(text, data, escape=True)
        except Unrendered:
            continue
        if theirs is None:
            continue  # an error there: nothing is sent
        rendered += 1
        assert squeezed(ours) == squeezed(theirs), (text, data)
    assert rendered > COUNT / 10
