import pytest

from gateway.delivery.route import Routes, route
from gateway.delivery.transaction import Refusal
from tests.delivery.outbox import Item, entry

ROUTES = Routes(
    formats={"smtp": "mime", "spare": "mime", "hook": "json"},
    email="smtp",
    other="hook",
    by_source={"crm": "spare"},
    by_controller={"beta": "hook"},
)


@pytest.mark.parametrize(
    ("item", "relay"),
    [
        (entry(), "smtp"),
        (entry(channel="linkedin", format="json"), "hook"),
        (entry(source="crm"), "spare"),
        (entry(source="crm", controller="beta"), "spare"),
        (entry(controller="beta", format="json"), "hook"),
        (entry(source="crm", relay="smtp"), "smtp"),
    ],
)
def test_the_nearest_choice_wins(item: Item, relay: str) -> None:
    assert route(item, ROUTES) == relay


@pytest.mark.parametrize(
    ("item", "routes", "text"),
    [
        (entry(), Routes(formats={}), "no relay is set up for channel email: set RELAY"),
        (entry(relay="x"), ROUTES, "there is no relay named x"),
        (
            entry(source="shop", relay="upstream-shop"),
            ROUTES,
            "its provider was to send it, and no `upstream` is set for the source shop",
        ),
        (entry(format="json"), ROUTES, "relay smtp takes mime messages, this one is json"),
        (entry(channel="sms"), ROUTES, "relay hook takes json messages, this one is mime"),
    ],
)
def test_where_there_is_none_the_reason_is_clear(item: Item, routes: Routes, text: str) -> None:
    found = route(item, routes)
    assert isinstance(found, Refusal)
    assert found.text == text
