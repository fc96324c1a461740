# Everything runs in .venv, which is made here and made anew when pyproject.toml changes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Two processes, a file at a time: many tests wait for servers.  ARGS="-n 0" uses one.
.PHONY: help demo test lint types docs clean
help:
	@echo "make demo   watch simulated scans being classified (ARGS=\"--headless --duration 20\")"
	@echo "make test   run the tests (ARGS=\"-k files\")"
	@echo "make lint   ruff;  make types   mypy;  make docs   the site, into build/docs"

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "live_lce needs Python 3.11 or newer: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(STAMP)
	$(BIN)/live-lce demo $(ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

docs: $(STAMP)
	$(BIN)/live-lce config reference > docs/reference/configuration.md
	$(BIN)/python -m tools.contract_page > docs/reference/contract.md
	$(BIN)/python -m sphinx -E -W --keep-going -q -d build/doctrees docs build/docs
	$(BIN)/python -m pytest -q --doctest-modules live_lce

clean:
	rm -rf $(VENV) build dist
