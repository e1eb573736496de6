"""Ports: the same in every run, moved as a whole, never one that is taken."""

import socket
from pathlib import Path

import pytest

from stack.places import StackError
from stack.ports import DEFAULT_BASE, OFFSETS, free_ports, is_free, remembered_ports


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> int:
    """A base from which all ports are free, in force for the test."""
    start = next(
        start
        for start in range(21_000, 31_000, 50)
        if all(is_free(start + offset) for offset in OFFSETS.values())
    )
    monkeypatch.setenv("THROUGHLINE_PORT_BASE", str(start))
    return start


def test_the_base_moves_all_ports(base: int, tmp_path: Path) -> None:
    ports = remembered_ports(tmp_path / "ports.json")

    assert ports == {name: base + offset for name, offset in OFFSETS.items()}


def test_a_taken_port_is_replaced_and_the_replacement_remembered(base: int, tmp_path: Path) -> None:
    with _listening(base):
        first = remembered_ports(tmp_path / "ports.json")
    second = remembered_ports(tmp_path / "ports.json")

    assert first["api"] != base
    assert second == first


def test_ports_remembered_for_another_base_do_not_count(
    base: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered_ports(tmp_path / "ports.json")
    monkeypatch.setenv("THROUGHLINE_PORT_BASE", str(base + 1))

    assert remembered_ports(tmp_path / "ports.json")["api"] != base


def test_free_ports_are_different_ones_and_none_that_is_taken() -> None:
    [taken] = free_ports(["one"]).values()
    with _listening(taken):
        ports = free_ports(OFFSETS)

    assert taken not in ports.values()
    assert len(set(ports.values())) == len(OFFSETS)


@pytest.mark.parametrize("text", ["", "ten", "-1", "80", "65530"])
def test_a_base_that_is_no_port_is_refused_in_words(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THROUGHLINE_PORT_BASE", text)

    with pytest.raises(StackError, match="THROUGHLINE_PORT_BASE"):
        remembered_ports(tmp_path / "ports.json")


def test_default_ports_are_outside_what_systems_give_out() -> None:
    assert DEFAULT_BASE > 1024
    assert DEFAULT_BASE + max(OFFSETS.values()) < 32_768


def _listening(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port))
