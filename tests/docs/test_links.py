"""Whatever the documentation links, names or tells to type is there."""

import ast
import importlib.util
import re
from functools import cache
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from adapters.config import Settings
from api.app import create_app
from api.deps import stores_on
from stack.cli import app as throughline
from stack.places import ROOT
from tests.docs.pages import PAGES, anchors, blocks, links, name, typed

every_page = pytest.mark.parametrize("page", PAGES, ids=name)

_SUFFIXES = "py|sql|md|yml|yaml|toml|sh|lock|json"
_PATH = re.compile(rf"(?:[\w.-]+/)+[\w.-]*\.(?:{_SUFFIXES})")
_ROUTE = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) (/v1/[\w/{}.-]*|/[a-z]+)")


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    lost = []
    for link in links(page):
        path, _, anchor = link.target.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link.target)
    assert lost == []


@every_page
def test_every_name_that_links_to_code_is_in_that_file(page: Path) -> None:
    lost = []
    for link in links(page):
        shown = re.fullmatch(r"`([\w.]+)`", link.text)
        target = (page.parent / link.target.partition("#")[0]).resolve()
        if shown and target.suffix in (".py", ".sql") and shown[1] not in names(target):
            lost.append(f"{shown[1]} in {link.target}")
    assert lost == []


@every_page
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = {path for text in typed(page) for path in _PATH.findall(text)}
    lost = [path for path in named if not _exists(path, page)]
    assert lost == []


@every_page
def test_every_target_of_make_is_there(page: Path) -> None:
    told = {word for text in typed(page) for word in re.findall(r"\bmake ([a-z]+)\b", text)}
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert told <= {*targets}


@every_page
def test_every_command_and_option_is_there(page: Path) -> None:
    wrong = []
    for text in typed(page):
        match = re.search(r"(?:^|[/ ])throughline ([a-z].*)", text)
        if match and (trouble := _trouble(match[1].split())):
            wrong.append(f"{text}: {trouble}")
    assert wrong == []


@every_page
def test_every_module_to_run_is_there(page: Path) -> None:
    told = {word for text in typed(page) for word in re.findall(r"python -m ([\w.]+)", text)}
    assert [module for module in told if importlib.util.find_spec(module) is None] == []


@every_page
def test_every_route_is_there(page: Path) -> None:
    told = {f"{verb} {_blank(path)}" for text in typed(page) for verb, path in _ROUTE.findall(text)}
    assert told - _routes() == set()


@every_page
def test_no_diagram_has_a_semicolon(page: Path) -> None:
    """Mermaid takes it for the end of a statement, and draws nothing."""
    assert not any(";" in diagram for diagram in blocks(page, "mermaid"))


@cache
def names(file: Path) -> frozenset[str]:
    """What a file defines: functions, classes, their methods, constants; SQL functions."""
    text = file.read_text()
    if file.suffix == ".sql":
        return frozenset(re.findall(r"create or replace function (\w+)\(", text))
    found: set[str] = set()
    for node in ast.parse(text).body:
        found |= _defined(node)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{each}" for inner in node.body for each in _defined(inner)}
    return frozenset(found | {file.stem, file.name})


def _defined(node: ast.stmt) -> set[str]:
    match node:
        case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
            return {node.name}
        case ast.AnnAssign(target=ast.Name(id=each)):
            return {each}
        case ast.Assign(targets=targets):
            return {each.id for each in targets if isinstance(each, ast.Name)}
    return set()


def _exists(path: str, page: Path) -> bool:
    """From the root, from the page, or the end of the path of some file of ours."""
    if path.startswith((".throughline/", ".venv/")):
        return True  # of a run, not of the project
    return any((folder / path).exists() for folder in (ROOT, page.parent))


def _trouble(words: list[str]) -> str:
    """What is wrong with a command line: its first word that is not known."""
    command = typer.main.get_command(throughline)
    for word in words:
        options = {
            each for known in command.params for each in (*known.opts, *known.secondary_opts)
        }
        if isinstance(command, TyperGroup) and word in command.commands:
            command = command.commands[word]
        elif word.startswith("--") and word not in options | {"--help"}:
            return f"no option {word}"
        elif isinstance(command, TyperGroup) and not word.startswith("--"):
            return f"no command {word}"
    return ""


@cache
def _routes() -> set[str]:
    # Nothing is asked of the database: only what the routes are is looked at.
    app = create_app(stores_on(None), Settings())  # type: ignore[arg-type] # no pool is needed
    return {
        f"{verb.upper()} {_blank(path)}"
        for path, verbs in app.openapi()["paths"].items()
        for verb in verbs
    }


def _blank(path: str) -> str:
    return re.sub(r"\{\w*\}", "{}", path.rstrip("."))
