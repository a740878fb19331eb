"""Clients that tools are made of, each over plain, STARTTLS and TLS from the first octet where it can."""

import asyncio
import json
import os
import shutil
import smtplib
import ssl
import subprocess
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.ingress.smtp.house import MAIL, SECRET, House, access_with
from tests.tools import lack, need

Certificate = tuple[Path, ssl.SSLContext]
WAYS = ("plain", "starttls", "tls")
FOLDED = MAIL.replace(b"\r\n", b"\n").decode()


async def run(*command: str | Path, input: str = "", fails: bool = False, **given: Any) -> str:  # noqa: A002
    """Run a program, the house going on meanwhile; return what it said."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **given,
    )
    async with asyncio.timeout(60):
        said, _ = await process.communicate(input.encode())
    assert (process.returncode != 0) == fails, said.decode(errors="replace")
    return said.decode(errors="replace")


@pytest.fixture
def house(certificate: Certificate) -> Callable[[], House]:
    folder, _ = certificate
    return lambda: House(access=access_with(), tls=folder)


def port_of(house: House, way: str) -> int:
    return house.tls_port if way == "tls" else house.port


def arrived(house: House, count: int = 1) -> None:
    assert len(house.messages) == count
    for message in house.messages:
        assert message.source == "tool"
        assert "Good morning." in message.content.text
        assert message.recipients[0].address == "bob@example.org"


@pytest.mark.parametrize("way", WAYS)
async def test_smtplib(way: str, house: Callable[[], House], certificate: Certificate) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ada@example.com", "bob@example.org", "Così"
    message.set_content("Good morning. Perché no?\n.\n..\n")

    def send(port: int) -> None:
        connect: Any = smtplib.SMTP_SSL if way == "tls" else smtplib.SMTP
        given = {"context": certificate[1]} if way == "tls" else {}
        with connect("localhost", port, timeout=10, **given) as client:
            if way == "starttls":
                client.starttls(context=certificate[1])
            client.login("tool", SECRET)
            client.send_message(message)
            client.send_message(message, to_addrs=["bob@example.org", "rejected@example.org"])
            with pytest.raises(smtplib.SMTPDataError) as refused:
                client.send_message(message, to_addrs=["rejected@example.org"])
            assert refused.value.smtp_code == 550
        other = smtplib.SMTP("localhost", house_.port, timeout=10)
        with other, pytest.raises(smtplib.SMTPAuthenticationError):
            other.login("tool", "wrong")

    async with house() as house_:
        await asyncio.to_thread(send, port_of(house_, way))
        house_.messages.pop()
        arrived(house_, 2)


@pytest.mark.parametrize("way", WAYS)
async def test_curl(way: str, house: Callable[[], House], certificate: Certificate, tmp_path: Path) -> None:
    program = need("curl")
    (tmp_path / "mail").write_bytes(MAIL)
    async with house() as house_:
        scheme = "smtps" if way == "tls" else "smtp"
        secure = ["--ssl-reqd"] if way == "starttls" else []
        await run(
            program,
            *("-sS", f"{scheme}://localhost:{port_of(house_, way)}", *secure),
            *("--cacert", certificate[0] / "ca.pem", "-u", f"tool:{SECRET}"),
            *("--mail-from", "ada@example.com", "--mail-rcpt", "bob@example.org", "-T", tmp_path / "mail"),
        )
        arrived(house_)
        assert house_.messages[0].raw == MAIL


@pytest.mark.parametrize("way", [*WAYS, "pipeline", "login"])
async def test_swaks(way: str, house: Callable[[], House], certificate: Certificate) -> None:
    program = need("swaks")
    if "tls" in way and "TLS not available" in await run(program, "--support"):
        lack("swaks has no TLS here (Debian: libnet-ssleay-perl)")
    flags = {
        "plain": ["--auth", "PLAIN"],
        "starttls": ["--tls", "--tls-ca-path", certificate[0] / "ca.pem", "--auth", "PLAIN"],
        "tls": ["--tls-on-connect", "--tls-ca-path", certificate[0] / "ca.pem", "--auth", "PLAIN"],
        "pipeline": ["--pipeline", "--auth", "PLAIN"],
        "login": ["--auth", "LOGIN"],
    }[way]
    async with house() as house_:
        said = await run(
            program,
            *("--server", "localhost", "--port", str(port_of(house_, way)), *flags),
            *("-au", "tool", "-ap", SECRET, "-f", "ada@example.com", "-t", "bob@example.org"),
            *("--data", FOLDED, "--timeout", "20"),
        )
        arrived(house_)
        assert f"250 2.0.0 {house_.messages[0].id} accepted" in said


async def test_swaks_with_wrong_secret(house: Callable[[], House]) -> None:
    program = need("swaks")
    async with house() as house_:
        said = await run(
            program,
            *("--server", f"127.0.0.1:{house_.port}", "--auth", "LOGIN", "-au", "tool", "-ap", "wrong"),
            *("-f", "ada@example.com", "-t", "bob@example.org"),
            fails=True,
        )
        assert "535 5.7.8" in said
        assert house_.messages == []


@pytest.mark.parametrize("way", WAYS)
async def test_msmtp(way: str, house: Callable[[], House], certificate: Certificate) -> None:
    program = need("msmtp")
    async with house() as house_:
        await run(
            program,
            *(
                "-C",
                "/dev/null",
                "--host=localhost",
                f"--port={port_of(house_, way)}",
                "--from=ada@example.com",
            ),
            *("--auth=plain", "--user=tool", f"--passwordeval=echo {SECRET}", "--timeout=20"),
            *(
                f"--tls={'off' if way == 'plain' else 'on'}",
                f"--tls-starttls={'on' if way == 'starttls' else 'off'}",
            ),
            *(f"--tls-trust-file={certificate[0] / 'ca.pem'}", "bob@example.org"),
            input=FOLDED,
        )
        arrived(house_)


@pytest.mark.parametrize("kept", [True, False])
async def test_smtp_source(kept: bool, tmp_path: Path) -> None:
    program = need("smtp-source", "postfix")
    async with House() as house_:
        await run(
            program,
            *(*(["-d"] if kept else []), "-s", "10", "-m", "200", "-l", "4096"),
            *("-f", "ada@example.com", "-t", "bob@example.org", f"127.0.0.1:{house_.port}"),
        )
        assert len(house_.messages) == 200


AUTOLOAD = Path("/usr/share/php/libphp-phpmailer/autoload.php")
PHP = """<?php
require '/usr/share/php/libphp-phpmailer/autoload.php';
$mail = new PHPMailer\\PHPMailer\\PHPMailer(true);
$mail->isSMTP();
$mail->Host = 'localhost'; $mail->Port = (int)$argv[1];
$mail->SMTPAuth = true; $mail->Username = 'tool'; $mail->Password = $argv[3];
$mail->SMTPSecure = ['plain' => '', 'starttls' => 'tls', 'tls' => 'ssl'][$argv[2]];
$mail->SMTPAutoTLS = false; $mail->SMTPKeepAlive = true;
$mail->SMTPOptions = ['ssl' => ['cafile' => $argv[4]]];
$mail->dsn = 'SUCCESS,FAILURE';
$mail->setFrom('ada@example.com', 'Ada'); $mail->addAddress('bob@example.org', 'Bob');
$mail->Subject = 'Hello'; $mail->Body = 'Good morning.';
$mail->send(); $mail->send();
echo $mail->getSMTPInstance()->getLastTransactionID();
"""


@pytest.fixture
def php() -> str:
    if not AUTOLOAD.exists():
        lack("PHPMailer is not installed (Debian: libphp-phpmailer)")
    return need("php", "php-cli")


@pytest.mark.parametrize("way", WAYS)
async def test_phpmailer(
    way: str, php: str, house: Callable[[], House], certificate: Certificate, tmp_path: Path
) -> None:
    (tmp_path / "send.php").write_text(PHP)
    async with house() as house_:
        await run(
            php, tmp_path / "send.php", str(port_of(house_, way)), way, SECRET, certificate[0] / "ca.pem"
        )
        arrived(house_, 2)
        assert house_.messages[0].recipients[0].notify == "SUCCESS,FAILURE"


NODE = """
const nodemailer = require('nodemailer');
const { port, way, secret, pool } = JSON.parse(process.argv[2]);
const transport = nodemailer.createTransport({
  host: 'localhost', port, secure: way === 'tls', requireTLS: way === 'starttls', ignoreTLS: way === 'plain',
  auth: { user: 'tool', pass: secret }, pool, maxConnections: 2,
});
const mail = {
  from: 'Ada <ada@example.com>', to: 'Bob <bob@example.org>', subject: 'Hello', text: 'Good morning.',
  dsn: { id: 'x1', return: 'headers', notify: ['failure'], recipient: 'ada@example.com' },
};
(async () => {
  const sent = await Promise.all([1, 2, 3].map(() => transport.sendMail(mail)));
  const bad = { ...mail, to: 'rejected@example.org' };
  const refused = await transport.sendMail(bad).catch(e => e.responseCode);
  transport.close();
  console.log(JSON.stringify({ responses: sent.map(s => s.response), refused }));
})().catch(e => { console.error(e); process.exit(1); });
"""


@pytest.fixture(scope="session")
def nodemailer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nodemailer 10 installed, kept between runs."""
    npm = need("npm")
    need("node", "nodejs")
    folder = (
        Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "galateo-tests" / "nodemailer-10"
    )
    if not (folder / "node_modules" / "nodemailer" / "package.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        done = subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), "nodemailer@10"],
            capture_output=True,
            timeout=100,
            check=False,
        )
        if done.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            lack("nodemailer 10 could not be installed from npm")
    return folder


@pytest.mark.parametrize("pool", [True, False])
@pytest.mark.parametrize("way", WAYS)
async def test_nodemailer(
    way: str,
    pool: bool,
    house: Callable[[], House],
    certificate: Certificate,
    nodemailer: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / "send.js").write_text(NODE)
    async with house() as house_:
        given = json.dumps({"port": port_of(house_, way), "way": way, "secret": SECRET, "pool": pool})
        environment = os.environ | {
            "NODE_PATH": str(nodemailer / "node_modules"),
            "NODE_EXTRA_CA_CERTS": str(certificate[0] / "ca.pem"),
        }
        said = json.loads(await run("node", tmp_path / "send.js", given, env=environment))
        assert said["refused"] == 550
        assert len(house_.messages) == 4
        rejected = next(m for m in house_.messages if m.recipients[0].address.startswith("rejected"))
        house_.messages.remove(rejected)
        arrived(house_, 3)
        assert {r.split()[2] for r in said["responses"]} == {m.id for m in house_.messages}
        assert house_.messages[0].dsn_envelope_id == "x1"
        assert house_.messages[0].dsn_return == "HDRS"
