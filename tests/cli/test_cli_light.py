"""Commands that read a few rows import nothing that only serves: they answer the sooner."""

import subprocess
import sys

from gateway.cli import COMMANDS

SERVES = {"gateway.app.serving", "gateway.console", "gateway.public", "gateway.ingress.smtp"}
HEAVY = {"serve", "demo", "subject"}


def test_light_commands_import_no_listener() -> None:
    modules = [module for name, (module, _) in COMMANDS.items() if name not in HEAVY]
    code = f"import {', '.join(modules)}, sys; print(*({SERVES!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
