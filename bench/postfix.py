"""Postfix as a relay with its own configuration, queue and port, beside whatever the machine has."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

SERVICES = """\
127.0.0.1:{port} inet n - n - {processes} smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""
PROCESSES = 150


def start(folder: Path, port: int, next_port: int, *, in_flow_delay: str) -> int:
    """Start it in `folder`, listening on `port`; returns the process id of its master."""
    for name in ("etc", "queue", "data", "log"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)
    shutil.chown(folder / "data", "postfix", "postfix")
    settings = "".join(
        f"{key} = {value}\n" for key, value in _settings(folder, next_port, in_flow_delay).items()
    )
    (folder / "etc" / "main.cf").write_text(settings)
    (folder / "etc" / "master.cf").write_text(SERVICES.format(port=port, processes=PROCESSES))
    with (folder / "start.log").open("wb") as log:
        subprocess.run(
            ["postfix", "-c", str(folder / "etc"), "start"],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    return int((folder / "queue" / "pid" / "master.pid").read_text())


def stop(master: int, timeout: float = 15.0) -> None:
    """End the master, which ends the rest."""
    os.kill(master, signal.SIGTERM)
    deadline = time.monotonic() + timeout
    while Path(f"/proc/{master}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def _settings(folder: Path, next_port: int, in_flow_delay: str) -> dict[str, str]:
    return {
        "compatibility_level": "3.6",
        "queue_directory": str(folder / "queue"),
        "data_directory": str(folder / "data"),
        "maillog_file_prefixes": str(folder),
        "maillog_file": str(folder / "log" / "maillog"),
        "myhostname": "relay.example",
        "mydestination": "",
        "mynetworks": "127.0.0.0/8",
        "inet_interfaces": "127.0.0.1",
        "inet_protocols": "ipv4",
        "alias_maps": "",
        "alias_database": "",
        "local_recipient_maps": "",
        "relayhost": f"[127.0.0.1]:{next_port}",
        "smtp_dns_support_level": "disabled",
        "smtpd_peername_lookup": "no",
        "smtpd_relay_restrictions": "permit_mynetworks, reject",
        "smtpd_recipient_restrictions": "permit_mynetworks, reject",
        "smtp_tls_security_level": "none",
        "smtpd_tls_security_level": "none",
        "default_process_limit": str(PROCESSES),
        "default_destination_concurrency_limit": "50",
        "initial_destination_concurrency": "20",
        "smtp_destination_concurrency_limit": "50",
        "smtp_connection_cache_on_demand": "yes",
        "smtpd_client_connection_count_limit": "0",
        "smtpd_forbid_unauth_pipelining": "no",
        "in_flow_delay": in_flow_delay,
    }
