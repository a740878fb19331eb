"""How long the index remembers to whom phrases went."""

from gateway.store.sameness import SamenessIndex

DAY = 86400.0
SAID = [7, 8]


def told(index: SamenessIndex, controller: str = "acme") -> tuple[int, ...]:
    return index.counts(controller, SAID, 99)[0]


def test_what_nobody_met_within_the_window_is_forgotten_within_two() -> None:
    index = SamenessIndex()
    for reader in range(3):
        index.add("acme", SAID, reader, 0.0, DAY)
    index.add("acme", [1], 1, 0.9 * DAY, DAY)
    assert told(index) == (3, 3)
    index.add("acme", [2], 1, 1.5 * DAY, DAY)
    assert told(index) == (3, 3)
    index.add("acme", [3], 1, 2.6 * DAY, DAY)
    assert told(index) == (0, 0)


def test_what_is_met_again_stays() -> None:
    index = SamenessIndex()
    for n in range(10):
        index.add("acme", SAID, n, n * 0.8 * DAY, DAY)
    assert told(index) == (10, 10)


def test_without_a_window_only_room_forgets() -> None:
    index = SamenessIndex(generation=10)
    index.add("acme", SAID, 1, 0.0)
    index.add("acme", [1], 1, 1000 * DAY)
    assert told(index) == (1, 1)
    for n in range(2):
        index.add("acme", list(range(100 * (n + 1), 100 * (n + 1) + 20)), 1, 1000 * DAY)
    assert told(index) == (0, 0)
    assert told(index, "another") == (0, 0)
