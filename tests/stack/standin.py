"""A service in miniature, run as a script: `standin.py PORT NOTES NAME`.

Answers HTTP on the port, and writes its name into the notes when it is told to stop.
"""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import FrameType


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


def main() -> None:
    port, notes, name = sys.argv[1:]

    def stop(number: int, frame: FrameType | None) -> None:
        with Path(notes).open("a") as file:
            file.write(f"{name}\n")
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    HTTPServer(("127.0.0.1", int(port)), Answer).serve_forever()


if __name__ == "__main__":
    main()
