"""Programs and data that some tests use and a machine may not have.

A test that lacks one is skipped by its name, so that the summary says what was not tried. With
GALATEO_REQUIRE_TOOLS=1, as in continuous integration, a missing program is a failure instead.
"""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

# Where Debian puts what is not on everyone's PATH.
_PLACES = ("/usr/sbin", "/usr/local/sbin", "/sbin", *map(str, Path("/usr/lib/postgresql").glob("*/bin")))
SHARED = Path(__file__).resolve().parents[2] / "shared"


def find(program: str) -> str | None:
    """Return the program's path, None where the machine does not have it."""
    return shutil.which(program, path=os.pathsep.join((os.environ.get("PATH", ""), *_PLACES)))


def need(program: str, package: str = "") -> str:
    """Return the program's path; without it, skip the test, or fail where tools are required."""
    path = find(program)
    if path is None:
        lack(f"{program} is not installed" + (f" (Debian: {package})" if package else ""))
    return path


def lack(what: str) -> NoReturn:
    """Skip the test for want of `what`, or fail where tools are required."""
    if os.environ.get("GALATEO_REQUIRE_TOOLS") == "1":
        pytest.fail(f"{what}, and GALATEO_REQUIRE_TOOLS=1 asks for every tool", pytrace=False)
    pytest.skip(what)


def shared(name: str) -> Path:
    """Return a file or folder of test data kept beside the checkout, or skip the test: it is not for all."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"no ../shared/{name} beside the checkout")
    return path
