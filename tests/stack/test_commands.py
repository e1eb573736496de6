"""The commands that look into a running stack, against one that runs."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from stack import run_file
from stack.commands.showing import text
from stack.console import report
from stack.sample_doc import PAGE, page
from tests.stack.days import run_of, throughline
from tests.stack.typing_in import Client, Commands, an_order, running

STRANGE = "[bold]REF[/bold]"
"""What an outside system may call an order: to Rich it would be markup."""
HELD = "throughline.order.held.v1"


@pytest.fixture
def on(day: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    return Commands(day, monkeypatch)


@pytest.fixture
def client(day: Path) -> Iterator[Client]:
    client = Client(day)
    yield client
    client.close()


@pytest.fixture
def reference() -> str:
    return f"TEST-{uuid4().hex[:12]}"


def a_closed_order(on: Commands) -> str:
    found = on.told("orders", "--status", "closed", "--limit", "1")["items"]
    return str(found[0]["id"])


# orders


def test_orders_are_listed_by_what_is_asked(on: Commands) -> None:
    closed = on.told("orders", "--status", "closed", "--customer", "C-BIRCH", "--limit", "500")

    assert len(closed["items"]) > 1
    assert closed["next"] is None
    assert {order["status"] for order in closed["items"]} == {"closed"}
    assert {order["customer"] for order in closed["items"]} == {"C-BIRCH"}


def test_a_list_that_goes_on_says_where(on: Commands) -> None:
    first = on.told("orders", "--settled", "--limit", "2")
    second = on.told("orders", "--settled", "--limit", "2", "--cursor", first["next"])

    both = [order["id"] for order in (*first["items"], *second["items"])]
    assert len({*both}) == 4
    assert first["next"] in on.run("orders", "--settled", "--limit", "2").stderr


def test_an_order_is_shown_whole(on: Commands) -> None:
    order_id = a_closed_order(on)

    order = on.told("orders", order_id, "--timeline", "--plan")
    shown = on.run("orders", order_id, "--timeline", "--plan")

    assert order["id"] == order_id
    assert order["status"] == "closed"
    assert order["plan"]["next"] == []
    assert "throughline.order.closed.v1" in {each["kind"] for each in order["timeline"]["items"]}
    assert order["links"]["temporal"].startswith(run_of(on.data)["temporal_ui"])
    assert shown.exit_code == 0
    for bill in order["invoices"]:
        assert bill["number"] in shown.stdout
    for effect in order["effects"]:
        assert effect["operation"] in shown.stdout
    assert f"order placed as {order['reference']} by {order['channel']}" in shown.stdout


@pytest.mark.parametrize("order_id", ["nobody", "a/b", "..", "../holds", "x?y", ""])
@pytest.mark.parametrize("command", ["orders", "audit"])
def test_an_order_that_is_not_there_is_told_by_the_status(
    on: Commands, command: str, order_id: str
) -> None:
    done = on.run(command, order_id)

    assert done.exit_code == 1
    assert done.stdout == ""
    assert "There is no order" in done.stderr


def test_an_audit_is_everything_known_of_an_order(on: Commands) -> None:
    order_id = a_closed_order(on)

    found = on.told("audit", order_id)

    assert found["order"]["id"] == order_id
    assert found["messages"][0]["kind"] == "placed"
    assert [each["n"] for each in found["messages"]] == [*range(1, len(found["messages"]) + 1)]
    kinds = {each["kind"] for each in found["events"]}
    assert {"throughline.order.created.v1", "throughline.order.closed.v1"} <= kinds
    assert json.loads(on.run("audit", order_id).stdout) == found


def test_what_comes_from_outside_is_text(on: Commands, client: Client) -> None:
    reference = f"{STRANGE}{uuid4().hex[:8]}"
    order = client.place(reference)

    for words in (("orders", order["id"]), ("orders", "--reference", reference)):
        assert reference in on.run(*words).stdout


def test_nothing_that_steers_a_terminal_is_shown() -> None:
    shown = text({"name": "a\x1b[31mb\x07", "more": ["[red]", ":smile:"]})

    assert str(shown) == r"name a\x1b[31mb\x07, more [red], :smile:"
    assert shown.spans == []


def test_an_error_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    report("a\x1b[31mb [red] :smile:")

    assert capsys.readouterr().err == r"a\x1b[31mb [red] :smile:" + "\n"


# holds


def test_holds_are_listed_by_who_decides(on: Commands, client: Client, reference: str) -> None:
    order = client.place(reference)

    mine = on.told("holds", "--owner", "customer service", "--limit", "500")["items"]
    others = on.told("holds", "--owner", "pricing", "--limit", "500")["items"]

    assert order["id"] in {hold["order_id"] for hold in mine}
    assert {hold["owner"] for hold in mine} == {"customer service"}
    assert order["id"] not in {hold["order_id"] for hold in others}
    assert order["holds"][0]["id"] in on.run("holds", "--limit", "500").stdout


def test_a_released_hold_is_looked_at_again(on: Commands, client: Client, reference: str) -> None:
    hold_id = client.place(reference)["holds"][0]["id"]

    became = on.told("holds", "release", hold_id, "--note", "looked at")
    again = on.run("holds", "release", hold_id)

    assert became["status"] == "done"
    holds = on.told("orders", became["order_id"])["holds"]
    assert next(hold for hold in holds if hold["id"] == hold_id)["released_at"]
    assert again.exit_code == 1, "it was released already"
    assert "refused" in again.stdout


def test_only_a_booking_can_be_skipped(on: Commands, client: Client, reference: str) -> None:
    hold_id = client.place(reference)["holds"][0]["id"]

    done = on.run("holds", "release", hold_id, "--skip", "arranged by phone")

    assert done.exit_code == 1
    assert "cannot_skip" in done.stdout


@pytest.mark.parametrize("hold_id", ["nothing", "nobody-H1", "../../x-H1"])
def test_a_hold_that_is_not_there_cannot_be_released(on: Commands, hold_id: str) -> None:
    done = on.run("holds", "release", hold_id)

    assert done.exit_code == 1
    assert "404" in done.stderr


# dead letters


def test_a_dead_letter_is_looked_at_and_put_away(
    on: Commands, client: Client, reference: str
) -> None:
    client.place(reference)
    letter = client.refuse(reference)

    assert letter in {each["id"] for each in on.told("deadletters", "--limit", "500")["items"]}
    assert "another one" in on.run("deadletters", "show", letter).stdout
    assert on.run("deadletters", "resubmit", letter).exit_code == 1

    put_away = on.told("deadletters", "dismiss", letter, "--note", "sent twice")

    assert "sent twice" in put_away["resolution"]
    assert letter not in {each["id"] for each in on.told("deadletters", "--limit", "500")["items"]}
    assert letter in {
        each["id"] for each in on.told("deadletters", "--resolved", "--limit", "500")["items"]
    }


def test_a_dead_letter_is_sent_again_corrected(
    on: Commands, client: Client, reference: str, tmp_path: Path
) -> None:
    client.place(reference)
    letter = client.refuse(reference)
    corrected = tmp_path / "order.json"
    corrected.write_text(json.dumps(an_order(f"{reference}-B")))

    taken = on.told("deadletters", "resubmit", letter, "--body", str(corrected))

    assert taken["result"]["reference"] == f"{reference}-B"
    assert on.told("orders", taken["result"]["id"])["reference"] == f"{reference}-B"


def test_what_cannot_be_sent_again_is_told_by_the_status(on: Commands, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.json"
    nothing.write_text("{")

    for words in (("show", "a/b"), ("resubmit", "a/b"), ("dismiss", "a/b")):
        assert on.run("deadletters", *words).exit_code == 1
    done = on.run("deadletters", "resubmit", "a/b", "--body", str(nothing))
    assert done.exit_code == 1
    assert str(nothing) in done.stderr


# events


def test_events_are_read_from_a_position(on: Commands) -> None:
    first = on.told("events", "--limit", "3")["items"]
    second = on.told("events", "--after", str(first[-1]["position"]), "--limit", "3")["items"]
    shown = on.run("events", "--limit", "3")

    positions = [event["position"] for event in (*first, *second)]
    assert positions == [*range(1, 7)]
    assert first[0]["subject"] in shown.stdout


def test_events_are_followed(on: Commands, client: Client, reference: str) -> None:
    last = on.told("events", "--limit", "100000")["items"][-1]["position"]
    words = ("events", "--after", str(last), "--kind", HELD, "--follow", "--json")
    with running(on.data, *words) as following:
        order = client.place(reference)
        assert following.stdout
        event = next(
            event
            for event in map(json.loads, following.stdout)
            if event["subject"] == f"orders/{order['id']}"
        )
        following.send_signal(signal.SIGINT)
        assert following.wait(60) == 130
    assert event["type"] == HELD
    assert event["position"] > last


def test_a_filter_that_cannot_be_is_told(on: Commands) -> None:
    done = on.run("events", "--kind", "nonsense")

    assert done.exit_code == 1
    assert "pattern" in done.stderr
    assert "{" not in done.stderr, "the problem's detail, not its document"


# inventory


def test_stock_is_listed_by_item_and_location(on: Commands) -> None:
    (position,) = on.told("inventory", "--item", "BOLT-M8", "--location", "WEST")["items"]
    shown = on.run("inventory", "--item", "BOLT-M8")

    assert position["on_hand"] == "100000"
    assert "EAST" in shown.stdout
    assert "WEST" in shown.stdout


def test_movements_are_those_of_an_order(on: Commands) -> None:
    order_id = a_closed_order(on)

    moved = on.told("inventory", "movements", "--order", order_id)["items"]

    assert {"reserve", "ship"} <= {each["kind"] for each in moved}
    assert {each["order_id"] for each in moved} == {order_id}
    assert order_id in on.run("inventory", "movements", "--order", order_id).stdout


def test_stock_is_proven(on: Commands) -> None:
    now = on.told("inventory", "proof")
    before = on.told("inventory", "proof", "--as-of", "2020-01-01T00:00:00")

    assert now["ok"] is True
    assert now["movements"] > before["movements"] == 0
    assert "movements" in on.run("inventory", "proof").stdout


# keys


def test_a_key_works_until_it_is_revoked(on: Commands) -> None:
    made = on.told("keys", "make", "tester", "--scope", "orders:read", "--customer", "C-BIRCH")
    asking = {"Authorization": f"Bearer {made['key']}"}
    url = f"{run_of(on.data)['api']}/v1/orders"

    assert httpx.get(url, headers=asking, trust_env=False).status_code == 200
    assert made["key"] not in on.run("keys").stdout
    assert on.run("keys", "revoke", made["id"]).exit_code == 0
    assert made["id"] not in {key["id"] for key in on.told("keys")["items"]}
    assert on.run("keys", "revoke", made["id"]).exit_code == 1


def test_a_key_needs_scopes_there_are(on: Commands) -> None:
    done = on.run("keys", "make", "tester", "--scope", "everything")

    assert done.exit_code == 1
    assert "unknown scope" in done.stderr


# where no stack is, or a slow one


@pytest.mark.parametrize(
    "words",
    [
        *("orders", "holds", "deadletters", "events", "inventory", "keys", "account stock"),
        *("audit x", "holds release x-H1", "inventory proof", "events --follow"),
    ],
)
def test_without_a_stack_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    done = Commands(tmp_path, monkeypatch).run(*words.split())

    assert done.exit_code == 1
    assert done.stdout == ""
    assert "make up" in done.stderr


def test_a_process_says_by_its_status_that_there_is_no_stack(tmp_path: Path) -> None:
    assert throughline(tmp_path, "orders").returncode == 1


class Slow(BaseHTTPRequestHandler):
    """Answers when `waited_for` is set."""

    waited_for = threading.Event()

    def do_GET(self) -> None:
        assert self.waited_for.wait(120)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"items": [], "next": null}')

    def log_message(self, *_: object) -> None:
        """Not on the test's output."""


def test_what_takes_long_says_that_it_goes_on(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}"
        info = {"api": url, "api_key": "tl_key", "supervisor": os.getpid()}
        (tmp_path / run_file.NAME).write_text(json.dumps(info))
        try:
            with running(tmp_path, "orders", "--json") as asking:
                assert asking.stderr
                assert "The API is being asked" in asking.stderr.readline()
                Slow.waited_for.set()
                found = json.loads(asking.communicate(timeout=120)[0])
                assert asking.returncode == 0
        finally:
            Slow.waited_for.set()
            server.shutdown()
    assert found == {"items": [], "next": None}


# the sample company's page


def test_the_sample_companys_page_is_current() -> None:
    """Stale? `throughline sample describe --write`."""
    assert PAGE.read_text() == page()
