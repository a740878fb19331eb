"""What is wrong with a database server's address, or with the files that it names, is told without it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.store.postgres_link import Link, read_address
from gateway.store.protocol import Unavailable
from tests.ingress.smtp.house import make_certificate

SECRET = "tops3cret"


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[int]:
    """A server that agrees to TLS, as PostgreSQL does, with a certificate of an authority of its own."""
    make_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(b"S")
        try:
            await writer.start_tls(context)
        except OSError:
            writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


async def refusal(options: str, port: int = 1) -> str:
    link = Link(read_address(f"postgresql://galateo:{SECRET}@127.0.0.1:{port}/mail?{options}"), "galateo")
    with pytest.raises(Unavailable) as told:
        await link.connect()
    assert SECRET not in str(told.value)
    return str(told.value)


async def test_a_certificate_that_is_looked_for_where_none_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    told = await refusal("sslmode=verify-full")
    assert f'"{tmp_path}/.postgresql/root.crt" does not exist' in told
    assert "sslrootcert=/path/ca.pem" in told


@pytest.mark.parametrize("name", ["sslrootcert", "sslcert", "sslcrl"])
async def test_a_file_that_is_not_there(tmp_path: Path, name: str) -> None:
    make_certificate(tmp_path)
    options = {"sslrootcert": tmp_path / "ca.pem", name: tmp_path / "none.pem"}
    told = await refusal("sslmode=verify-full&" + "&".join(f"{k}={v}" for k, v in options.items()))
    assert told == f"GALATEO_DATABASE: {name}={tmp_path}/none.pem cannot be read: No such file or directory"


async def test_a_server_whose_authority_is_another(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    make_certificate(other)
    async with server(tmp_path) as port:
        told = await refusal(f"sslmode=verify-full&sslrootcert={other}/ca.pem", port)
    assert told.startswith("the certificate of the database server is refused: ")
    assert "sslrootcert=" in told


@pytest.mark.parametrize("options", ["sslmode=tops3cret", "target_session_attrs=tops3cret"])
async def test_an_option_that_means_nothing_is_not_repeated(options: str) -> None:
    assert await refusal(options) == "GALATEO_DATABASE is not a URL that can be read"


async def test_a_server_that_is_not_there_is_not_blamed_on_files(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    told = await refusal(f"sslmode=verify-full&sslrootcert={tmp_path}/ca.pem")
    assert told == "the database does not answer (ConnectionRefusedError)"
