"""`python -m stack.simulators NAME --port P --book FILE`"""

import argparse
from pathlib import Path

from adapters.process import run
from stack.simulators.registry import VENDORS
from stack.simulators.server import serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m stack.simulators", description=__doc__)
    parser.add_argument("name", choices=sorted(VENDORS))
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--book", type=Path, required=True, help="an SQLite file, made if missing")
    asked = parser.parse_args()
    run(serve(asked.name, asked.port, asked.book, host=asked.host))


if __name__ == "__main__":
    main()
