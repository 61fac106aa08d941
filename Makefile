# One word per task. `make demo` and `make test` work on a bare machine with Python 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
PIN := -c constraints.txt

.PHONY: demo test lint docs bench bench-quick accuracy lab clean

$(VENV)/.base: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install $(PIN) -e .
	touch $@

$(VENV)/.dev: $(VENV)/.base
	$(PIP) install $(PIN) torch
	$(PIP) install $(PIN) -e '.[dev,torch,cluster,notebook,practice]'
	touch $@

$(VENV)/.docs: $(VENV)/.dev
	$(PIP) install $(PIN) -e '.[docs]'
	touch $@

demo: $(VENV)/.base ## train, explain and picture two real data sets
	$(BIN)/downslope demo

test: $(VENV)/.dev lint ## everything: style, types, tests, doctests
	$(BIN)/python -m pytest -q -n 2

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) build dist downslope-demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
