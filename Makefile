# Every target makes the environment it needs. PYTHON may name another interpreter (3.11 or later).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What the demo needs, and what the tests add; both in one environment. The pins are those of the interpreter.
READY := $(VENV)/.ready
DEV := $(VENV)/.ready-dev
PINS = $(wildcard constraints/py$(shell $(BIN)/python -c 'import sys; print("{}{}".format(*sys.version_info))').txt)
INSTALL = $(BIN)/python -m pip install --quiet $(addprefix --constraint=,$(PINS)) --editable

# Tests run in two processes, a module in one of them; a thread pool in each would only get in the other's way.
PYTEST = OMP_NUM_THREADS=1 RAYON_NUM_THREADS=1 $(BIN)/python -m pytest -n $(PROCESSES) --dist loadscope
PROCESSES ?= 2
# Where docstrings have examples; those of benchmarks/ run with its tests. One process: to start a second takes longer.
EXAMPLES = malmoi pipelines/malmoi_pipelines tokenizer_lab/malmoi_tokenizer_lab trainer/malmoi_trainer \
  constraints tests/tokenizer_lab/plain_bpe.py

.PHONY: demo test test-all lint check conformance extras faults mutants bench docs dist constraints clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(READY): pyproject.toml $(wildcard constraints/py*.txt) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(INSTALL) '.[data,train]'
	touch $@

$(DEV): $(READY)
	$(INSTALL) '.[data,train,dev]'
	touch $@

demo: $(READY)  ## generated raw text to a trained model, in minutes
	$(BIN)/malmoi run recipes/quickstart.yaml --out demo

test: $(DEV)  ## every promise once
	$(PYTEST) -m 'not slow and not flink'

test-all: test  ## and what repeats it in full, real text at length, Flink
	$(PYTEST) -m 'slow or flink'

lint: $(DEV)  ## format, lint, types, the examples of the docstrings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q --doctest-modules $(EXAMPLES)

check: lint  ## before every commit: that, and the tests that take no time
	$(PYTEST) -q -m 'not long' --durations=5 --durations-min=3

conformance: $(DEV)  ## the table of all runners: which give the same bytes
	$(BIN)/python benchmarks/conformance.py

extras: dist  ## each extra alone in a fresh environment of PYTHON: docs/extras.md; EXTRAS names some
	$(BIN)/python benchmarks/extras.py --python $(PYTHON) $(EXTRAS)

faults: $(DEV)  ## kill, fill the disk, break and lose files: what holds then (docs/faults.md)
	$(BIN)/python benchmarks/faults.py

mutants: $(DEV)  ## change the pure cores a little and list what no test notices; MODULES names others
	$(BIN)/python benchmarks/mutants.py $(MODULES)

bench: $(DEV)  ## all measurements, on generated inputs
	for bench in benchmarks/bench_*.py; do $(BIN)/python $$bench || exit 1; done

docs: $(DEV)  ## regenerate the pages that are made from the code
	$(BIN)/python -m malmoi_pipelines.contracts.describe > docs/data-format.md
	$(BIN)/python -m malmoi_pipelines.text.describe > docs/rules.md
	$(BIN)/python -m malmoi.stages > docs/stages.md
	$(BIN)/python -m malmoi.settings.page > docs/settings.md
	$(BIN)/python -m malmoi.settings.page --schema > docs/settings.schema.json

dist: $(DEV)  ## wheel and source distribution
	rm -rf dist build
	$(BIN)/python -m build

constraints:  ## pin anew what PYTHON gets; UPGRADE=--upgrade takes the newest of everything
	$(PYTHON) constraints/make.py $(UPGRADE)

clean:  ## the demo's output and the environment
	rm -rf demo dist build $(VENV)
