"""STARTTLS, TLS from the first octet, and what must not survive the handshake."""

import asyncio
import socket
import ssl
import time
from pathlib import Path

import pytest

from gateway.ingress.smtp_limits import Limits
from tests.ingress.smtp.house import MAIL, House, Wire, access_with, make_certificate

Certificate = tuple[Path, ssl.SSLContext]
PLAIN = "AUTH PLAIN AHRvb2wAY29ycmVjdCBob3JzZQ=="


async def begin_tls(wire: Wire, context: ssl.SSLContext) -> None:
    await wire.writer.start_tls(context, server_hostname="localhost")


async def test_starttls_forgets_what_was_said_before(certificate: Certificate) -> None:
    folder, context = certificate
    async with House(access=access_with(), tls=folder) as house:
        wire = await house.connect()
        assert "STARTTLS" in await wire.say("EHLO x")
        assert (await wire.say("STARTTLS now")).startswith("501 5.5.4")
        assert (await wire.say(PLAIN)).startswith("235")
        assert (await wire.say("STARTTLS")).startswith("220")
        await begin_tls(wire, context)
        assert (await wire.say("MAIL FROM:<a@example.com>")).startswith("503 5.5.1 Say EHLO")
        said = await wire.say("EHLO x")
        assert "STARTTLS" not in said
        assert "AUTH PLAIN LOGIN" in said
        assert (await wire.say("MAIL FROM:<a@example.com>")).startswith("530 5.7.0")
        assert (await wire.say(PLAIN)).startswith("235 2.7.0")
        assert (await wire.mail()).startswith("354")
        await wire.send(MAIL + b".\r\n")
        assert (await wire.reply()).startswith("250 2.0.0")
        assert (await wire.say("QUIT")).startswith("221")
        assert await wire.rest() == b""
    assert house.messages[0].raw == MAIL


async def test_what_is_sent_in_clear_behind_starttls_is_never_obeyed(certificate: Certificate) -> None:
    folder, context = certificate
    async with House(tls=folder) as house:
        wire = await house.connect()
        await wire.say("EHLO x")
        await wire.send(b"STARTTLS\r\nEHLO y\r\nMAIL FROM:<eve@example.com>\r\n")
        assert (await wire.reply()).startswith("220")
        await begin_tls(wire, context)
        assert (await wire.say("NOOP")).startswith("250 2.0.0")
        assert (await wire.say("RCPT TO:<bob@example.org>")).startswith("503 5.5.1 Say EHLO")


async def test_secrets_need_tls_from_afar(certificate: Certificate) -> None:
    folder, context = certificate
    proxied = {"smtp_proxy_protocol": True, "smtp_proxy_trusted": "127.0.0.1/32"}
    async with House(access=access_with(), tls=folder, settings=proxied) as house:
        wire = await house.connect(greet=False)
        await wire.send(b"PROXY TCP4 192.0.2.1 127.0.0.1 4000 25\r\n")
        await wire.reply()
        assert "AUTH" not in await wire.say("EHLO x")
        assert (await wire.say(PLAIN)).startswith("538 5.7.11")
        assert (await wire.say("MAIL FROM:<a@example.com>")).startswith("530 5.7.0 Say STARTTLS")
        assert (await wire.say("STARTTLS")).startswith("220")
        await begin_tls(wire, context)
        assert "AUTH PLAIN LOGIN" in await wire.say("EHLO x")
        assert (await wire.say(PLAIN)).startswith("235")


async def test_an_operator_may_allow_secrets_in_clear() -> None:
    proxied = {"smtp_proxy_protocol": True, "smtp_proxy_trusted": "127.0.0.1/32"}
    async with House(access=access_with(), settings=proxied, limits=Limits(auth_in_clear=True)) as house:
        wire = await house.connect(greet=False)
        await wire.send(b"PROXY TCP4 192.0.2.1 127.0.0.1 4000 25\r\n")
        await wire.reply()
        assert "AUTH PLAIN LOGIN" in await wire.say("EHLO x")


async def test_tls_from_the_first_octet(certificate: Certificate) -> None:
    folder, context = certificate
    async with House(access=access_with(), tls=folder) as house:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", house.tls_port, ssl=context, server_hostname="localhost"
        )
        wire = Wire(reader, writer)
        house.wires.append(wire)
        assert (await wire.reply()).startswith("220")
        said = await wire.say("EHLO x")
        assert "STARTTLS" not in said
        assert "AUTH" in said
        assert (await wire.say("STARTTLS")).startswith("503 5.5.1")
        assert (await wire.say(PLAIN)).startswith("235")
        assert (await wire.mail()).startswith("354")
        big = MAIL + b"x" * 300_000 + b"\r\n"
        await wire.send(big + b".\r\n")
        assert (await wire.reply()).startswith("250")
    assert house.messages[0].raw == big


@pytest.mark.parametrize("octets", [b"EHLO x\r\n", b"\x16\x03\x01\x00\x05hello", b""])
async def test_a_handshake_that_fails_disturbs_nobody(certificate: Certificate, octets: bytes) -> None:
    folder, _ = certificate
    async with House(tls=folder) as house:
        other = await house.connect()
        wire = await house.connect()
        await wire.say("EHLO x")
        assert (await wire.say("STARTTLS")).startswith("220")
        await wire.send(octets)
        wire.writer.write_eof()
        await wire.rest()
        await asyncio.sleep(0.05)
        assert house.listener.sessions == 1
        assert (await other.say("NOOP")).startswith("250")
        assert house.listener._reception.peers._counts == {"127.0.0.1": 1}


@pytest.mark.parametrize("limits", [Limits(connections=3), Limits(connections_per_peer=3)])
async def test_who_shakes_no_hands_is_counted_as_well(certificate: Certificate, limits: Limits) -> None:
    folder, context = certificate
    async with House(tls=folder, limits=limits) as house:
        mute = [Wire(*await asyncio.open_connection("127.0.0.1", house.tls_port)) for _ in range(8)]
        house.wires += mute
        assert [await wire.rest() for wire in mute[3:]] == [b""] * 5
        assert not any(wire.reader.at_eof() for wire in mute[:3])
        for wire in mute:
            wire.close()
        await asyncio.sleep(0.3)
        for _ in range(5):  # those that are gone count no more, nor do those that shook hands
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", house.tls_port, ssl=context, server_hostname="localhost"
            )
            wire = Wire(reader, writer)
            assert (await wire.reply()).startswith("220")
            assert (await wire.say("QUIT")).startswith("221")
            await wire.rest()
            writer.close()
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("together", [True, False])
async def test_a_balancer_introduces_who_shakes_hands(certificate: Certificate, together: bool) -> None:
    folder, context = certificate
    proxied = {"smtp_proxy_protocol": True, "smtp_proxy_trusted": "127.0.0.1/32"}
    async with House(access=access_with(), tls=folder, settings=proxied) as house:
        for header, peer in (
            (b"PROXY TCP4 192.0.2.7 127.0.0.1 4000 465\r\n", "192.0.2.7"),
            (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        ):
            stream = socket.create_connection(("127.0.0.1", house.tls_port))
            hello, answer = ssl.MemoryBIO(), ssl.MemoryBIO()
            talk = context.wrap_bio(answer, hello, server_hostname="localhost")
            with pytest.raises(ssl.SSLWantReadError):
                talk.do_handshake()
            first = hello.read()
            if together:
                stream.sendall(header + first)
            else:
                for octet in header:
                    stream.sendall(bytes([octet]))
                await asyncio.sleep(0.05)
                stream.sendall(first)

            def read() -> str:
                stream.settimeout(10)  # noqa: B023
                while True:
                    try:
                        said = talk.read(999)  # noqa: B023
                        return said.decode()
                    except ssl.SSLWantReadError:
                        stream.sendall(hello.read())  # noqa: B023
                        answer.write(stream.recv(9999))  # noqa: B023

            assert (await asyncio.to_thread(read)).startswith("220")
            assert house.listener._reception.peers._counts == {peer: 1}
            stream.close()
            await asyncio.sleep(0.1)
        for octets in (b"EHLO x\r\n", b"\x16\x03\x01\x00\x05hello", b"PROXY TCP4 1\r\n"):
            wire = Wire(*await asyncio.open_connection("127.0.0.1", house.tls_port))
            house.wires.append(wire)
            await wire.send(octets)
            wire.writer.write_eof()
            assert await wire.rest() == b""
        await asyncio.sleep(0.1)
        assert house.listener._lobby is not None
        assert not house.listener._lobby._waiting
        assert house.listener.sessions == 0


async def test_old_tls_is_refused(certificate: Certificate) -> None:
    folder, _ = certificate
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname = False
    old.verify_mode = ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    async with House(tls=folder) as house:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", house.tls_port, ssl=old)


async def test_a_renewed_certificate_is_taken_up_and_sessions_go_on(tmp_path: Path) -> None:
    first = make_certificate(tmp_path)
    async with House(tls=tmp_path) as house:
        certificate = house.listener.certificate
        assert certificate is not None
        assert not certificate.renew()
        old = await house.connect()
        await old.say("EHLO x")
        await old.say("STARTTLS")
        await begin_tls(old, first)
        second = make_certificate(tmp_path)
        assert certificate.renew()
        assert not certificate.renew()
        assert certificate.expires_at > time.time()
        new = await house.connect()
        await new.say("EHLO x")
        await new.say("STARTTLS")
        await begin_tls(new, second)
        assert (await new.say("EHLO x")).startswith("250")
        assert (await old.say("EHLO x")).startswith("250")
        implicit = await asyncio.open_connection("localhost", house.tls_port, ssl=second)
        assert (await implicit[0].readline()).startswith(b"220 ")
        implicit[1].close()


async def test_a_renewed_certificate_that_cannot_be_used_is_told_once(tmp_path: Path) -> None:
    context = make_certificate(tmp_path)
    whole = (tmp_path / "key.pem").read_bytes()
    async with House(tls=tmp_path) as house:
        certificate = house.listener.certificate
        assert certificate is not None
        (tmp_path / "key.pem").write_bytes(whole[:100])
        with pytest.raises(OSError, match="are no certificate with its private key"):
            certificate.renew()
        assert not certificate.renew()
        (tmp_path / "cert.pem").unlink()
        with pytest.raises(OSError, match=r"cert.pem, of GALATEO_SMTP_TLS_CERT .* cannot be read"):
            certificate.renew()
        wire = await house.connect()
        await wire.say("EHLO x")
        await wire.say("STARTTLS")
        await begin_tls(wire, context)
        assert (await wire.say("EHLO x")).startswith("250")
