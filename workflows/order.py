"""An order, from capture to close. It can be entered with an order in any state."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError

from activities.books import BookActivities
from activities.erp import ErpActivities
from activities.fulfilment import FulfilmentActivities
from activities.money import MoneyActivities
from activities.record import RecordActivities
from activities.requests import RequestActivities
from domain.answer import Answer
from domain.deadlines import deadlines
from domain.documents import Instruction
from domain.effect import Action, EffectState, Step
from domain.errors import Inherited, Replaced, caused_by
from domain.hearing import hear, refuse
from domain.looking import look_up
from domain.message import Message
from domain.order import RULES, Entry, Misunderstood, Order, Recorded
from domain.paperwork import document
from domain.plan import Target, plan, targets, unmet
from domain.request import Asked
from domain.settling import intend, settle
from domain.status import order_status
from domain.story import Found, details, found_by
from workflows.attributes import changes
from workflows.calls import Call
from workflows.options import RECORD, our_database, outside_system

Activity = Callable[[Any, Any], Awaitable[Answer]]

ACTIVITIES: dict[Step, Activity] = {
    Step.CAPTURE: BookActivities.capture_order,
    Step.ESTIMATE: MoneyActivities.estimate_tax,
    Step.CREDIT: BookActivities.take_credit,
    Step.STOCK: BookActivities.reserve_stock,
    Step.AUTHORISE: MoneyActivities.authorise_payment,
    Step.ERP: ErpActivities.post_sales_order,
    Step.RELEASE: FulfilmentActivities.release_goods,
    Step.BOOK: FulfilmentActivities.book_transport,
    Step.CONFIRM: ErpActivities.confirm_shipment,
    Step.TAX: MoneyActivities.commit_tax,
    Step.INVOICE: ErpActivities.post_invoice,
    Step.COLLECT: MoneyActivities.capture_payment,
    Step.RETURN_TAX: MoneyActivities.commit_tax,
    Step.CREDIT_NOTE: ErpActivities.post_credit_note,
    Step.REFUND: MoneyActivities.refund_payment,
}
"""Which activity makes each step's claim stand."""


@workflow.defn
class OrderWorkflow:
    @workflow.init
    def __init__(self, order: Order) -> None:
        self.rules = rules_of_this_run()
        self.enter(order)
        self.messages: list[Message] = []
        self.asked: list[Asked] = []
        self.calls: dict[str, Call] = {}
        self.recorded = ""
        self.unrecorded: list[Message] = []
        self.found = Found()
        self.moved = False
        self.looked_up = workflow.now()

    @workflow.run
    async def run(self, order: Order) -> str:
        with suppress(Replaced):  # then another run has the order, and this one is over
            await self.capture()
            await self.take_credit()
            await self.allocate()
            await self.post_to_erp()
            await self.release()
            await self.ship()
            await self.invoice()
            await self.close()
        return order_status(self.order)

    async def capture(self) -> None:
        await self.reach(Step.CAPTURE, until=lambda: bool(self.order.lines))

    async def take_credit(self) -> None:
        await self.reach(Step.AUTHORISE)

    async def allocate(self) -> None:
        await self.reach(Step.STOCK)

    async def post_to_erp(self) -> None:
        await self.reach(Step.ERP)

    async def release(self) -> None:
        await self.reach(Step.RELEASE)

    async def ship(self) -> None:
        """What has been shipped is invoiced while the rest is waited for."""
        await self.reach(Step.REFUND, until=lambda: self.order.all_shipped)

    async def invoice(self) -> None:
        await self.reach(Step.REFUND)

    async def close(self) -> None:
        """Until nobody has anything to add. There is no await after that last look."""
        while not self.order.closed or self.messages or self.asked:
            await self.reach(Step.REFUND, until=self.nothing_is_left)
            self.order.close(workflow.now())
            await self.record()

    @workflow.signal
    def deliver(self, messages: list[Message]) -> None:
        self.messages += messages

    @workflow.signal
    def ask(self, request: Any) -> None:
        """A command from Temporal's own pages, such as `{"kind": "retry", "by": "sam"}`."""
        asked = Asked(order_id=self.order.id, id=f"asked-{workflow.uuid4()}", body=request)
        self.asked.append(asked)

    # Below: how any stage gets where it wants, whatever happens meanwhile.

    def enter(self, order: Order) -> None:
        """Go on from this state, whoever left it, by the rules of this run."""
        self.order, self.based_on = order, order.revision
        self.order.rules = self.rules
        self.order.resume()

    async def reach(self, upto: Step, until: Callable[[], bool] = lambda: True) -> None:
        """Carry out the plan until it is met as far as `upto`; at once when there is nothing to do.

        What can be done beyond `upto` is done meanwhile: no warehouse waits for another one.
        """
        while True:
            await self.keep_requests()
            self.take_in()
            wanted = targets(self.order)
            self.interrupt_overtaken(wanted)
            if until() and not self.calls and not unmet(self.order, upto, wanted):
                return
            if self.renewal_is_due():
                if await self.record() and not (self.messages or self.asked):
                    workflow.continue_as_new(self.order)
                continue
            actions = [] if self.too_long() else self.actions(wanted)
            for action in actions:
                intend(self.order, action, workflow.now())
            if not await self.record():
                continue
            for action in actions:
                self.calls[action.effect] = self.call(action)
            await self.wait()

    async def keep_requests(self) -> None:
        """Stored first, like everything that comes in: then it comes back as a message."""
        while self.asked:
            asked = self.asked.pop(0)
            keep = RequestActivities.keep_request
            options = our_database(self.order.patience)
            await workflow.execute_activity_method(keep, asked, **options)

    def take_in(self) -> None:
        """What was answered and what came in since the last look."""
        now = self.looked_up = workflow.now()
        landed = {name: call for name, call in self.calls.items() if call.handle.done()}
        for name, call in landed.items():
            settle(self.order, name, call.answer(), now)
            del self.calls[name]
        messages, self.messages = self.messages, []
        heard = [message for message in messages if self.hear(message, now)]
        self.unrecorded += heard
        if any(message.n > self.order.heard for message in messages):
            # It lacks what another run heard, as on a server brought back from a backup: the next
            # record will tell.
            self.recorded = ""
        look_up(self.order, now)
        if heard or landed:
            self.moved = True
            self.order.changed_at = now

    def hear(self, message: Message, now: datetime) -> bool:
        """A message that cannot be taken in is put aside whole; it stops nobody but itself."""
        before = self.order.model_dump_json()  # several times cheaper than a deep copy
        try:
            return hear(self.order, message, now)
        except Misunderstood as why:
            self.order = Order.model_validate_json(before)
            refuse(self.order, message, str(why))
        except Exception as bug:  # noqa: BLE001 - whatever it is: kept as a dead letter, and the order goes on
            workflow.logger.exception("message %s of order %s", message.n, self.order.id)
            self.order = Order.model_validate_json(before)
            refuse(self.order, message, f"{type(bug).__name__}: {bug}")
        return True

    def interrupt_overtaken(self, wanted: Mapping[str, Target]) -> None:
        """A call for what is not wanted any more is given up; how it ended is asked for later."""
        renewing = self.too_long()
        for name, call in self.calls.items():
            # Or for what has been answered otherwise, or is to be tried anew.
            over = self.order.effects[name].state is not EffectState.SENT
            unwanted = call.action.goal != wanted[name].goal
            overtaken = (over or unwanted) and not call.action.step.ours
            if (renewing or overtaken) and not call.interrupted:
                call.interrupted = True
                call.handle.cancel()

    def actions(self, wanted: Mapping[str, Target]) -> list[Action]:
        possible = plan(self.order, wanted=wanted)
        return [action for action in possible if action.effect not in self.calls]

    def call(self, action: Action) -> Call:
        patience = self.order.patience
        options = our_database(patience) if action.step.ours else outside_system(patience)
        verb = "settle" if action.ask else "do" if action.goal else "undo"
        options["summary"] = f"{verb} {action.key}"
        if action.system:
            options["task_queue"] = f"{workflow.info().task_queue}-{action.system}"
        told: Instruction[Any] = Instruction(
            key=action.key,
            effect=action.effect,
            system=action.system,
            ask=action.ask,
            run=workflow.info().run_id,
            document=document(self.order, action, workflow.now()),
        )
        return Call(
            action, workflow.start_activity_method(ACTIVITIES[action.step], told, **options)
        )

    async def record(self) -> bool:
        """Comes before every action, so that a run which lost the order cannot act any more.

        False when this run starts from an older state than is known, as after a reset: what was
        done is not undone by forgetting it, so the order goes on from the newer state.
        """
        if self.order.model_dump_json() == self.recorded:
            return True
        self.order.revision += 1
        info = workflow.info()
        entry = Entry(
            order=self.order,
            run=info.run_id,
            based_on=self.based_on,
            history_length=info.get_current_history_length(),
        )
        made = await self.make_record(entry)
        if made.ahead:
            self.messages = self.unrecorded + self.messages
            self.enter(made.ahead)
        else:
            self.order.news.clear()
            self.order.outcomes.clear()
            self.recorded = self.order.model_dump_json()
            self.show()
        self.unrecorded = []
        return made.ahead is None

    async def make_record(self, entry: Entry) -> Recorded:
        """Quickly if that is possible, else patiently. Raises `Replaced`."""
        record = RecordActivities.record_order
        try:
            try:
                return await workflow.execute_local_activity_method(record, entry, **RECORD)
            except FailureError as failure:
                # One that ran out of time is an ActivityError at first, a TimeoutError in replays.
                if caused_by(failure, Replaced):
                    raise
                options = our_database(self.order.patience)
                return await workflow.execute_activity_method(record, entry, **options)
        except FailureError as failure:
            if caused_by(failure, Inherited):
                return await self.make_record(entry)
            if caused_by(failure, Replaced):
                raise Replaced(f"another run has order {entry.order.id}") from failure
            raise

    def show(self) -> None:
        """What operators see of it: details on its page, attributes they find it by."""
        workflow.set_current_details(details(self.order))
        found = found_by(self.order)
        if updates := changes(self.found, found):
            workflow.upsert_search_attributes(updates)
        self.found = found

    def renewal_is_due(self) -> bool:
        """Any wait will do to continue as new, if no call is in flight."""
        always = self.order.patience.renew_always and self.moved
        return (always or self.too_long()) and not self.calls

    def too_long(self) -> bool:
        """Then no call is begun any more, and those under way are given up."""
        return workflow.info().is_continue_as_new_suggested()

    async def wait(self) -> None:
        deadline = self.deadline()
        if deadline and deadline <= workflow.now():
            return
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: (
                    bool(self.messages or self.asked)
                    or any(call.handle.done() for call in self.calls.values())
                ),
                timeout=deadline - workflow.now() if deadline else None,
            )

    def deadline(self) -> datetime | None:
        """The earliest moment at which the order must look up by itself; it may have come while
        the last look was recorded.
        """
        due = list(deadlines(self.order).values())
        if self.order.patience.close and self.order.changed_at:
            due.append(self.order.changed_at + self.order.patience.close)
        ahead = [each for each in due if each > self.looked_up]
        return min(ahead, default=None)

    def nothing_is_left(self) -> bool:
        """Nothing is to come, and nobody has said anything for a while."""
        quiet = self.order.changed_at is None or (
            workflow.now() >= self.order.changed_at + self.order.patience.close
        )
        return quiet and self.order.nothing_to_come


def rules_of_this_run() -> int:
    """Today's for a run that begins now; else those its history has a patch for."""
    newer = (number for number in range(RULES, 1, -1) if workflow.patched(f"rules-{number}"))
    return next(newer, 1)
