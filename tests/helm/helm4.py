"""Render or lint a chart with the Helm 4 library: helm4.py install|upgrade|lint CHART < values.json."""

import json
import sys

import helm_python
from helm_python import Chart

KUBERNETES = "v1.30.0"


def main(what: str, chart: str) -> int:
    """Print the manifests or the findings; 1 and the reason where the engine refuses."""
    values = json.load(sys.stdin)
    try:
        if what == "lint":
            report = helm_python.lint(chart, values, strict=True, kube_version=KUBERNETES)
            sys.stdout.write(json.dumps(report))
            return 1 if any(message["severity"] > 1 for message in report["messages"]) else 0
        loaded = Chart.load(chart)
        loaded.validate_schema(values)
        manifests = loaded.render(
            values,
            name="release",
            namespace="mail",
            is_install=what == "install",
            is_upgrade=what == "upgrade",
        )
    except helm_python.HelmError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(
        "\n".join(f"---\n{text}" for path, text in manifests.items() if not path.endswith("NOTES.txt"))
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
