# ruff: noqa: E501 (messages stand on one line)
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from gateway.message.content import Content
from gateway.reading.cache import DETAIL_FIELD
from gateway.reading.findings import PAIRS, SIGNED
from gateway.reading.lexicon import LANGUAGES, BadLexicon, Lexicons, parse_lexicon, parse_tree, parse_weights
from gateway.reading.load import load_lexicons
from gateway.reading.notation import BadPhrase, translate
from gateway.reading.read import Reader
from gateway.reading.words import FINDINGS

LEXICONS = Path(__file__).parents[2] / "policies" / "lexicons"


@pytest.mark.parametrize(
    ("phrase", "yes", "no"),
    [
        ("offr{o|iamo|e}", ["offro", "Offriamo"], ["offrono", "soffro"]),
        ("promozion*", ["promozione", "PROMOZIONI"], ["promo"]),
        ("ti (caro) scrivo", ["ti scrivo", "ti caro scrivo"], ["ti mai scrivo"]),
        ("ti (caro|mio) scrivo", ["ti mio scrivo", "ti, caro, scrivo", "ti scrivo"], ["timio scrivo"]),
        ("(molto|assai) caro", ["caro", "assai caro", "molto caro"], ["raro"]),
        (
            "costa ... meno",
            ["costa meno", "costa un bel po' meno"],
            ["costa uno due tre quattro cinque meno"],
        ),
        ("^ sconto", ["sconto oggi", "* sconto"], ["uno sconto"]),
        ("sconto $", ["uno sconto", "uno sconto!"], ["sconto oggi"]),
        ("posso inviar* ...?", ["posso inviarti il testo?"], ["posso inviarti il testo."]),
        ("sono <name> di", ["sono Ada di"], ["sono contenta di"]),
        ("<n> minuti", ["15 minuti", "1.500 minuti"], ["alcuni minuti"]),
        ("l'offerta", ["l'offerta", "l offerta"], ["la offerta"]),
        ("siamo {l'|la} scuola", ["siamo la scuola", "siamo l'scuola"], ["siamo scuola"]),
    ],
)
def test_the_notation(phrase: str, yes: list[str], no: list[str]) -> None:
    pattern = re.compile(translate(phrase), re.IGNORECASE)
    assert all(pattern.search(text) for text in yes)
    assert not any(pattern.search(text) for text in no)


@pytest.mark.parametrize("phrase", ["offr{o|a", "ti scrivo)", "a <nome> b", "{|}", "x ^ y"])
def test_a_phrase_that_makes_no_sense_is_refused(phrase: str) -> None:
    with pytest.raises(BadPhrase):
        translate(phrase)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("promotional:\n  sell:\n    - offr{o\n", 3),
        ("promotional:\n  sell:\n    - {a|b} c\n", 3),
        ("- phrase\n", 1),
        ("promotional:\n      deep: x\n", 2),
        ('promotional:\n  sell:\n    - "open\n', 3),
        ("promotional:\n  sell:\n    - a: b\n", 3),
        ("\n\nnonsense here\n", 3),
    ],
)
def test_errors_name_file_and_line(text: str, line: int) -> None:
    with pytest.raises(BadLexicon, match=rf"^it\.yaml:{line}: "):
        parse_lexicon("it", "it.yaml", text)
    with pytest.raises(BadLexicon, match=r"^weights\.yaml:3: "):
        parse_weights("weights.yaml", "promotional:\n  features:\n    - sell much\n")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    shutil.copytree(LEXICONS, tmp_path / "l")
    (tmp_path / "l" / "fr.yaml").unlink()
    with pytest.raises(BadLexicon, match=r"fr\.yaml"):
        load_lexicons(tmp_path / "l")


@pytest.mark.parametrize("name", [*LANGUAGES, "weights", "words"])
def test_the_files_are_yaml_and_mean_what_we_read(name: str) -> None:
    path = LEXICONS / f"{name}.yaml"
    tree = YAML(typ="safe", pure=True).load(path)
    rows = [(section, group, item) for section, group, item, _ in parse_tree(path.name, path.read_text())]
    known = []
    for section, groups in tree.items():
        for group, items in groups.items():
            known += [(section, group, str(item)) for item in (items if isinstance(items, list) else [items])]
    assert [row[:2] for row in rows] == [row[:2] for row in known]
    assert [row[2].replace("0.0", "0") for row in rows if "." not in row[2]] == [
        row[2] for row in known if "." not in row[2]
    ]


def test_every_weighed_feature_exists(lexicons: Lexicons) -> None:
    known = {entry.feature for one in lexicons.by_language.values() for entry in one.entries}
    assert {part for _, these, those in PAIRS for part in (*these, *those)} <= known
    known |= (
        {name for name, _, _ in PAIRS} | {f"words.{finding}" for finding in FINDINGS} | {SIGNED, DETAIL_FIELD}
    )
    weighed = {
        name
        for terms in lexicons.weights.features.values()
        for name, _ in terms
        if not name.startswith("msg.")
    }
    assert weighed <= known


def test_an_edited_lexicon_changes_the_reading(tmp_path: Path) -> None:
    shutil.copytree(LEXICONS, tmp_path / "l")
    path = tmp_path / "l" / "it.yaml"
    path.write_text(path.read_text().replace("  act:\n", "  act:\n    - zufolo magico @4\n"))
    content = Content(text="Il nuovo zufolo magico è qui, per tutti e per sempre.")
    assert not Reader(load_lexicons(LEXICONS)).read(content).promotional.value
    assert Reader(load_lexicons(tmp_path / "l")).read(content).promotional.value


def test_loading_is_quick_and_small() -> None:
    code = (
        "import resource, time, sys; from pathlib import Path\n"
        "from gateway.reading.load import load_lexicons; from gateway.reading.read import Reader\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; begun = time.process_time()\n"
        f"reader = Reader(load_lexicons(Path({str(LEXICONS)!r})))\n"
        "print(time.process_time() - begun, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=LEXICONS.parents[1]
    )
    seconds, megabytes = map(float, done.stdout.split())
    assert seconds < 1.0
    assert megabytes < 60
