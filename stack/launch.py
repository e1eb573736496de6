"""Becomes another program that dies with the process that started it. Run as a script, by path.

`launch.py SIGNAL PARENT UID:GID|- PROGRAM ARGUMENT…`: the kernel sends SIGNAL to the program when
PARENT ends, however it ends (Linux only; elsewhere the program is merely started). A function run
between fork and exec could do the same, but not safely in a parent that has threads.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def follow(parent: int, signal: int) -> None:
    """Have the kernel send `signal` to this process when `parent` (its parent) ends."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        sys.exit("the process that started this one has already ended")


def main() -> None:
    signal, parent, account, *argv = sys.argv[1:]
    if account != "-":
        uid, gid = account.split(":")
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    # After the change of user, which would clear it; it survives exec.
    follow(int(parent), int(signal))
    os.execvp(argv[0], argv)  # noqa: S606 - a list, no shell: becoming the program is the point


if __name__ == "__main__":
    main()
