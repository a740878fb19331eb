# Everything happens in .venv, in this tree. Needed beforehand: Python 3.11+, make, a C compiler.

PYTHON ?= $(shell ./requirements/python)
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format bench reading-report screenshots lock clean

help: ## say what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{printf "  make %-16s %s\n", $$1, $$2}'

# A half-made environment leaves no stamp, so the next run tries again.
# .run has what the gateway needs, .tests what its tests need besides, .linked the command `galateo`.
setup: $(VENV)/.linked $(VENV)/.tests ## make .venv with everything the tests need

$(VENV)/.run: requirements/run.txt requirements/build.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Galateo needs Python 3.11 or later; try: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --compile -r requirements/run.txt -r requirements/build.txt
	@touch $@

$(VENV)/.linked: $(VENV)/.run pyproject.toml
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.tests: $(VENV)/.run requirements/dev.txt
	$(BIN)/python -m pip install --quiet --require-hashes --compile -r requirements/dev.txt
	@touch $@

demo: $(VENV)/.linked ## start the gateway, send it a dozen messages, show what became of them (ARGS=--once to stop after)
	$(BIN)/galateo demo $(ARGS)

test: check ## check, then the whole test suite
	$(BIN)/python -m pytest $(ARGS)

check: setup ## ruff, mypy --strict, import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## let ruff put things in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## measure the gateway against Postfix and a plain forwarder
	$(BIN)/python -m bench $(ARGS)

reading-report: setup ## how well the reading judges the labeled texts
	$(BIN)/python -m bench.reading_report $(ARGS)

screenshots: setup ## photograph the console for the documentation
	$(BIN)/python -m docs.screenshots $(ARGS)

lock: ## refresh the hashed lock files (LOCK_ARGS=--upgrade for newer versions)
	./requirements/lock $(LOCK_ARGS)

clean: ## remove what this file made
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
