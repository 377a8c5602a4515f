PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
T ?= tests
TESTS ?=
STAMP := $(VENV)/.installed

.PHONY: setup demo test lint types imports bench docs soak clean

setup: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make setup PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $(STAMP)

demo: setup
	@$(BIN)/python docs/demo.py $(BIN)/sophia-secrets

test: setup
	$(BIN)/python -m pytest $(T) $(if $(TESTS),-k "$(TESTS)")

soak: setup
	SOPHIA_SOAK=1 $(BIN)/python -m pytest $(T) $(if $(TESTS),-k "$(TESTS)")

lint: setup
	$(BIN)/ruff check src tests benchmarks docs
	$(BIN)/ruff format --check src tests benchmarks docs

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m benchmarks

docs: setup
	$(BIN)/python -m pip install --quiet --group docs
	$(BIN)/python docs/build.py

clean:
	rm -rf $(VENV) site dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
