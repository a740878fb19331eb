"""The image's recipe: clean for hadolint, no root and no builders in the result, asking for its health."""

import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.flow.harness import Gateway, Sink
from tests.tools import find, lack

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "Dockerfile"
SHIPPED = ROOT / "policies"


def stages() -> list[list[str]]:
    """The instructions of each stage, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    starts = [number for number, line in enumerate(lines) if line.startswith("FROM ")]
    return [lines[start:end] for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)]


def test_hadolint_finds_nothing() -> None:
    program = ROOT / ".venv" / "bin" / "hadolint"
    path = str(program) if program.exists() else find("hadolint")
    if path is None:
        lack("hadolint is not installed (requirements/dev.txt)")
    done = subprocess.run([path, str(DOCKERFILE)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_installed_is_locked_by_hash() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    for command in re.findall(r"pip (?:--python \S+ )?(install|wheel)([^&]*)", text.replace("\\\n", " ")):
        words = shlex.split(command[1])
        assert "--require-hashes" in words or "--no-index" in words or words[-1] == ".", command


def test_builders_stay_behind() -> None:
    final = stages()[-1]
    installed = " ".join(line for line in final if line.startswith("RUN"))
    assert not re.search(r"\b(gcc|make|python3-venv|python3-pip|pip|curl|wget|git)\b", installed)
    copied = [line for line in final if line.startswith("COPY --from=build")]
    assert copied == ["COPY --from=build /opt/galateo /opt/galateo"]


def test_it_does_not_run_as_root() -> None:
    users = [line for line in stages()[-1] if line.startswith("USER ")]
    assert users == ["USER 10001:10001"]


def test_what_is_copied_reaches_the_builder() -> None:
    let_in = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    for stage in stages():
        for line in stage:
            if line.startswith("COPY ") and "--from" not in line:
                for source in line.split()[1:-1]:
                    assert source in let_in, source
                    assert (ROOT / source).exists(), source


def test_the_package_in_the_image_has_its_policies(tmp_path: Path) -> None:
    """The chart takes the lexicons from there. Built of what the first stage copies, as it builds it."""
    sources = [
        line.split()[1:-1] for line in stages()[0] if line.startswith("COPY ") and "requirements" not in line
    ]
    for source in {one for line in sources for one in line}:
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, tmp_path / source, symlinks=True)
        else:
            shutil.copy(ROOT / source, tmp_path)
    wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*wheel, "--wheel-dir", str(tmp_path / "own"), "."], check=True, cwd=tmp_path, timeout=100)
    [made] = (tmp_path / "own").glob("*.whl")
    names = set(zipfile.ZipFile(made).namelist())
    shipped = [f"gateway/shipped/{path.relative_to(SHIPPED)}" for path in SHIPPED.rglob("*.yaml")]
    assert len(shipped) > 30
    assert names.issuperset(shipped)


def test_the_health_check_is_a_command_that_there_is() -> None:
    [check] = [line for line in stages()[-1] if line.startswith("HEALTHCHECK")]
    assert check.endswith('CMD ["galateo", "health"]')


@pytest.mark.slow
def test_health_says_whether_the_gateway_can_work(tmp_path: Path) -> None:
    with Sink() as sink, Gateway(tmp_path, relay=sink.url) as gateway:
        gateway.settings["OPS_LISTEN"] = f"127.0.0.1:{gateway.ops_port}"
        ready = gateway.command("health")
        assert '"ready"' in ready.stdout
        assert gateway.command("health", "--alive").returncode == 0
        gateway.stop()
        gone = gateway.command("health", check=False)
        assert gone.returncode == 1
        assert "galateo:" in gone.stderr
        assert "Traceback" not in gone.stderr


def test_health_without_anyone_to_ask(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, relay="smtp://127.0.0.1:1", settings={"OPS_LISTEN": "off"})
    done = gateway.command("health", check=False)
    assert done.returncode == 1
    assert "OPS_LISTEN" in done.stderr
