import ssl
from pathlib import Path

import pytest

from tests.ingress.smtp.house import make_certificate


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A folder with cert.pem, key.pem and ca.pem, and a client's context that trusts them."""
    folder = tmp_path_factory.mktemp("tls")
    return folder, make_certificate(folder)
