"""The README's tour is the code's, and what it shows of the demo is what the demo checks."""

import ast
import re

from stack.places import ROOT
from tests.docs.pages import blocks
from workflows.order import ACTIVITIES

README = ROOT / "README.md"


def rows() -> list[list[str]]:
    """The cells of the tour, without its head."""
    text = README.read_text()
    table = text.partition("<!-- tour:")[2].partition("<!-- end of tour -->")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def stages() -> list[str]:
    """What `run` awaits, in its order."""
    (order,) = (
        node
        for node in ast.parse((ROOT / "workflows" / "order.py").read_text()).body
        if isinstance(node, ast.ClassDef) and node.name == "OrderWorkflow"
    )
    (run,) = (n for n in order.body if isinstance(n, ast.AsyncFunctionDef) and n.name == "run")
    awaits = (node.value for node in ast.walk(run) if isinstance(node, ast.Await))
    calls = [node.func for node in awaits if isinstance(node, ast.Call)]
    return [func.attr for func in calls if isinstance(func, ast.Attribute)]


def test_every_stage_is_in_the_tour_in_its_order() -> None:
    told = [re.findall(r"`OrderWorkflow\.(\w+)`", row[0]) for row in rows()]

    assert [name for names in told for name in names] == stages()


def test_every_activity_a_step_calls_is_in_the_tour() -> None:
    told = {name for row in rows() for name in re.findall(r"`(\w+\.\w+)`", row[2])}

    assert told == {activity.__qualname__ for activity in ACTIVITIES.values()}


def test_the_demo_checks_what_is_shown_of_it() -> None:
    (shown,) = (block for block in blocks(README, "") if "what was found" in block)
    checks = {cells[0].strip() for line in shown.splitlines() if (cells := line.split("│")[1:])}
    code = (ROOT / "stack" / "demo" / "command.py").read_text()
    books = {f"{book} conserved" for book in ("stock", "money", "messages")}

    assert books < checks
    assert all(f'"{check}"' in code for check in checks - books - {"orders", ""})
