"""The embedded PostgreSQL: its data survives, its starter's death ends it."""

import asyncio
import os
import signal
import stat
import sys
from pathlib import Path

import psycopg
import pytest

from stack import services
from stack.places import ROOT, Account, StackError
from stack.ports import free_ports
from stack.postgres import Cluster, create_database, home_for, open_cluster
from stack.supervisor import Supervisor
from stack.testing import postgres_answers, running
from tests.stack.conftest import eventually, is_gone


@pytest.fixture
def cluster(folder: Path) -> Cluster:
    return open_cluster(folder / "postgres", durable=False)


@pytest.fixture
def port() -> int:
    return free_ports(["postgres"])["postgres"]


def test_data_survives_a_restart(cluster: Cluster, port: int, tmp_path: Path) -> None:
    server = cluster.url(port, "postgres")
    program = cluster.program(port, tmp_path / "log")
    with running(program, lambda: postgres_answers(server)):
        create_database(server)
        _write(cluster.url(port))

    again = open_cluster(cluster.home, durable=False)
    with running(again.program(port, tmp_path / "log"), lambda: postgres_answers(server)):
        assert _read(again.url(port)) == 1


def test_only_whoever_knows_the_password_gets_in(
    cluster: Cluster, port: int, tmp_path: Path
) -> None:
    server = cluster.url(port, "postgres")
    with (
        running(cluster.program(port, tmp_path / "log"), lambda: postgres_answers(server)),
        pytest.raises(psycopg.OperationalError, match="password"),
    ):
        psycopg.connect(server.replace(cluster.password, "guessed"))
    assert stat.S_IMODE((cluster.home / "password").stat().st_mode) == 0o600


async def test_it_is_back_after_a_kill_with_what_was_committed(
    cluster: Cluster, port: int, tmp_path: Path
) -> None:
    server = cluster.url(port, "postgres")
    supervisor = Supervisor(lambda message: None, lambda: None)
    service = services.postgres(cluster.program(port, tmp_path / "log"), server)
    try:
        await supervisor.start(service)
        create_database(server)
        _write(cluster.url(port))
        for _ in range(3):  # the first start after SIGKILL fails now and then
            [pid] = supervisor.pids()["postgres"]
            os.kill(pid, signal.SIGKILL)

            async def back(killed: int = pid) -> bool:
                running = supervisor.pids().get("postgres", [killed]) != [killed]
                return running and await service.ready() is None

            await eventually(back, within=5)
            assert _read(cluster.url(port)) == 1
    finally:
        await supervisor.stop()


async def test_it_ends_when_its_starter_is_killed(folder: Path, port: int) -> None:
    owner = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import sys, time, pathlib\n"
        "from stack.postgres import open_cluster\n"
        "from stack.processes import start\n"
        "cluster = open_cluster(pathlib.Path(sys.argv[1]), durable=False)\n"
        "server = start(cluster.program(int(sys.argv[2]), pathlib.Path(sys.argv[3])))\n"
        "print(server.pid, cluster.url(int(sys.argv[2]), 'postgres'), flush=True)\n"
        "time.sleep(60)\n",
        *(str(folder / "postgres"), str(port), str(folder / "log")),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert owner.stdout
    said = (await asyncio.wait_for(owner.stdout.readline(), 20)).decode().split()
    pid, url = int(said[0]), said[1]
    await eventually(lambda: postgres_answers(url), within=10)

    owner.kill()
    await owner.wait()

    await eventually(lambda: is_gone(pid), within=5)


def test_data_of_another_major_version_is_refused_and_left_alone(cluster: Cluster) -> None:
    (cluster.data / "PG_VERSION").write_text("12\n")

    with pytest.raises(StackError, match="is of PostgreSQL 12"):
        open_cluster(cluster.home)


def test_a_home_no_other_account_can_reach_is_kept_elsewhere_and_left_closed(
    tmp_path: Path,
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    account = Account("nobody", 65534, 65534)

    home = home_for(closed / "postgres", account)

    assert not home.is_relative_to(tmp_path)
    assert home == home_for(closed / "postgres", account)
    assert home != home_for(closed / "another", account)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def _write(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("create table kept (value int)")
        connection.execute("insert into kept values (1)")


def _read(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("select value from kept").fetchone()
    assert row
    return int(row[0])
