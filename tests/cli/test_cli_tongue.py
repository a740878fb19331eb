"""What the commands of an officer say in Italian, and that what machines read is the same in both."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.cli.tongue import BOOK, render
from gateway.keys import save_keys
from tests.line import KEYS, ROOT

CONSENTS = """address,channel,purpose,controller,action,at,ip
anna@example.org,email,newsletter,default,granted,2026-03-01T10:00:00Z,192.0.2.7
bruno@example.org,email,newsletter,default,granted,yesterday,
carla@example.org,email,newsletter,default,granted,2026-03-01T10:00:00Z,unknown
"""
POLICY = """version: 1
policy: offers
title: Offers
owner: compliance@example.com
why: Whoever gets an offer said yes to offers.
mode: enforce
applies_to: {class: [promotion]}
rules:
  - rule: consent
    outcome: reject
cases:
  - case: anyone may; or so it seems
    message: {class: promotion, text: "Solo oggi sconto del 30%!"}
    expect: {outcome: accept}
"""


def galateo(folder: Path, *words: str, given: str = "") -> Result:
    save_keys(folder / "keys", KEYS)
    environment = {
        "GALATEO_DATABASE": f"sqlite:///{folder / 'line.db'}", "GALATEO_KEYS": str(folder / "keys"),
        "GALATEO_DEVELOPMENT": "1", "GALATEO_ACCESS": str(folder / "access.yaml"),
        "GALATEO_POLICIES": str(ROOT / "policies"),
    }  # fmt: skip
    return CliRunner().invoke(main, words, env=environment, input=given)


def in_both(folder: Path, *words: str, given: str = "") -> tuple[str, str]:
    """What a command says in English and in Italian, with the same exit code."""
    english, italian = (galateo(folder, *words, *also, given=given) for also in ((), ("--lang", "it")))
    assert english.exit_code == italian.exit_code, english.output + italian.output
    return english.output, italian.output


FAILED = "offers.yaml:12: il caso 'anyone may; or so it seems' è fallito: atteso accettato, ottenuto "
HELD = "trattenuto (consent.missing)"
TWO_KEYS = "questo non è YAML valido: i due punti in un testo sembrano una seconda chiave"
SLIPS = {
    "outcome: hold": ("outcome: reject", FAILED + HELD),
    "outcome: rejct": ("outcome: reject", "'rejct' non è tra gli esiti hold, reject (forse si "),
    "rule: consents": ("rule: consent", "non c'è una regola 'consents' (forse si intendeva 'consent'?)"),
    "title: [a]": ("title: Offers", "title deve essere un testo, non un elenco"),
    "why: a: W": ("why: W", TWO_KEYS),
    "class: [promotoin]": ("class: [promotion]", "class: valore sconosciuto 'promotoin' (forse si "),
    "owne:": ("owner:", "offers.yaml:4: chiave sconosciuta 'owne' (forse si intendeva 'owner'?)"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", SLIPS)
def test_a_slip_in_a_policy_is_told_in_italian(tmp_path: Path, wrong: str) -> None:
    right, said = SLIPS[wrong]
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "offers.yaml").write_text(POLICY.replace(right, wrong, 1))
    english, italian = in_both(tmp_path, "check", "--quiet", str(folder))
    assert said in italian
    assert "A running gateway keeps" in english
    assert "Un gateway in funzione tiene le ultime policy valide" in italian


def test_lines_of_consents_are_told_in_italian_and_the_report_stays_as_it_is(tmp_path: Path) -> None:
    file, reports = tmp_path / "consents.csv", [tmp_path / name for name in ("en", "it")]
    file.write_text(CONSENTS)
    _, italian = in_both(tmp_path, "consents", "import", "--dry-run", str(file))
    assert "riga 3: 'yesterday' non è un momento; scrivere 2026-03-01T10:00:00Z" in italian
    assert "riga 4: ip 'unknown' non è un indirizzo IP; se non è noto, lasciarlo vuoto" in italian
    assert "1 riga verrebbe importata; con un effetto: 0; respinte: 2" in italian
    for report in reports:
        galateo(tmp_path, "consents", "import", str(file), "--errors", str(report), "--lang", report.name)
    assert reports[0].read_text() == reports[1].read_text() != ""
    show = ("consents", "show", "--controller", "default")
    assert (
        "dato       newsletter   email     grado C" in in_both(tmp_path, *show, given="anna@example.org")[1]
    )
    english, italian = in_both(tmp_path, *show, "--json", given="anna@example.org")
    assert english == italian
    assert "Non c'è un titolare con questo nome" in in_both(tmp_path, *show[:-1], "nobody", given="a@b.it")[1]


def test_rights_retention_and_the_log_are_told_in_italian(tmp_path: Path) -> None:
    file = tmp_path / "consents.csv"
    file.write_text(CONSENTS)
    galateo(tmp_path, "consents", "import", str(file))
    dry = ("subject", "erase", "anna@example.org", "--dry-run")
    assert "default: 1 consensi\nNulla è cambiato." in in_both(tmp_path, *dry)[1]
    assert "Questo non è un indirizzo del canale email." in in_both(tmp_path, *dry[:2], "anna")[1]
    assert "Uso già limitato" in in_both(tmp_path, "subject", "restrict", "anna@example.org")[1]
    assert "Nulla attende di essere guardato." in in_both(tmp_path, "replies", "list")[1]
    assert "Non c'è nessuna risposta x da guardare." in in_both(tmp_path, "replies", "show", "x")[1]
    assert "giorni" in in_both(tmp_path, "retention")[1]
    english, italian = in_both(tmp_path, "audit", "verify")
    assert "all is well" in english
    assert "con 0 checkpoint: tutto bene." in italian
    assert "Non c'è nessun messaggio x." in in_both(tmp_path, "audit", "export", "--message", "x")[1]
    assert (
        "Non c'è nessun messaggio trattenuto x"
        in in_both(tmp_path, "holds", "reject", "x", "--reason", "no")[1]
    )


PLACES = {"lexicon.py": "1:1: ", "load.py": "1:1: ", "retention.py": "1: "}
"""What stands before a sentence of these files, as the test writes it."""
SAID_BY = {
    "policy": ("add", "Contradiction", "Unclear", "_Wrong", "_complain"),
    "reading": ("BadLexicon",),
    "evidence": ("BadRetention", "BadPack", "NothingToPack", "BadCheckpoint", "_lost"),
    "intake/consent_files.py": ("HeaderError",),
    "cli/in_force.py": ("NotGiven",),
}
"""Where sentences are made that a command repeats, and by which calls."""
CODE = re.compile(r"(- )?\w+: \S+|[\w, ]*generic, [\w, ]*")
"""What to write into a file, which no language changes."""


def sentences(file: Path, calls: tuple[str, ...]) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in calls:
            for argument in node.args:
                yield from filter(lambda one: " " in one.strip("{}: "), texts(argument))


def texts(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may come to, with a number for each value."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "1" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from (*texts(node.body), *texts(node.orelse))


def test_whatever_is_said_of_a_file_has_its_italian() -> None:
    missing = []
    for place, calls in SAID_BY.items():
        root = ROOT / "gateway" / place
        for file in root.rglob("*.py") if root.is_dir() else (root,):
            plain = (one.removeprefix(PLACES.get(file.name, "")) for one in sentences(file, calls))
            found = (one for one in plain if re.search("[a-z]{3}", one) and not CODE.fullmatch(one))
            missing += [f"{file.name}: {one}" for one in found if render(one) == one]
    assert not missing, "\n".join([f"write their Italian into {BOOK.name}:", *missing])


@pytest.mark.parametrize(
    "text", ["x" * 3000, "expected " * 400, "a; (b) " * 500, "1:1: " * 600, "not " * 900]
)
def test_what_nobody_wrote_down_stays_as_it_is_and_takes_no_time(text: str) -> None:
    assert render(text).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("english", "italian"),
    [
        ("/keys: cannot be read: No such file or directory", "/keys: non si può leggere: il file non c'è"),
        ("a.yaml:3: cannot be read: there is no such file", "a.yaml:3: non si può leggere: il file non c'è"),
        ("the case 'a' failed: something nobody wrote down", ""),
        ("the database file cannot be opened for writing; this user must own it and its folder", ""),
    ],
)
def test_nothing_comes_out_half_in_english(english: str, italian: str) -> None:
    assert render(english) == (italian or english)
