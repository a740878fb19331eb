"""The project's own labeled messages, and the development set where it is at hand."""

from pathlib import Path

import pytest

from bench.reading_report import FILES, LABELS, f1, judge
from gateway.reading.read import Reader

LEAST = {
    "promotional": 0.85,
    "introduces_sender": 0.75,
    "states_reason": 0.9,
    "permission_request": 0.75,
    "personalised": 0.7,
    "unresolved_merge": 0.95,
}
OTHER_LEAST = {"promotional": 0.95, "introduces_sender": 0.9, "permission_request": 0.85}


def test_the_own_set_is_large_enough() -> None:
    assert len(FILES[1].read_text().splitlines()) >= 300


@pytest.mark.parametrize("path", FILES, ids=["development", "own"])
@pytest.mark.parametrize("language", ["it", "en"])
def test_labels_are_met(reader: Reader, path: Path, language: str) -> None:
    if not path.exists():
        pytest.skip(f"{path.name} is not at hand")
    tally, errors = judge(path, reader, borderline=True)
    for label in LABELS:
        assert f1(tally, label, language)[2] >= LEAST[label] - (0.1 if path == FILES[0] else 0), (
            label,
            errors,
        )


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_pitches_introductions_and_requests_are_found_in_the_other_languages(
    reader: Reader, language: str
) -> None:
    tally, errors = judge(FILES[1], reader, borderline=True)
    found = {label: f1(tally, label, language)[2] for label in OTHER_LEAST}
    assert all(found[label] >= least for label, least in OTHER_LEAST.items()), (found, errors)


def test_a_pitch_is_hardly_ever_seen_where_there_is_none(reader: Reader) -> None:
    """Precision at a score below that from which `no_pitch` refuses."""
    import json

    from gateway.cli.read import content_of

    rows = [json.loads(line) for path in FILES if path.exists() for line in path.read_text().splitlines()]
    sure = [row for row in rows if reader.read(content_of(row)).promotional.score >= 0.8]
    assert sum(row["labels"]["promotional"] for row in sure) / len(sure) >= 0.97
