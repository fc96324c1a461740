# Everything runs in .venv, which is made here and brought up to date when pyproject.toml changes.
PYTHON ?= python3
# On a computer without a GPU, where PyPI's torch brings 3 GB of CUDA, for example:
# make install-train TORCH="torch --index-url https://download.pytorch.org/whl/cpu"
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin
# One stamp for each set of packages, so that each command installs what it needs and no more.
MADE := $(VENV)/.made
DEMO := $(VENV)/.demo
DEV := $(VENV)/.dev
TRAIN := $(VENV)/.train

# uv installs in seconds what takes pip minutes.  Where uv cannot be installed, or cannot reach the
# packages (it does not read pip's configuration), pip installs them.
install = $(BIN)/uv pip install --quiet --python $(BIN)/python $(1) || \
	{ echo "uv could not install the packages; trying pip."; $(BIN)/python -m pip install --quiet $(2); }

export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Three processes, because many tests wait for servers; a file at a time, in conftest.py's order.
BESIDE := -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: help demo test check lint types docs install-train clean
help:
	@echo "make demo   watch simulated scans being classified (ARGS=\"--headless --duration 20\")"
	@echo "make test   run the quick tests (ARGS=\"-k files\")"
	@echo "make check  run all tests: slow ones, browser, research, and those that measure time"
	@echo "make lint   ruff;  make types   mypy;  make docs   the site, into build/docs"
	@echo "make install-train   what training needs (torch), with which its tests run too"

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "live_lce needs Python 3.11 or newer: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq uv || echo "uv could not be installed; pip installs the packages."
	@touch $@

$(DEMO): $(MADE) pyproject.toml
	@echo "Installing what the demo needs: a minute or two ..."
	@$(call install,-e '.[demo]',-e '.[demo]')
	@touch $@

# Bytecode is compiled at once, because tests start many processes.
$(DEV): $(DEMO)
	@echo "Installing what development needs ..."
	@$(call install,--compile-bytecode -e '.[dev]',-e '.[dev]')
	@touch $@

# By pip, not by uv: pip takes a wheel of torch for the CPU where its configuration names one; uv
# does not read it and would download the CUDA build.  The version is pinned for the same reason.
$(TRAIN): $(DEV)
	@echo "Installing what training needs ..."
	$(BIN)/python -m pip install --quiet $(TORCH)
	$(BIN)/python -m pip install --quiet -e '.[train]'
	@touch $@

demo: $(DEMO)
	$(BIN)/live-lce demo $(ARGS)

test: $(DEV)
	$(BIN)/python -m pytest $(BESIDE) -m "not slow and not serial" tests/unit tests/integration $(ARGS)

check: $(DEV)
	$(BIN)/python -m pytest $(BESIDE) -m "not serial" $(ARGS)
	$(BIN)/python -m pytest -m serial $(ARGS)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV)
	$(BIN)/mypy

docs: $(DEV)
	$(BIN)/live-lce config reference > docs/reference/configuration.md
	$(BIN)/python -m tools.contract_page > docs/reference/contract.md
	$(BIN)/python -m sphinx -E -W --keep-going -q -d build/doctrees docs build/docs
	$(BIN)/python -m pytest -q --doctest-modules --doctest-ignore-import-errors live_lce

install-train: $(TRAIN)

clean:
	rm -rf $(VENV) build dist
