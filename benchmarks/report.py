"""The figures in docs/benchmarks.md: a row per benchmark, put there by the command alone."""

from pathlib import Path

from benchmarks.result import Result
from stack.places import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"
HEAD = ["| name | ratio | at least | what else was seen |", "|---|---|---|---|"]


def write_row(result: Result, page: Path = PAGE) -> None:
    """Replace this benchmark's row, or add it; the other rows stay as they are."""
    before, _, rest = page.read_text().partition(BEGIN)
    table, _, after = rest.partition(END)
    kept = [line for line in table.splitlines()[len(HEAD) :] if not line.startswith(_name(result))]
    rows = sorted([*kept, _row(result)])
    page.write_text(before + BEGIN + "\n".join([*HEAD, *rows]) + "\n" + END + after)


def _name(result: Result) -> str:
    return f"| {result.name} |"


def _row(result: Result) -> str:
    seen = ", ".join(f"{name} {value}" for name, value in result.more.items())
    rounds = f"{len(result.ours)} round{'s' if len(result.ours) > 1 else ''}"
    return f"{_name(result)} {result.ratio:.2f} | {result.target} | {rounds}; {seen} |"
