import asyncio
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import uvloop

from tests.ingress.smtp.house import make_certificate

# uvloop is what the gateway runs on; asyncio differs in when it calls back and how it pauses.
BOTH = ("test_smtp_limits", "test_smtp_tls")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loops that an asynchronous test runs on."""
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"uvloop": uvloop.new_event_loop}
    return loops | ({"asyncio": asyncio.new_event_loop} if item.path.stem in BOTH else {})


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A folder with cert.pem, key.pem and ca.pem, and a client's context that trusts them."""
    folder = tmp_path_factory.mktemp("tls")
    return folder, make_certificate(folder)
