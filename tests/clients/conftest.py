"""The gateway that real clients talk to."""

from pathlib import Path

import pytest

from tests.clients.house import served
from tests.clients.installed import PATIENCE

__all__ = ["served"]

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever comes first waits until the clients are installed."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(PATIENCE + 120))
