"""A recipient that cannot be looked up is put off, and counted as every other outcome is."""

import pytest

from gateway.access import Source
from gateway.intake.at_rcpt import Refusals
from gateway.message.envelope import Recipient
from gateway.store.protocol import Unavailable
from tests.line import KEYS
from tests.store.conftest import Stores

ANNA = Recipient(channel="email", address="anna@example.org", key="anna@example.org")


async def test_it_counts_as_deferred(postgres: Stores) -> None:
    line = await postgres.line()
    await line.store.close()
    answer = Refusals(line.store, KEYS, line.metrics).refuse(Source(name="crm", controller="default"), ANNA)
    assert answer is not None
    assert not isinstance(answer, str)
    with pytest.raises(Unavailable):
        await answer
    assert (
        'galateo_messages_total{channel="email",class="unknown",outcome="deferred",source="crm"} 1.0'
        in line.metrics.render()[0].decode()
    )
