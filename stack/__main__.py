"""`throughline` and `python -m stack`."""

from typing import NoReturn

from adapters.process import end_with
from stack.cli import app


def main() -> NoReturn:
    end_with(app)


if __name__ == "__main__":
    main()
