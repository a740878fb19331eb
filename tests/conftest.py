"""What every test relies on: no settings from the machine, and every warning an error."""

import os

import pytest
from hypothesis import HealthCheck, settings

# Deadlines measure the machine, which others share; examples are enough of a limit.
settings.register_profile("galateo", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", parent=settings.get_profile("galateo"), max_examples=2000)
# Continuous integration repeats what it did before; whoever looks for new examples runs `thorough`.
settings.register_profile("repeatable", parent=settings.get_profile("galateo"), derandomize=True)
PROFILE = "repeatable" if os.environ.get("CI") == "true" else "galateo"
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", PROFILE))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have a gateway of their own set up: leave it out of them."""
    for name in [name for name in os.environ if name.startswith("GALATEO_")]:
        if name != "GALATEO_REQUIRE_TOOLS":
            monkeypatch.delenv(name)
