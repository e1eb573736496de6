"""Where things are: the checkout, its data, and what several checkouts of one user share."""

import fcntl
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("THROUGHLINE_DATA") or ROOT / ".throughline").resolve()
"""Data, logs and run.json of the stack that runs here; with `THROUGHLINE_PORT_BASE`, of another."""


class StackError(Exception):
    """The stack cannot go on; the message says why and what to do, and is all a user needs."""


@dataclass(frozen=True)
class Account:
    """An existing unprivileged account, for a program that refuses to run as root."""

    name: str
    uid: int
    gid: int


def unprivileged_account() -> Account | None:
    """Who runs what root may not run; None when we are not root. Never creates an account."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(found.pw_name, found.pw_uid, found.pw_gid)
    raise StackError(
        "PostgreSQL does not run as root, and neither account `postgres` nor `nobody` exists here:"
        " run this as an ordinary user, or set DATABASE_URL to a server of yours."
    )


def cache_folder() -> Path:
    """What this user's checkouts share: programs that were downloaded or built."""
    base = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(base) if base else Path.home() / ".cache") / "throughline"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def make_folder(path: Path) -> Path:
    """A folder of ours that others may pass through (a server's account must) but not list."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o711)
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file that only we may read (mode 0600), whole or not at all."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


def others_can_enter(path: Path) -> bool:
    """Whether an account that owns nothing here can reach something inside `path`."""
    path = path.resolve()
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents) if folder.exists())


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold `path` for this process alone; raises BlockingIOError when not to `wait` and held."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not inherited by children, so the lock never outlives the process that took it.
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
