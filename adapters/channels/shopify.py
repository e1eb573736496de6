"""Shopify's webhooks: signed over the raw body, ids of 64 bits, prices before discounts.

Payloads as of API version 2026-04, topic orders/create.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.channels.port import Ignored, Unmappable
from domain.order_in import LONGEST_NAME, LONGEST_NOTES, LONGEST_VALUE, OrderIn

NAME = "shopify"
CREATED = "orders/create"
_TOPIC = re.compile(r"[a-z_]{1,60}/[a-z_]{1,60}")
_MESSAGE_ID = re.compile(r"[!-~]{1,200}")
_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SIX_DECIMALS = Decimal("0.000001")
PAID = "paid"
_PARTLY_PAID = {"partially_paid", "partially_refunded"}
_PREPAID = {"authorized", "refunded", PAID, *_PARTLY_PAID}
_KEPT = 20
"""Note attributes of the shop that go along with the order, at most."""


class _Native(BaseModel):
    """Only the fields we read; Shopify adds others whenever it likes."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Amount(_Native):
    amount: Decimal


class _TaxLine(_Native):
    price: Decimal = Decimal(0)


class _Line(_Native):
    id: int
    sku: str | None = None
    variant_id: int | None = None
    title: str | None = None
    quantity: int
    current_quantity: int | None = None
    price: Decimal
    discount_allocations: tuple[_Amount, ...] = ()
    tax_lines: tuple[_TaxLine, ...] = ()


class _Shipping(_Native):
    code: str | None = None
    title: str | None = None
    price: Decimal = Decimal(0)
    discounted_price: Decimal | None = None
    is_removed: bool = False
    tax_lines: tuple[_TaxLine, ...] = ()


class _Address(_Native):
    name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province_code: str | None = None
    province: str | None = None
    zip: str | None = None
    country_code: str | None = None


class _Named(_Native):
    id: int


class _NoteAttribute(_Native):
    name: str
    value: Any = None


class _Order(_Native):
    id: int
    name: str | None = None
    currency: str
    po_number: str | None = None
    note: str | None = None
    note_attributes: tuple[_NoteAttribute, ...] = ()
    financial_status: str | None = None
    taxes_included: bool = False
    payment_terms: dict[str, Any] | None = None
    total_price: Decimal | None = None
    current_total_price: Decimal | None = None
    total_outstanding: Decimal | None = None
    customer: _Named | None = None
    company: _Named | None = None
    shipping_address: _Address | None = None
    billing_address: _Address | None = None
    shipping_lines: tuple[_Shipping, ...] = ()
    line_items: tuple[_Line, ...] = Field(min_length=1)


class Shopify:
    """One app's webhooks, of whichever shop.

    `secrets` may be several, because a new one takes up to an hour to be used. `account` is the
    customer of ours who buys what the shop sells to people; companies are customers themselves.
    """

    def __init__(self, secrets: Sequence[str] = (), account: str | None = None) -> None:
        self._secrets = [secret.encode() for secret in secrets]
        self._account = account

    def is_signed(self, raw: bytes, headers: Mapping[str, str]) -> bool:
        try:
            given = base64.b64decode(headers.get("x-shopify-hmac-sha256", ""), validate=True)
        except (binascii.Error, ValueError):
            return False
        made = [hmac.new(secret, raw, hashlib.sha256).digest() for secret in self._secrets]
        return any(hmac.compare_digest(given, digest) for digest in made)

    def message_id(self, headers: Mapping[str, str]) -> str | None:
        given = headers.get("x-shopify-webhook-id", "")
        return given if _MESSAGE_ID.fullmatch(given) else None

    def read(self, document: object, headers: Mapping[str, str]) -> OrderIn | Ignored:
        """The order of an orders/create; other topics are ignored. Raises `Unmappable`."""
        topic = headers.get("x-shopify-topic", CREATED)
        if topic != CREATED:
            if _TOPIC.fullmatch(topic):
                return Ignored(rule="topic_not_subscribed")
            raise Unmappable("unknown_topic", "X-Shopify-Topic is no topic")
        try:
            native = _Order.model_validate(document)
            return self._order(native, headers.get("x-shopify-shop-domain"))
        except ValidationError as wrong:
            first = wrong.errors(include_input=False, include_url=False)[0]
            place = "/".join(map(str, first["loc"]))
            raise Unmappable("cannot_be_mapped", f"{place}: {first['msg']}") from None

    def _order(self, native: _Order, shop: str | None) -> OrderIn:
        address = native.shipping_address or native.billing_address
        if address is None:
            raise Unmappable("no_address", "the order has neither shipping nor billing address")
        lines = [_line(line, native.taxes_included) for line in native.line_items]
        lines = [line for line in lines if line["quantity"] > 0]
        if not lines:
            raise Unmappable("no_lines", "every line of the order was removed")
        given = {
            "channel": NAME,
            "reference": str(native.id),
            "customer": self._customer(native),
            "purchase_order": native.po_number or None,
            "currency": native.currency,
            "ship_to": _ship_to(address),
            "payment": _payment(native),
            "freight": _freight(native),
            "ship_method": _ship_method(native),
            "notes": native.note[:LONGEST_NOTES] if native.note else None,
            "attributes": _attributes(native, shop),
            "lines": lines,
        }
        return OrderIn.model_validate(given)

    def _customer(self, native: _Order) -> str:
        if native.company:
            return str(native.company.id)
        if self._account:
            return self._account
        if native.customer:
            return str(native.customer.id)
        raise Unmappable("no_customer", "the order names no customer, and the shop has no account")


def _line(line: _Line, taxes_included: bool) -> dict[str, Any]:
    quantity = line.quantity if line.current_quantity is None else line.current_quantity
    discount = sum((part.amount for part in line.discount_allocations), Decimal(0))
    included = _tax(line.tax_lines) if taxes_included else Decimal(0)
    price = line.price
    if line.quantity > 0 and (discount or included):
        # Half a cent would take ten thousand pieces to show, so the line's amount stays the shop's.
        price = (line.price - (discount + included) / line.quantity).quantize(
            _SIX_DECIMALS, ROUND_HALF_UP
        )
    return {
        "line": str(line.id),
        "item": line.sku or _substitute(line),
        "quantity": quantity,
        "price": price,
    }


def _substitute(line: _Line) -> str:
    """For a line without SKU: no item of ours, so that the order is held until somebody decides."""
    if line.variant_id is not None:
        return f"variant {line.variant_id}"
    return f"line {line.title or line.id}"[:128]


def _ship_to(address: _Address) -> dict[str, Any]:
    return {
        "name": address.company or address.name,
        "line1": address.address1,
        "line2": address.address2 or None,
        "city": address.city,
        "region": address.province_code or address.province or "",
        "postal_code": address.zip or "",
        "country": address.country_code,
    }


def _payment(native: _Order) -> dict[str, Any]:
    """The shop vouches for what it has been paid in whole, with its own tax, which may not be ours
    to the cent. Of all else that is prepaid it says how much came in: nothing leaves before the
    rest has.
    """
    status = native.financial_status
    if native.payment_terms is not None or status not in _PREPAID:
        paid = _received(native) if status in _PARTLY_PAID else None
        return {"method": "account", "paid": paid or None}
    if status == PAID:
        return {"method": "prepaid"}
    return {"method": "prepaid", "paid": _received(native) if status in _PARTLY_PAID else 0}


def _received(native: _Order) -> Decimal:
    """What was paid less what was refunded: all that is not outstanding of what it costs now."""
    total = native.total_price if native.current_total_price is None else native.current_total_price
    if total is None or native.total_outstanding is None:
        return Decimal(0)
    return max(total - native.total_outstanding, Decimal(0))


def _freight(native: _Order) -> Decimal:
    total = Decimal(0)
    for line in native.shipping_lines:
        if not line.is_removed:
            total += line.price if line.discounted_price is None else line.discounted_price
            total -= _tax(line.tax_lines) if native.taxes_included else 0
    return total


def _ship_method(native: _Order) -> str | None:
    codes = [line.code for line in native.shipping_lines if line.code and not line.is_removed]
    return codes[0] if codes and _CODE.fullmatch(codes[0]) else None


def _attributes(native: _Order, shop: str | None) -> dict[str, str]:
    """Free text goes along as far as an order may carry it; `shortened` names what was cut."""
    titles = [line.title for line in native.shipping_lines if line.title and not line.is_removed]
    given = {"order_name": native.name, "shop": shop, "shipping": titles[0] if titles else None}
    for note in native.note_attributes[:_KEPT]:
        given[f"note.{note.name}"[:LONGEST_NAME]] = None if note.value is None else str(note.value)
    texts = {name: value for name, value in given.items() if value is not None}
    cut = [name for name, value in texts.items() if len(value) > LONGEST_VALUE]
    if native.note and len(native.note) > LONGEST_NOTES:
        cut.insert(0, "notes")
    if cut:
        texts["shortened"] = ", ".join(cut)
    return {name: value[:LONGEST_VALUE] for name, value in texts.items()}


def _tax(lines: Sequence[_TaxLine]) -> Decimal:
    return sum((line.price for line in lines), Decimal(0))
