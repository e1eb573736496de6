"""An address that a system refused, and another one."""

from domain.answer import Refused
from domain.message import Amended
from tests.domain.build import ask, captured, going_on, placed, reasons, tell
from tests.domain.world import ADDRESS


def test_what_was_refused_is_tried_again_with_another_address() -> None:
    order = captured(placed(), estimated=False)
    ask(order, "estimate/", Refused(reason="invalid_address"))
    assert reasons(order) == ["invalid_address"]

    elsewhere = ADDRESS.model_copy(update={"line1": "2 Side St"})
    assert tell(order, Amended(id="a", ship_to=elsewhere)) == "done"
    going_on(order)
    assert reasons(order) == []
    assert order.standing(order.effects["estimate/"].step)
