PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
T ?= tests
TESTS ?=
UPGRADE ?=
STAMP := $(VENV)/.installed

.PHONY: setup lock demo test coverage wheel-test lint types imports bench docs soak fuzz clean

setup: $(STAMP)

# uv, because the console scripts of older pips import `re`, which costs as much as half of Python's start.
$(STAMP): pyproject.toml requirements-dev.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make setup PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

# The pins stay as they are where they still fit: `make lock UPGRADE=--upgrade` takes the newest.
LOCK := pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make lock'
lock: setup
	$(BIN)/uv $(LOCK) $(UPGRADE) --group dev pyproject.toml --output-file requirements-dev.txt
	$(BIN)/uv $(LOCK) $(UPGRADE) --group docs --constraint requirements-dev.txt pyproject.toml --output-file requirements-docs.txt

demo: setup
	@$(BIN)/python docs/demo.py $(BIN)/sophia-secrets

test: setup
	$(BIN)/python -m pytest $(T) $(if $(TESTS),-k "$(TESTS)")

# With nothing else asked for, it fails where these reach less of the program than they should.
COVERED := tests/unit tests/cli tests/contract
PART = $(filter-out tests,$(T))$(TESTS)
coverage: setup
	$(BIN)/coverage erase
	-$(BIN)/coverage run -m pytest $(if $(filter-out tests,$(T)),$(T),$(COVERED)) $(if $(TESTS),-k "$(TESTS)")
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report $(if $(PART),,--fail-under=95)

wheel-test: setup
	$(BIN)/python -m tests.distribution.installed

soak: setup
	SOPHIA_SOAK=1 PYTEST_TIMEOUT=7200 $(BIN)/python -m pytest $(T) $(if $(TESTS),-k "$(TESTS)")

# Atheris has wheels for a few Pythons and platforms alone, so it is not among the tools of `make setup`.
fuzz: setup
	$(BIN)/python -m pip install --quiet atheris==3.0.0
	$(BIN)/python -m tests.fuzz $(T:tests=)

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
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-docs.txt
	$(BIN)/python docs/build.py

clean:
	rm -rf $(VENV) .coverage* .fuzz site dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
