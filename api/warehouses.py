"""What warehouses and systems report: milestones of goods, late answers to calls."""

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from fastapi import Path, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from api.deps import AnyId, Books, Caller, OurCode, Raw
from api.edge import correlation_id
from api.guard import check_bound
from api.problems import Problem
from api.routing import needs, router
from domain.answer import Done, Refused
from domain.message import Answered, Disposition, Milestone, MilestoneKind, MilestoneLine
from domain.order_in import LineNumber, Quantity

SOURCE = "warehouse/"
"""Of what a warehouse tells, before its code: nobody's message is taken for another kind's."""

routes = router("", "warehouses")

ShortText = Annotated[str, Field(max_length=120)]


class MilestoneLineIn(BaseModel):
    """`quantity` is this message's own, in the line's unit."""

    model_config = ConfigDict(extra="forbid")

    line: LineNumber
    quantity: Quantity
    lots: tuple[ShortText, ...] | None = Field(None, max_length=1000)
    serials: tuple[ShortText, ...] | None = Field(None, max_length=10_000)
    disposition: Disposition | None = None


class MilestoneIn(BaseModel):
    """`final` picks are all that was found: what is short of the release is a short pick. Null is
    as if it were not there.
    """

    model_config = ConfigDict(extra="forbid")

    milestone_id: AnyId
    order_id: AnyId
    fulfilment_id: AnyId | None = None
    kind: MilestoneKind
    document: AnyId | None = None
    occurred_at: AwareDatetime
    shipment_id: AnyId | None = None
    carrier: str | None = Field(None, max_length=80)
    tracking: str | None = Field(None, max_length=120)
    final: bool | None = None
    lines: tuple[MilestoneLineIn, ...] | None = Field(None, max_length=1000)

    @model_validator(mode="after")
    def _goods_have_lines(self) -> Self:
        goods = (
            *(MilestoneKind.PICKED, MilestoneKind.PACKED, MilestoneKind.SHIPPED),
            *(MilestoneKind.RETURN_RECEIVED, MilestoneKind.RETURN_INSPECTED),
        )
        # Nothing found at all is a final pick without lines.
        if self.kind in goods and not self.lines and not self.final:
            raise ValueError("lines needed")
        return self

    def message(self, source: str, id: str | None = None) -> Milestone:
        """What the order hears, told by `source`; under another id than its own if need be."""
        return Milestone(
            id=id or self.milestone_id,
            correlation_id=correlation_id.get(),
            milestone=self.kind,
            source=source,
            lines=tuple(
                MilestoneLine(**line.model_dump(exclude_none=True)) for line in self.lines or ()
            ),
            **self.model_dump(
                exclude={"milestone_id", "order_id", "kind", "lines"}, exclude_none=True
            ),
        )


class Taken(BaseModel):
    """`stored`, or `repeat` when it had come before."""

    id: str
    outcome: Literal["stored", "repeat"]


class AnswerIn(BaseModel):
    """What a system says of a call that it had said it would answer later; `key` is the call's."""

    model_config = ConfigDict(extra="forbid")

    answer_id: AnyId
    key: str = Field(pattern=r"^[^\x00-\x1f\x7f/]+/[^\x00-\x1f\x7f]+$", max_length=400)
    outcome: Literal["done", "refused"]
    reference: str = Field("", max_length=200)
    reason: str = Field("refused", pattern=r"^[A-Za-z0-9._-]{1,64}$")
    detail: str = Field("", max_length=500)
    amounts: dict[LineNumber, Decimal] = Field(default_factory=dict, max_length=1000)


REPEATED: dict[int | str, dict[str, Any]] = {
    200: {"model": Taken, "description": "It had come before."},
    409: {"description": "It came before with another content; kept as a dead letter."},
}


@routes.post(
    "/warehouses/{code}/milestones",
    status_code=202,
    openapi_extra=needs("warehouse:write"),
    responses=REPEATED,
)
async def report_milestone(
    code: Annotated[OurCode, Path()],
    told: MilestoneIn,
    books: Books,
    caller: Caller,
    raw: Raw,
    response: Response,
) -> Taken:
    """Something happened to goods. It moves stock at once; its order hears of it next."""
    check_bound(caller, "warehouse", code)
    stored = await books.inbox.store(
        told.order_id, told.message(code), source=f"{SOURCE}{code}", raw=raw
    )
    return _taken(told.milestone_id, stored.outcome, response)


@routes.post(
    "/systems/{system}/answers",
    status_code=202,
    openapi_extra=needs("systems:write"),
    responses=REPEATED,
)
async def report_answer(
    system: Annotated[OurCode, Path()],
    told: AnswerIn,
    books: Books,
    raw: Raw,
    response: Response,
) -> Taken:
    """The late answer to a call."""
    answer: Done | Refused
    if told.outcome == "done":
        answer = Done(standing={}, ref=told.reference, amounts=told.amounts)
    else:
        answer = Refused(reason=told.reason, detail=told.detail)
    message = Answered(
        id=told.answer_id, correlation_id=correlation_id.get(), key=told.key, answer=answer
    )
    order_id = told.key.partition("/")[0]
    stored = await books.inbox.store(order_id, message, source=f"system/{system}", raw=raw)
    return _taken(told.answer_id, stored.outcome, response)


def _taken(id: str, outcome: str, response: Response) -> Taken:
    if outcome == "conflict":
        raise conflict(id)
    if outcome == "repeat":
        response.status_code = 200
        return Taken(id=id, outcome="repeat")
    return Taken(id=id, outcome="stored")


def conflict(id: str) -> Problem:
    detail = f"{id!r} came before with another content; this one is kept as a dead letter."
    return Problem(409, "conflicting_content", detail)
