"""The import layers and the purity of the pure packages, as pyproject.toml states them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINT = Path(sys.executable).with_name("lint-imports")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LINT, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


def test_layers_and_purity_hold() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


def test_an_import_upward_or_of_the_clock_is_found(tmp_path: Path) -> None:
    for file in (ROOT / "gateway").rglob("*.py"):
        copy = tmp_path / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    (tmp_path / "gateway/message/clock.py").write_text("import time\nimport gateway.policy\n")
    result = lint(tmp_path)
    assert result.returncode == 1
    assert "gateway.message is not allowed to import gateway.policy" in result.stdout
    assert "gateway.message is not allowed to import time" in result.stdout
