"""Stripe API v1: cards are held for the whole order, charged per invoice, refunded per credit note.

Our key is `metadata[key]` of a claim and of a refund. A capture is no object of its own there, so
it leaves a mark in its claim's metadata; a refund is found by the mark on its charge, made before.
The search may lag behind: Idempotency-Key keeps what it does not show yet from being done twice.
"""

import hashlib
from decimal import Decimal
from urllib.parse import quote

from adapters.http import Reply, SystemClient, VendorAnswer
from adapters.payment.port import Payment
from adapters.port import Standing
from domain.answer import Answer, Done, Pending, Refused
from domain.base import Goal, tidy
from domain.documents import PaymentAuthorisation, PaymentCapture, PaymentRefund
from domain.money import minor_unit

DECLINED = "payment_declined"
REFUSED = "payment_refused"
KNOWN = (200, 400, 402, 404)
AMOUNT = "amount"
HELD = "requires_capture"
UNDECIDED = "processing"


class Stripe(Payment):
    def __init__(self, client: SystemClient) -> None:
        self._authorisations = _Authorisations(client)
        self._captures = _Captures(client)
        self._refunds = _Refunds(client)

    @property
    def authorisations(self) -> Standing[PaymentAuthorisation]:
        return self._authorisations

    @property
    def captures(self) -> Standing[PaymentCapture]:
        return self._captures

    @property
    def refunds(self) -> Standing[PaymentRefund]:
        return self._refunds


class _Intent(VendorAnswer):
    id: str
    status: str
    amount: int
    amount_capturable: int
    amount_received: int
    currency: str
    latest_charge: str | None
    metadata: dict[str, str]


class _Intents(VendorAnswer):
    data: tuple[_Intent, ...]


class _Charge(VendorAnswer):
    id: str


class _Charges(VendorAnswer):
    data: tuple[_Charge, ...]


class _Refund(VendorAnswer):
    id: str
    amount: int
    currency: str
    metadata: dict[str, str]

    def done(self) -> Done:
        return Done(standing={AMOUNT: _major(self.amount, self.currency)}, ref=self.id)


class _RefundList(VendorAnswer):
    data: tuple[_Refund, ...]


class _Status(VendorAnswer):
    status: str


class _Trouble(VendorAnswer):
    type: str
    code: str = ""
    message: str = ""


class _Refusal(VendorAnswer):
    error: _Trouble

    def refused(self, standing: Goal) -> Refused:
        reason = DECLINED if self.error.type == "card_error" else REFUSED
        detail = f"{self.error.code}: {self.error.message}"
        return Refused(reason=reason, detail=detail, standing=standing)


class _Authorisations(Standing[PaymentAuthorisation]):
    """A claim of another amount is a new one: it is made before the old one is let go."""

    def __init__(self, client: SystemClient) -> None:
        self._client = client

    async def make_stand(self, key: str, document: PaymentAuthorisation) -> Answer:
        intents = await self._look_up(key)
        stands = _claimed(intents)
        goal = tidy(document.goal)
        if not goal:
            return await self._let_go(intents, stands) or Done(standing={})
        if stands == goal:
            return _claim(intents)
        received = sum(intent.amount_received for intent in intents)
        wanted = _minor(goal[AMOUNT], document.currency) - received
        if wanted < 0:
            detail = "more is taken already than is to be claimed"
            return Refused(reason=REFUSED, detail=detail, standing=stands)
        if wanted == 0:
            return await self._let_go(intents, stands) or Done(standing=goal, ref=intents[-1].id)
        if any(i.status == UNDECIDED and i.amount == wanted for i in intents):
            return Pending()
        kept = next(
            (i for i in intents if i.status == HELD and i.amount_capturable == wanted), None
        )
        if kept is None:
            reply = await self._create(key, document, wanted, len(intents))
            if (other := _other(reply, stands)) is not None:
                return other
            kept = reply.read(_Intent)
        refused = await self._let_go(tuple(i for i in intents if i.id != kept.id), stands)
        return refused or Done(standing=goal, ref=kept.id)

    async def find(self, key: str) -> Done | None:
        intents = await self._look_up(key)
        return _claim(intents) if intents else None

    async def _look_up(self, key: str) -> tuple[_Intent, ...]:
        """In the order they were made, which is not the order they are told in."""
        said = key.replace("\\", "\\\\").replace("'", "\\'")
        return (await _search_intents(self._client, f"metadata['key']:'{said}'")).data[::-1]

    async def _create(
        self, key: str, document: PaymentAuthorisation, wanted: int, known: int
    ) -> Reply:
        return await self._client.ask(
            "POST",
            *("v1", "payment_intents"),
            known=KNOWN,
            form={
                "amount": str(wanted),
                "currency": document.currency.lower(),
                "payment_method": document.token,
                "confirm": "true",
                "capture_method": "manual",
                "metadata[key]": key,
                "metadata[order_id]": document.order_id,
            },
            headers=_once(f"{key}#{known}"),
        )

    async def _let_go(self, intents: tuple[_Intent, ...], stands: Goal) -> Answer | None:
        """Cancel what is held or may be yet; the answer of the first that is not done."""
        for intent in intents:
            if intent.status in (HELD, UNDECIDED):
                reply = await self._client.ask(
                    "POST", "v1", "payment_intents", intent.id, "cancel", known=KNOWN, form={}
                )
                if (other := _other(reply, stands)) is not None:
                    return other
        return None


class _Captures(Standing[PaymentCapture]):
    def __init__(self, client: SystemClient) -> None:
        self._client = client

    async def make_stand(self, key: str, document: PaymentCapture) -> Answer:
        goal = tidy(document.goal)
        if (settled := _settled(await self.find(key), goal)) is not None:
            return settled
        minor = _minor(goal[AMOUNT], document.currency)
        reply = await self._client.ask(
            "POST",
            *("v1", "payment_intents", document.authorisation, "capture"),
            known=KNOWN,
            form={
                "amount_to_capture": str(minor),
                "final_capture": "false",
                f"metadata[{_mark('capture', key)}]": str(minor),
            },
            headers=_once(key),
        )
        return _other(reply, {}) or _captured(reply.read(_Intent), key)

    async def find(self, key: str) -> Done | None:
        mark = _mark("capture", key)
        found = (await _search_intents(self._client, f"-metadata['{mark}']:null")).data
        return _captured(found[0], key) if found else None


class _Refunds(Standing[PaymentRefund]):
    def __init__(self, client: SystemClient) -> None:
        self._client = client

    async def make_stand(self, key: str, document: PaymentRefund) -> Answer:
        goal = tidy(document.goal)
        if (settled := _settled(await self.find(key), goal)) is not None:
            return settled
        minor = str(_minor(goal[AMOUNT], document.currency))
        marked = await self._client.ask(
            "POST",
            *("v1", "charges", document.captured),
            known=KNOWN,
            form={f"metadata[{_mark('refund', key)}]": minor},
        )
        if marked.status != 200:
            return marked.read(_Refusal).refused({})
        reply = await self._client.ask(
            "POST",
            *("v1", "refunds"),
            known=KNOWN,
            form={"charge": document.captured, "amount": minor, "metadata[key]": key},
            headers=_once(key),
        )
        return _other(reply, {}) or reply.read(_Refund).done()

    async def find(self, key: str) -> Done | None:
        reply = await self._client.ask(
            "GET",
            *("v1", "charges", "search"),
            known=(200,),
            query={"query": f"-metadata['{_mark('refund', key)}']:null"},
        )
        for charge in reply.read(_Charges).data:
            made = await self._client.ask(
                "GET", "v1", "refunds", known=(200,), query={"charge": charge.id, "limit": "100"}
            )
            for refund in made.read(_RefundList).data:
                if refund.metadata.get("key") == key:
                    return refund.done()
        return None


async def _search_intents(client: SystemClient, query: str) -> _Intents:
    reply = await client.ask(
        "GET",
        *("v1", "payment_intents", "search"),
        known=(200,),
        query={"query": query, "limit": "100"},
    )
    return reply.read(_Intents)


def _other(reply: Reply, stands: Goal) -> Answer | None:
    """The answer, unless it is yes."""
    if reply.status != 200:
        return reply.read(_Refusal).refused(stands)
    return Pending() if reply.read(_Status).status in (UNDECIDED, "pending") else None


def _settled(found: Done | None, goal: Goal) -> Answer | None:
    """The answer where nothing is to be done: money that has moved stays as it was moved."""
    done = found or Done(standing={})
    if done.standing == goal:
        return done
    if not done.standing:
        return None
    detail = "what was charged or refunded stays"
    return Refused(reason=REFUSED, detail=detail, standing=done.standing)


def _claimed(intents: tuple[_Intent, ...]) -> Goal:
    """All that was taken, and all that is still held."""
    minor = sum(intent.amount_received + intent.amount_capturable for intent in intents)
    return tidy({AMOUNT: _major(minor, intents[0].currency)}) if intents else {}


def _claim(intents: tuple[_Intent, ...]) -> Done:
    held = [intent.id for intent in intents if intent.status == HELD]
    every = held or [intent.id for intent in intents]
    return Done(standing=_claimed(intents), ref=every[-1] if every else "")


def _captured(intent: _Intent, key: str) -> Done:
    minor = int(intent.metadata[_mark("capture", key)])
    ref = intent.latest_charge or intent.id
    return Done(standing={AMOUNT: _major(minor, intent.currency)}, ref=ref)


def _once(name: str) -> dict[str, str]:
    """A header holds no more than ASCII."""
    return {"Idempotency-Key": quote(name, safe="/#")}


def _mark(what: str, key: str) -> str:
    """A metadata name for a key of ours: names there are short."""
    return f"{what}_{hashlib.sha256(key.encode()).hexdigest()[:24]}"


def _minor(amount: Decimal, currency: str) -> int:
    """The amount in the vendor's integers. Raises `ValueError` when it is finer than they are."""
    units = amount / _smallest(currency)
    if units != units.to_integral_value():
        raise ValueError(f"{amount} is finer than {currency} goes")
    return int(units)


def _major(minor: int, currency: str) -> Decimal:
    return minor * _smallest(currency.upper())


def _smallest(currency: str) -> Decimal:
    """As the vendor counts: it kept two digits for a currency that has none any more."""
    return Decimal("0.01") if currency == "ISK" else minor_unit(currency)
