"""Everything around one order, in memory: partners, warehouses, the ledger, the way in.

It answers like the real ones: what is ours stands by the effect's name, what is a partner's under
its key. What it finds wrong with a call (a second standing, a repetition) it keeps in `wrong`.
"""

from collections import deque
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from domain.answer import Answer, Captured, Done, Pending, Refused, Unclear
from domain.base import ZERO, Goal, tidy
from domain.catalog import LocationKind
from domain.effect import Action, Step
from domain.hold import Problem
from domain.message import Answered, Message
from domain.order_in import OrderIn
from domain.party import Address
from domain.terms import LineTerms, SourceTerms, Terms
from tests.domain.ledger import ITEMS, LINE_TERMS, PARTS, Ledger

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ADDRESS = Address(
    line1="1 Mill Road", city="Dayton", region="OH", postal_code="45402", country="US"
)
LOCATIONS = ("EAST", "WEST", "SOUTH")
TAX_RATE = Decimal("0.0725")


def order_in(
    quantities: dict[str, int], *, method: str = "account", fulfilment: str = "partial"
) -> OrderIn:
    """What a channel sends: so much of each line."""
    payment = {"method": method, "token": "tok_1"} if method == "card" else {"method": method}
    return OrderIn.model_validate(
        {
            "channel": "web",
            "reference": "PO-1",
            "customer": "acme",
            "currency": "USD",
            "ship_to": ADDRESS,
            "payment": payment,
            "freight": "9.50",
            "fulfilment": fulfilment,
            "lines": [
                {"line": line, "item": ITEMS[line], "quantity": quantity}
                for line, quantity in quantities.items()
            ],
        }
    )


def terms_of(lines: dict[str, LineTerms], account: str = "acme") -> Terms:
    """What master data knows of these lines."""
    return Terms(
        company="main",
        account=account,
        payment_terms="NET30",
        lines=lines,
        sources={
            location: SourceTerms(
                kind=LocationKind.WAREHOUSE,
                wms=f"wms-{location.lower()}",
                tms="tms-1",
                other_tms=("tms-2",),
                address=ADDRESS,
            )
            for location in LOCATIONS
        },
        systems={"erp": "erp", "tax": "tax", "payment": "payment"},
    )


class Outside:
    """Every system at once: what stands under which key, and what was done wrong."""

    def __init__(self, order_id: str, lines: list[str], stock: dict[tuple[str, str], Decimal]):
        self.order_id = order_id
        self.lines = lines
        self.ledger = Ledger(stock)
        self.stands: dict[str, Goal] = {}
        self.waiting: dict[str, Goal] = {}
        self.gone: dict[str, Goal] = {}
        self.picked: dict[str, Goal] = {}
        self.price = Decimal(0)
        self.account = "acme"
        self.estimates = False
        self.no_carrier = False
        self.asked_for: dict[str, Address | None] = {}
        self.address: dict[str, Address | None] = {}
        self.ended: set[str] = set()
        self.dead: set[str] = set()
        self.picked_out: dict[str, str] = {}
        self.wrong: list[str] = []

    # calls

    def do(self, action: Action, how: str, ship_to: Address | None = None) -> Answer | None:
        """Carry out a call, well or badly; `None` when its caller hears nothing. `ship_to` is what
        its document says.
        """
        if how == "lost":
            return None
        self.asked_for[action.key] = ship_to
        answer = self._ours(action, how) if action.step.ours else self._theirs(action, how)
        return None if how == "unheard" else answer

    def _ours(self, action: Action, how: str) -> Answer:
        match action.step:
            case Step.CAPTURE:
                return self._capture(action, how)
            case Step.STOCK:
                before = self.ledger.reserved
                grows = any(q > before.get(name, ZERO) for name, q in action.goal.items())
                if how == "refused" and grows:
                    return Refused(reason="busy", standing=before)
                self._check_kept(action.goal)
                return self.ledger.reserve(action.goal)
            case _:
                stands = self.stands.get(action.effect, {})
                more = action.goal.get("open", ZERO) > stands.get("open", ZERO)
                if how == "refused" and more:
                    return Refused(reason="credit_limit", standing=stands)
                self.stands[action.effect] = action.goal
                return Done(standing=action.goal)

    def _check_kept(self, goal: Goal) -> None:
        """What a warehouse may still ship is not given back."""
        for name, quantity in self.ledger.reserved.items():
            line, _, location = name.partition("/")
            may_ship = self.released(location)[1].get(line, ZERO)
            kept = max(goal.get(name, ZERO) - self.ledger.shipped.get(name, ZERO), ZERO)
            if goal.get(name, ZERO) < quantity and kept < may_ship:
                self.wrong.append(f"{name} given back, and {location} may ship {may_ship}")

    def _capture(self, action: Action, how: str) -> Answer:
        asked = dict.fromkeys([*self.lines, *action.goal])
        known = {line: LINE_TERMS[line] for line in asked if line in LINE_TERMS}
        self.price += how == "refused"  # a new price list came into force
        lines = {
            line: terms.model_copy(update={"price": terms.price + self.price})
            for line, terms in known.items()
        }
        problems: tuple[Problem, ...] = ()
        last = next(reversed(known))
        match how:
            case "refused":
                problems = (Problem(reason="price_mismatch", scope=f"line/{last}"),)
            case "pending":
                problems = (
                    Problem(reason="unknown_item", scope=f"line/{last}"),
                    Problem(reason="currency_mismatch"),
                )
                del lines[last]
            case "unclear":
                return Unclear(detail="no such column")
        return Captured(
            standing=action.goal,
            terms=terms_of(lines, self.account),
            offers=self.ledger.free(),
            problems=problems,
            kits={"5": PARTS} if "5" in lines else {},
        )

    def _theirs(self, action: Action, how: str) -> Answer:
        key, goal = action.key, action.goal
        stands = self.stands.get(key, {})
        if action.ask and stands == goal and self.waiting.get(key, goal) == goal:
            self.waiting.pop(key, None)
            return self._done(action.step, stands)
        if self.waiting.get(key) == goal:
            if not action.ask:
                self.wrong.append(f"asked again while pending: {key}")
            return Pending()
        self.waiting.pop(key, None)
        nobody = self.no_carrier and action.step is Step.BOOK and not stands
        if how == "refused" or nobody or not self._possible(key, goal):
            return Refused(reason="no", standing=stands)
        if stands == goal:
            if not action.ask:
                self.wrong.append(f"made to stand twice: {key} {goal}")
            return self._done(action.step, goal)
        if how == "pending":
            self.waiting[key] = goal
            return Pending()
        if goal and key in self.ended and not action.ask:
            self.wrong.append(f"made to stand after it was taken back: {key}")
        if action.step is Step.ERP and not goal:
            asked = [location for location in LOCATIONS if self.released(location)[1]]
            if asked:
                self.wrong.append(f"the sales order is gone, and {asked} may ship")
        if action.step is Step.RELEASE and goal and not self._sold():
            self.wrong.append(f"{key} is released without a sales order")
        self._make(key, goal)
        if how == "unclear":
            return Unclear(detail="<html>")
        return self._done(action.step, goal)

    def _sold(self) -> bool:
        return any(
            goal and key.startswith(f"{self.order_id}/erp/") for key, goal in self.stands.items()
        )

    def _done(self, step: Step, goal: Goal) -> Done:
        taxed = step in (Step.TAX, Step.RETURN_TAX) or (step is Step.ESTIMATE and self.estimates)
        rate = -TAX_RATE if step is Step.RETURN_TAX else TAX_RATE
        amounts = {x: (q * rate).quantize(Decimal("0.01")) for x, q in goal.items()}
        return Done(standing=goal, ref="R1", amounts=amounts if taxed else {})

    def _possible(self, key: str, goal: Goal) -> bool:
        """What has left under a key can be taken back no more; what was rejected stays rejected."""
        stands = self.stands.get(key, {})
        if goal and key in self.dead:
            return False
        over = self.complete(key) or key in self.picked_out.values()
        if over and any(q > stands.get(line, ZERO) for line, q in goal.items()):
            return False
        return all(
            goal.get(line, ZERO) >= min(quantity, stands.get(line, ZERO))
            for line, quantity in self.gone.get(key, {}).items()
        )

    def complete(self, key: str) -> bool:
        """Everything that was released under a key has left."""
        gone, stands = self.gone.get(key, {}), self.stands.get(key, {})
        return bool(stands) and all(gone.get(line, ZERO) >= q for line, q in stands.items())

    def over(self, key: str) -> bool:
        """A release that is complete, or the transport of one."""
        _, step, location, _ = key.split("/")
        if step == "release":
            return self.complete(key)
        releases = [k for k in self.stands if k.startswith(f"{self.order_id}/release/{location}/")]
        return step == "book" and any(self.complete(release) for release in releases)

    def _make(self, key: str, goal: Goal) -> None:
        family = key.rsplit("/", 1)[0] + "/"
        others = [
            k
            for k, g in self.stands.items()
            if g and k != key and k.startswith(family) and not self.over(k)
        ]
        if goal and others and key.count("/") == 3:
            self.wrong.append(f"{key} stands beside {others}")
        self._stand(key, goal)

    def _stand(self, key: str, goal: Goal) -> None:
        if goal:
            self.ended.discard(key)
            if goal != self.stands.get(key):
                self.address[key] = self.asked_for.get(key)
        elif self.stands.get(key):
            self.ended.add(key)
        self.stands[key] = goal

    # late answers

    def answer(self, *, refuse: bool = False, tersely: bool = False) -> list[Answered]:
        """The answers to all that is pending; made so, unless it is refused."""
        answers = []
        for key, goal in list(self.waiting.items()):
            del self.waiting[key]
            answer: Done | Refused
            if refuse or not self._possible(key, goal):
                answer = Refused(reason="no", standing=self.stands.get(key, {}))
            else:
                self._make(key, goal)
                answer = self._done(Step(key.split("/")[1]), {} if tersely else goal)
            answers.append(Answered(id=f"answer-{key}", key=key, answer=answer))
        return answers

    # what warehouses do

    def released(self, location: str) -> tuple[str, Goal]:
        """The key that stands at a warehouse, if any, and what is left to ship under it."""
        prefix = f"{self.order_id}/release/{location}/"
        for key, goal in reversed(self.stands.items()):
            if key.startswith(prefix) and goal:
                gone = self.gone.get(key, {})
                return key, tidy({x: max(q - gone.get(x, ZERO), ZERO) for x, q in goal.items()})
        return "", {}

    def take_up(self, location: str, *, recall: bool) -> bool:
        """The warehouse says yes to its first release, or to a recall, that it was asked for."""
        key = self._asked(location, recall=recall)
        if not key or not self._possible(key, self.waiting[key]):
            return False
        self._make(key, self.waiting.pop(key))
        return True

    def turn_down(self, location: str) -> bool:
        """The warehouse will not take back what it was asked for."""
        key = self._asked(location, recall=True)
        return bool(key) and self.waiting.pop(key) is not None

    def _asked(self, location: str, *, recall: bool) -> str:
        for key, goal in self.waiting.items():
            stands = self.stands.get(key, {})
            less = bool(stands) and all(q <= stands.get(x, ZERO) for x, q in goal.items())
            meant = less if recall else not stands
            if meant and key.startswith(f"{self.order_id}/release/{location}/"):
                return key
        return ""

    def ship(self, location: str, lines: Goal) -> None:
        key, _ = self.released(location)
        if key:
            gone = self.gone.setdefault(key, {})
            for line, quantity in lines.items():
                gone[line] = gone.get(line, ZERO) + quantity
        self.ledger.ship(location, lines)

    def let_go(self, location: str, kept: Goal | None = None) -> bool:
        """The warehouse gives up what it has not shipped, but for what is `kept`."""
        key, rest = self.released(location)
        if not key or not rest:
            return False
        gone, stands = self.gone.get(key, {}), self.stands[key]
        found = kept or {}
        left = {
            line: min(quantity, max(gone.get(line, ZERO), found.get(line, ZERO)))
            for line, quantity in stands.items()
        }
        self._stand(key, tidy(left))
        self.waiting.pop(key, None)
        if kept is not None:
            self.picked_out[location] = key
        if not self.stands[key]:
            self.dead.add(key)
        return True


class Inbox:
    """Messages of one order, numbered as they come, handed over later, some of them twice."""

    def __init__(self) -> None:
        self.count = 0
        self.waiting: deque[Message] = deque()
        self.handed_over: list[Message] = []

    def put(self, *messages: Message | None) -> None:
        for message in messages:
            if message is not None:
                self.count += 1
                numbered = message.model_copy(
                    update={"n": self.count, "id": f"{message.id}-{self.count}"}
                )
                self.waiting.append(numbered)

    def take(self) -> Message | None:
        if not self.waiting:
            return None
        self.handed_over.append(self.waiting.popleft())
        return self.handed_over[-1]


def later(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)
