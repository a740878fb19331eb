"""The shipped policies, loaded once."""

import pytest

from gateway.policy.load import load
from gateway.policy.policies import PolicySet

from .world import SHIPPED


@pytest.fixture(scope="session")
def shipped() -> PolicySet:
    return load(SHIPPED)
