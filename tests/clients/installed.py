"""Clients of other vendors, installed once into a cache under the system's folder for temporary files."""

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.tools import lack, need

CACHE = Path(tempfile.gettempdir()) / f"galateo-test-clients-{os.getuid()}"
PATIENCE = 300  # seconds; less than two minutes together on an unhurried machine

NPM = (
    "@sendgrid/mail@8.1.6",
    "nodemailer@10.6.0",
    "mailgun.js@14.0.1",
    "form-data@4.0.6",
    "postmark@5.1.0",
    "unipile-node-sdk@1.9.3",
    "@sendgrid/eventwebhook@8.0.0",
    "handlebars@4.7.10",
    "node-red@4.1.15",
    "node-red-node-email@5.2.5",
)
PYPI = (
    "sendgrid==6.12.5",
    "django==5.2.19",
    "django-anymail==15.2",
    "requests",
    "postmarker==1.0",
    "django-newsletter==1.2.1",
    "sorl-thumbnail",
    "setuptools<81",
    "mailman==3.3.10",
    "svix==2.9.1",
    "boto3==1.44.5",
    "hubspot-api-client==12.0.0",
)
ALONE = ("sns-message-validator==0.0.1",)
"""What asks for older versions of what the others bring, and works with the newer ones."""


def node_folder() -> Path:
    """The folder whose node_modules hold NPM; without Node, or where they cannot be had, the test is
    skipped by name."""
    npm = need("npm", "npm")
    need("node", "nodejs")
    folder = _folder("node", NPM)
    with _ready(folder) as fresh:
        if fresh:
            (folder / "package.json").write_text('{"private": true}')
            _run([npm, "install", "--silent", "--no-audit", "--no-fund", *NPM], folder)
    return folder


def python() -> Path:
    """A Python of its own that has PYPI."""
    folder = _folder("python", (*PYPI, *ALONE, sys.version))
    program = folder / "bin" / "python"
    with _ready(folder) as fresh:
        if fresh:
            _run([sys.executable, "-m", "venv", str(folder)], CACHE)
            _run([str(program), "-m", "pip", "install", "--quiet", *PYPI], CACHE)
            _run([str(program), "-m", "pip", "install", "--quiet", "--no-deps", *ALONE], CACHE)
    return program


def _folder(kind: str, packages: tuple[str, ...]) -> Path:
    mark = hashlib.sha256("\n".join(packages).encode()).hexdigest()[:16]
    return CACHE / f"{kind}-{mark}"


@contextmanager
def _ready(folder: Path) -> Iterator[bool]:
    """Whether the folder is still to be filled; other workers wait meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / ".complete"
        fresh = not done.exists()
        yield fresh
        if fresh:
            done.touch()


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        lack(f"{Path(command[0]).name} did not install the clients in {PATIENCE} s")
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        lack(f"{Path(command[0]).name} cannot install the clients: {said[-1][:200] if said else ''}")


if __name__ == "__main__":
    # Before the tests begin, beside whatever else is being prepared.
    with ThreadPoolExecutor() as pool:
        for folder in (pool.submit(node_folder), pool.submit(python)):
            folder.result()
