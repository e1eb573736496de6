"""Telling others: events as CloudEvents, signed as Standard Webhooks, to whoever subscribed."""
