"""`python -m api`: serves the HTTP API."""

from adapters.config import Settings
from adapters.process import run
from api.serving import serve

if __name__ == "__main__":
    run(serve(Settings.from_env()))
