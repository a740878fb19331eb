"""How well the reading judges labeled messages: `python -m bench.reading_report [FILE...] [--errors]`.

Precision, recall and F1 per label and language, with and without borderline messages, and, with
`--errors`, every wrong judgment with the words it rests on.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from gateway.cli.read import content_of
from gateway.reading.load import load_lexicons
from gateway.reading.read import Reader
from gateway.reading.reading import Finding

ROOT = Path(__file__).resolve().parents[1]
FILES = (ROOT.parent / "shared" / "data" / "judgement-dev.jsonl", ROOT / "tests" / "data" / "messages.jsonl")
HARD = ROOT / "tests" / "data" / "hard.jsonl"
"""Ordinary mail that talks of selling, and pitches that hardly do: harder than what anybody receives."""
FOURS = ROOT / "tests" / "data" / "fours.jsonl"
"""Fours of messages on one theme in much the same words: a pitch, then three that sell nothing."""
LABELS = {
    "promotional": "promotional",
    "introduces_sender": "introduces_sender",
    "states_reason": "states_reason",
    "permission_request": "permission_request",
    "personalised": "personal_detail",
    "unresolved_merge": "unresolved_merge",
}
LANGUAGES = ("it", "en", "de", "fr", "es")

Tally = Counter[tuple[str, str, str]]


def judge(path: Path, reader: Reader, *, borderline: bool) -> tuple[Tally, list[str]]:
    """Counts by (label, language, tp|fp|fn|tn), and a line for each error."""
    tally: Tally = Counter()
    errors = []
    for line in path.read_text(encoding="utf-8").splitlines():
        message = json.loads(line)
        if message.get("borderline") and not borderline:
            continue
        reading = reader.read(content_of({**message, "lang": None}))
        for label, finding in LABELS.items():
            truth = message["labels"].get(label)
            if truth is None:
                continue
            found: Finding = getattr(reading, finding)
            kind = ("t" if found.value == truth else "f") + ("p" if found.value else "n")
            tally[label, message["lang"], kind] += 1
            if kind[0] == "f":
                errors.append(_error(kind, label, message, found))
    return tally, errors


def f1(tally: Tally, label: str, language: str) -> tuple[float, float, float]:
    """Precision, recall and F1; 1 where there was nothing to find and nothing was found."""
    tp, fp, fn = (tally[label, language, kind] for kind in ("tp", "fp", "fn"))
    precision, recall = (tp / (tp + fp) if tp + fp else 1.0), (tp / (tp + fn) if tp + fn else 1.0)
    return precision, recall, 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 1.0


def _error(kind: str, label: str, message: dict[str, Any], found: Finding) -> str:
    words = "; ".join(f"{one.text!r} ({one.why})" for one in found.evidence) or "no words"
    wrong = "found, is not" if kind == "fp" else "missed"
    body = " ".join(message["body"].split())[:160]
    return f"{message['id']} {label} {wrong} ({found.score:.2f}): {words}\n    {message['subject']} | {body}"


def show(title: str, tally: Tally) -> None:
    """One table."""
    print(f"\n{title}\n{'':20}" + "".join(f"{language:^24}" for language in LANGUAGES))
    for label in LABELS:
        cells = ""
        for language in LANGUAGES:
            precision, recall, both = f1(tally, label, language)
            positives = tally[label, language, "tp"] + tally[label, language, "fn"]
            cells += f"  P{precision:.2f} R{recall:.2f} F{both:.2f} n{positives:<3}"
        print(f"{label:20}{cells}")


def main(arguments: list[str]) -> None:
    """Report on the files named, by default the development set and the project's own."""
    reader = Reader(load_lexicons(ROOT / "policies" / "lexicons"))
    names = [Path(one) for one in arguments if not one.startswith("--")]
    for path in names or (*FILES, HARD, FOURS):
        if not path.exists():
            print(f"\n{path.name}: absent, left out")
            continue
        tally, errors = judge(path, reader, borderline=True)
        show(f"{path.name}, all", tally)
        show(f"{path.name}, without borderline", judge(path, reader, borderline=False)[0])
        if "--errors" in arguments or not names:
            print("\n" + "\n".join(errors))


if __name__ == "__main__":
    main(sys.argv[1:])
