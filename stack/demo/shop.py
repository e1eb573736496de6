"""The sample company's web shop: what it sends when somebody has bought something, signed."""

import base64
import hashlib
import hmac
import json
from typing import Any

Bought = tuple[str, int, str]
"""Item, quantity, price."""


def webhook(number: int, lines: tuple[Bought, ...], secret: str) -> tuple[bytes, dict[str, str]]:
    """Body and headers of one delivery."""
    raw = json.dumps(_order(number, lines)).encode()
    digest = hmac.new(secret.encode(), raw, hashlib.sha256).digest()
    return raw, {
        "Content-Type": "application/json",
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
        "X-Shopify-Webhook-Id": f"webhook-{number}",
        "X-Shopify-Shop-Domain": "keystone-demo.myshopify.com",
    }


def _order(number: int, lines: tuple[Bought, ...]) -> dict[str, Any]:
    """The parts of Shopify's orders/create that we read, with ids beyond what a float holds."""
    return {
        "id": 9_007_199_254_740_993 + number,
        "name": f"#{1000 + number}",
        "currency": "USD",
        "presentment_currency": "USD",
        "taxes_included": False,
        "financial_status": "pending",
        "shipping_address": {
            "name": f"Shopper {number}",
            "address1": f"{number} Harbor Way",
            "city": "Portland",
            "province_code": "OR",
            "zip": "97201",
            "country_code": "US",
        },
        "line_items": [
            {
                "id": 9_007_199_254_740_993 * 2 + number * 10 + n,
                "sku": sku,
                "title": sku,
                "quantity": quantity,
                "price": price,
            }
            for n, (sku, quantity, price) in enumerate(lines, 1)
        ],
    }
