"""Lexicons from a folder of files."""

from pathlib import Path

from gateway.reading.lexicon import (
    LANGUAGES,
    BadLexicon,
    Lexicons,
    gather,
    parse_lexicon,
    parse_weights,
)


def load_lexicons(folder: Path) -> Lexicons:
    """The lexicons in `folder` ({it,en,de,fr,es}.yaml and weights.yaml); BadLexicon names file and line."""
    lexicons = [parse_lexicon(code, f"{code}.yaml", _text(folder / f"{code}.yaml")) for code in LANGUAGES]
    return gather(lexicons, parse_weights("weights.yaml", _text(folder / "weights.yaml")))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadLexicon(f"{path.name}:1: cannot be read ({type(error).__name__})") from None
