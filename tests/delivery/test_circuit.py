from gateway.delivery.circuit import AUTH_WAIT, LONGEST_WAIT, STRIKES, Circuit, State
from gateway.store.attempt import Kind


def test_it_opens_after_so_many_failures_in_a_row_and_not_before() -> None:
    circuit = Circuit()
    for _ in range(STRIKES - 1):
        assert not circuit.strike(0, 0.5, Kind.TIMEOUT)
    circuit.succeed()
    for _ in range(STRIKES - 1):
        assert not circuit.strike(0, 0.5, Kind.TIMEOUT)
    assert circuit.strike(0, 0.5, Kind.TIMEOUT)
    assert circuit.state is State.OPEN
    assert circuit.reason is Kind.TIMEOUT


def test_it_waits_longer_each_time_up_to_a_limit_and_starts_afresh_after_a_success() -> None:
    circuit, now, waits = Circuit(), 0.0, []
    assert circuit.trip(now, 0.5, Kind.NETWORK)
    for _ in range(7):
        waits.append(circuit.until - now)
        assert not circuit.try_again(circuit.until - 0.1)
        now = circuit.until
        assert circuit.try_again(now)
        assert circuit.state is State.TRYING
        assert not circuit.trip(now, 0.5, Kind.NETWORK)
    assert waits == [1, 2, 4, 8, LONGEST_WAIT, LONGEST_WAIT, LONGEST_WAIT]
    assert circuit.since == 0.0
    assert circuit.succeed()
    assert not circuit.succeed()
    circuit.trip(now, 0.5, Kind.NETWORK)
    assert circuit.until - now == 1


def test_one_failure_while_trying_opens_it_again() -> None:
    circuit = Circuit()
    circuit.trip(0, 0.5, Kind.NETWORK)
    circuit.try_again(10)
    assert not circuit.strike(10, 0.5, Kind.TIMEOUT)
    assert circuit.state is State.OPEN


def test_a_wrong_password_is_not_repeated_in_haste() -> None:
    circuit = Circuit()
    circuit.trip(0, 0.5, Kind.AUTH)
    assert circuit.until == AUTH_WAIT
