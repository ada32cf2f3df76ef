# Every target makes the environment it needs. PYTHON may name another interpreter (3.11 or later).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check bench docs clean

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[beam,train,dev]'
	touch $(READY)

demo: $(READY)  ## generated raw text to a trained model, in minutes
	$(BIN)/malmoi run recipes/quickstart.yaml --out demo

test: $(READY)  ## all tests this machine can run
	$(BIN)/python -m pytest

check: $(READY)  ## before every commit: format, lint, types, fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -m 'not slow and not flink and not gpu'

bench: $(READY)  ## the measurements that need no input of their own
	for bench in $$(grep -L 'required=True' benchmarks/bench_*.py); do $(BIN)/python $$bench || exit 1; done

docs: $(READY)  ## regenerate the pages that are made from the code
	$(BIN)/python -m malmoi_pipelines.contracts.describe > docs/data-format.md
	$(BIN)/python -m malmoi_pipelines.text.describe > docs/rules.md

clean:  ## the demo's output and the environment
	rm -rf demo $(VENV)
