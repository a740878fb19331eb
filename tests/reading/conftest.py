from pathlib import Path

import pytest

from gateway.reading.lexicon import Lexicons
from gateway.reading.load import load_lexicons
from gateway.reading.read import Reader

LEXICONS = Path(__file__).parents[2] / "policies" / "lexicons"


@pytest.fixture(scope="session")
def lexicons() -> Lexicons:
    return load_lexicons(LEXICONS)


@pytest.fixture(scope="session")
def reader(lexicons: Lexicons) -> Reader:
    return Reader(lexicons)
