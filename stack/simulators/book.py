"""A simulator's memory: one SQLite file that survives kills.

Every request is one transaction. Effects are only ever added.
"""

import json
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_SCHEMA = """
create table if not exists setting (name text primary key, value text not null);
create table if not exists effect (
    seq integer primary key autoincrement, key text not null, order_id text not null,
    operation text not null, subject text not null, told text not null, at text not null,
    attempt integer not null);
create index if not exists effect_key on effect (key);
create index if not exists effect_order on effect (order_id);
create table if not exists call (
    operation text, key text, changes integer not null, count integer not null,
    primary key (operation, key));
create index if not exists call_key on call (key);
create table if not exists thing (
    kind text, id text, key text not null, body text not null, due real,
    primary key (kind, id));
create index if not exists thing_key on thing (kind, key);
create index if not exists thing_due on thing (kind, due) where due is not null;
create table if not exists fault (id integer primary key autoincrement, spec text not null,
    remaining integer, until real);
create table if not exists deferral (
    id integer primary key autoincrement, key text not null unique, operation text not null,
    request text not null, due real);
create table if not exists outbox (
    id integer primary key autoincrement, path text not null, topic text not null,
    body text not null, due real not null, attempts integer not null default 0,
    state text not null default 'waiting', answer text not null default '');
create index if not exists outbox_waiting on outbox (id) where state = 'waiting';
create index if not exists outbox_topic on outbox (topic, id) where state = 'waiting';
"""


class Book:
    """Opened once per process; not shared between threads."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        # Survives the death of this process; only that of the machine could cost the last moments.
        self.db.execute("pragma journal_mode = wal")
        self.db.execute("pragma synchronous = normal")
        self.db.executescript(_SCHEMA)
        with self.transaction():
            self.id = self.setting("id") or uuid.uuid4().hex[:8].upper()
            self.set("id", self.id)

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.db.execute("begin immediate")
        try:
            yield
        except BaseException:  # whatever it is, told on: nothing of it is kept
            self.db.execute("rollback")
            raise
        self.db.execute("commit")

    def setting(self, name: str) -> str:
        found = self.db.execute("select value from setting where name = ?", (name,)).fetchone()
        return str(found["value"]) if found else ""

    def set(self, name: str, value: str) -> None:
        self.db.execute("insert or replace into setting values (?, ?)", (name, value))

    def next_number(self, name: str) -> int:
        """1, 2, 3… for each name."""
        number = int(self.setting(f"last {name}") or 0) + 1
        self.set(f"last {name}", str(number))
        return number

    def note_call(self, operation: str, key: str, *, changes: bool) -> None:
        self.db.execute(
            "insert into call values (?, ?, ?, 1)"
            " on conflict (operation, key) do update set count = count + 1",
            (operation, key, changes),
        )

    def calls(self, key: str = "") -> dict[str, int]:
        """How often each operation was called, for one key or for all."""
        rows = self._rows(
            "select operation, sum(count) as times from call",
            "group by operation order by operation",
            key=key,
        )
        return {row["operation"]: row["times"] for row in rows}

    def record(self, key: str, operation: str, **told: object) -> None:
        """Something was done. `told`: quantity or amount, and whatever else explains it."""
        order_id, subject = parts(key)
        asked = self.db.execute(
            "select coalesce(sum(count), 0) as times from call where key = ? and changes", (key,)
        ).fetchone()
        self.db.execute(
            "insert into effect (key, order_id, operation, subject, told, at, attempt)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            (key, order_id, operation, subject, json.dumps(told), now_text(), asked["times"]),
        )

    def effects(self, key: str = "", order_id: str = "") -> list[Json]:
        rows = self._rows("select * from effect", "order by seq", key=key, order_id=order_id)
        return [
            {
                "key": row["key"],
                "operation": row["operation"],
                "subject": row["subject"],
                "order_id": row["order_id"],
                **json.loads(row["told"]),
                "at": row["at"],
                "attempt": row["attempt"],
            }
            for row in rows
        ]

    def keep(self, kind: str, name: str, body: Json, *, key: str, due: float | None = None) -> None:
        """Store a thing; `due` is when something happens to it by itself, in Unix seconds."""
        self.db.execute(
            "insert into thing values (?, ?, ?, ?, ?) on conflict (kind, id) do update"
            " set key = excluded.key, body = excluded.body, due = excluded.due",
            (kind, name, key, json.dumps(body, default=_exactly), due),
        )

    def thing(self, kind: str, name: str) -> Json | None:
        found = self.db.execute(
            "select body from thing where kind = ? and id = ?", (kind, name)
        ).fetchone()
        return _body(found) if found else None

    def things(self, kind: str, *, key: str = "") -> list[Json]:
        """In the order they were made."""
        rows = self._rows("select body from thing", "order by rowid", kind=kind, key=key)
        return [_body(row) for row in rows]

    def due_things(self, kind: str, now: float) -> list[Json]:
        rows = self.db.execute(
            "select body from thing where kind = ? and due <= ? order by due", (kind, now)
        )
        return [_body(row) for row in rows]

    def _rows(self, select: str, rest: str, **wanted: str) -> sqlite3.Cursor:
        """Rows whose columns are as wanted; an empty wish is none, and costs no index."""
        given = {name: value for name, value in wanted.items() if value}
        where = " and ".join(f"{name} = :{name}" for name in given) or "true"
        return self.db.execute(f"{select} where {where} {rest}", given)

    def next_due(self, kind: str) -> float | None:
        found = self.db.execute(
            "select min(due) as due from thing where kind = ? and due is not null", (kind,)
        ).fetchone()
        return float(found["due"]) if found["due"] is not None else None


def parts(key: str) -> tuple[str, str]:
    """Order and subject of a key `order/step/subject/generation`; else the key for both."""
    pieces = key.split("/")
    if len(pieces) < 4:
        return pieces[0], key
    return pieces[0], "/".join(pieces[2:-1])


def now_text() -> str:
    return datetime.now(UTC).isoformat()


def _body(row: Mapping[str, Any]) -> Json:
    body: Json = json.loads(row["body"], parse_float=Decimal)
    return body


def _exactly(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"not for a book: {value!r}")
