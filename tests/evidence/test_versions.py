"""Policies of the past are read while the gateway goes on serving."""

import asyncio
import time
from pathlib import Path

from gateway.evidence.versions import keep_policies, policies_of
from gateway.policy.load import load
from tests.line import ROOT, line


async def test_nobody_waits_while_the_policies_of_a_version_are_read(tmp_path: Path) -> None:
    policies = load(ROOT / "policies")
    async with line(tmp_path, policies) as gateway:
        await keep_policies(gateway.store, policies)
        begun = before = time.perf_counter()
        longest = 0.0
        reading = asyncio.create_task(policies_of(gateway.store, policies.version))
        while not reading.done():
            await asyncio.sleep(0.001)
            longest, before = max(longest, time.perf_counter() - before), time.perf_counter()
        assert (await reading) == policies
        assert longest < (time.perf_counter() - begun) / 2
