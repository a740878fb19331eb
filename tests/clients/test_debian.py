"""Programs of Debian against a running gateway: what each of them makes of its answers."""

import subprocess
from pathlib import Path

import pytest

from tests.clients.house import SECRET, Served
from tests.tools import lack, need

PHPMAILER = Path("/usr/share/php/libphp-phpmailer/autoload.php")
SYMFONY = Path("/usr/share/php/Symfony/Component/Mailer/autoload.php")
CASES = {
    "accepted": ("transactional", ["ana@example.test"], "250 2.0.0", "accepted"),
    "held": ("promotion", ["bo@example.test"], "250 2.0.0", "held offers/consent."),
    "refused": ("newsletter", ["bo@example.test"], "550 5.7.1", "rejected newsletters/consent."),
    "mixed": ("newsletter", ["ana@example.test", "bo@example.test"], "250 2.0.0", "accepted 1"),
}

PHP = r"""<?php
require '%s';
$mail = new PHPMailer\PHPMailer\PHPMailer(false);
$mail->isSMTP(); $mail->SMTPAuth = true; $mail->SMTPAutoTLS = false;
$mail->dsn = 'FAILURE'; $mail->SMTPDebug = 2; $mail->Debugoutput = 'echo';
list(, $port, $class, $people, $secret) = $argv;
$mail->Host = '127.0.0.1'; $mail->Port = (int)$port; $mail->Username = 'tool'; $mail->Password = $secret;
$mail->setFrom('news@acme.test'); $mail->Subject = 'Your order'; $mail->Body = 'Your order 12 left today.';
foreach (explode(',', $people) as $one) $mail->addAddress($one);
$mail->addCustomHeader('X-Galateo-Class', $class); $mail->addCustomHeader('X-Galateo-Purpose', 'newsletter');
$sent = $mail->send();
echo "\nRESULT ", $sent ? 'sent' : 'failed', ' ', $mail->ErrorInfo;
"""

SYMFONY_SCRIPT = r"""<?php
require '%s';
use Symfony\Component\Mailer\Transport;
use Symfony\Component\Mime\Email;
list(, $port, $class, $people, $secret) = $argv;
$transport = Transport::fromDsn("smtp://tool:$secret@127.0.0.1:$port");
$email = (new Email())->from('news@acme.test')->to(...explode(',', $people))->subject('Your order')
    ->text('Your order 12 left today.');
$email->getHeaders()->addTextHeader('X-Galateo-Class', $class)
    ->addTextHeader('X-Galateo-Purpose', 'newsletter');
try {
    $sent = $transport->send($email);
    echo "RESULT sent ", $sent->getMessageId(), "\n", $sent->getDebug();
} catch (Symfony\Component\Mailer\Exception\TransportExceptionInterface $e) {
    echo "RESULT failed ", get_class($e), ' ', $e->getCode(), ' ', $e->getMessage();
}
"""


def message(class_: str, people: list[str]) -> bytes:
    return (
        f"From: news@acme.test\r\nTo: {', '.join(people)}\r\nSubject: Your order\r\n"
        f"X-Galateo-Class: {class_}\r\nX-Galateo-Purpose: newsletter\r\n\r\nYour order 12 left today.\r\n"
    ).encode()


def run(command: list[str], given: bytes = b"") -> tuple[int, str]:
    done = subprocess.run(command, input=given, capture_output=True, timeout=30, check=False)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


@pytest.mark.parametrize("case", CASES)
def test_swaks(served: Served, case: str) -> None:
    class_, people, code, word = CASES[case]
    command = [need("swaks"), "-s", f"127.0.0.1:{served.gateway.smtp_port}", "-f", "news@acme.test"]
    command += [
        "-t",
        ",".join(people),
        "-a",
        "PLAIN",
        "-au",
        "tool",
        "-ap",
        SECRET,
        "--body",
        "Your order left.",
    ]
    command += [
        "-h-X-Galateo-Class",
        class_,
        "-h-X-Galateo-Purpose",
        "newsletter",
        "-h-Subject",
        "Your order",
    ]
    exit_code, said = run(command)
    assert exit_code == (0 if code.startswith("250") else 26), said
    assert code in said
    assert word in said


@pytest.mark.parametrize("case", CASES)
def test_curl(served: Served, case: str) -> None:
    class_, people, code, word = CASES[case]
    command = [need("curl"), "-sv", "--user", f"tool:{SECRET}", "--mail-from", "news@acme.test"]
    for one in people:
        command += ["--mail-rcpt", one]
    command += ["--upload-file", "-", f"smtp://127.0.0.1:{served.gateway.smtp_port}"]
    exit_code, said = run(command, message(class_, people))
    assert exit_code == (0 if code.startswith("250") else 8), said
    assert code in said
    assert word in said


@pytest.mark.parametrize("case", CASES)
def test_msmtp(served: Served, tmp_path: Path, case: str) -> None:
    class_, people, code, word = CASES[case]
    settings = tmp_path / "msmtprc"
    settings.write_text(
        f"account default\nhost 127.0.0.1\nport {served.gateway.smtp_port}\nauth plain\nuser tool\n"
        f"password {SECRET}\nfrom news@acme.test\ntls off\n"
    )
    settings.chmod(0o600)
    command = [need("msmtp"), "-C", str(settings), "-d", *people]
    exit_code, said = run(command, message(class_, people))
    assert (exit_code == 0) == code.startswith("250"), said
    assert code in said
    assert word in said


@pytest.mark.parametrize("case", CASES)
def test_phpmailer(served: Served, tmp_path: Path, case: str) -> None:
    php = need("php", "php-cli")
    if not PHPMAILER.exists():
        lack("PHPMailer is not installed (Debian: libphp-phpmailer)")
    class_, people, code, word = CASES[case]
    script = tmp_path / "send.php"
    script.write_text(PHP % PHPMAILER)
    command = [php, str(script), str(served.gateway.smtp_port), class_, ",".join(people), SECRET]
    _, said = run(command)
    assert ("\nRESULT sent" if code.startswith("250") else "\nRESULT failed") in said, said
    assert word in said


@pytest.mark.parametrize("case", CASES)
def test_symfony_mailer(served: Served, tmp_path: Path, case: str) -> None:
    php = need("php", "php-cli")
    if not SYMFONY.exists():
        lack("Symfony Mailer is not installed (Debian: php-symfony-mailer)")
    class_, people, code, word = CASES[case]
    script = tmp_path / "send.php"
    script.write_text(SYMFONY_SCRIPT % SYMFONY)
    _, said = run([php, str(script), str(served.gateway.smtp_port), class_, ",".join(people), SECRET])
    assert word in said
    if code.startswith("250"):
        assert "RESULT sent " in said, said
    else:
        assert "RESULT failed Symfony\\Component\\Mailer\\Exception\\" in said, said
        assert "Exception 550 " in said


@pytest.mark.parametrize("case", ["accepted", "held", "refused"])
def test_curl_to_a_hook(served: Served, case: str) -> None:
    class_, people, _, _ = CASES[case]
    url = f"{served.url}/v1/hooks/tool"
    command = [need("curl"), "-s", "-w", "\n%{http_code}", "-H", f"Authorization: Bearer {SECRET}", url]
    for name, value in {
        "email": people[0],
        "from": "news@acme.test",
        "subject": "Your order",
        "text": "Your order 12 left today.",
        "class": class_,
        "purpose": "newsletter",
    }.items():
        command += ["--data-urlencode", f"{name}={value}"]
    _, said = run(command)
    body, _, status = said.rpartition("\n")
    assert status == "200", said
    assert f'"status":"{"rejected" if case == "refused" else case}"' in body
