"""Lexicons from a folder of files."""

from pathlib import Path

from gateway.reading.lexicon import (
    LANGUAGES,
    BadLexicon,
    Lexicons,
    gather,
    parse_lexicon,
    parse_weights,
    parse_words,
)


def load_lexicons(folder: Path, spare: Path | None = None) -> Lexicons:
    """The lexicons in `folder`: {it,en,de,fr,es}.yaml, weights.yaml, and words.yaml where there is one. What
    is not there comes from the folder `spare`. BadLexicon names file and line."""

    def find(name: str) -> Path:
        own = folder / name
        return own if spare is None or own.exists() else spare / name

    lexicons = [parse_lexicon(code, f"{code}.yaml", _text(find(f"{code}.yaml"))) for code in LANGUAGES]
    weights = parse_weights("weights.yaml", _text(find("weights.yaml")))
    path = find("words.yaml")
    return gather(lexicons, weights, parse_words(path.name, _text(path)) if path.exists() else {})


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BadLexicon(f"{path.name}:1: cannot be read: there is no such file") from None
    except UnicodeDecodeError:
        wrong = "cannot be read: it is not UTF-8 text; save it with the encoding UTF-8"
        raise BadLexicon(f"{path.name}:1: {wrong}") from None
    except OSError as error:
        raise BadLexicon(f"{path.name}:1: cannot be read ({type(error).__name__})") from None
