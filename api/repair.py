"""What operators ask of an order that is stuck: try again now, look again where goods come from."""

from pydantic import Field

from api.orders import OrderId
from api.routing import needs, router
from api.sending import DONE, Asked, Command, Sending
from domain.message import ReplanAsked, RetryAsked

REPAIR = needs("repair:write")

routes = router("", "commands")


class Retry(Asked):
    """One effect, as `waiting_for` names it, or all that wait to be tried again."""

    effect: str = Field("", max_length=200)


class Replan(Asked):
    """All that is not released yet."""


@routes.post("/orders/{order_id}/retry", status_code=202, openapi_extra=REPAIR, responses=DONE)
async def retry(order_id: OrderId, sender: Sending, asked: Retry | None = None) -> Command:
    """Do now what waits to be tried again."""
    await sender.find(order_id)
    effect = asked.effect if asked else ""
    return await sender.send(order_id, RetryAsked(effect=effect, **sender.signed(order_id)))


@routes.post("/orders/{order_id}/replan", status_code=202, openapi_extra=REPAIR, responses=DONE)
async def replan(order_id: OrderId, sender: Sending, asked: Replan | None = None) -> Command:
    """Look again at where everything that is not released yet shall come from."""
    await sender.find(order_id)
    return await sender.send(order_id, ReplanAsked(**sender.signed(order_id)))
