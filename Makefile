# make demo · make test · make gate · make lint · make bench: each makes its own .venv when it is missing.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
DEMO   ?= manifests/demo

.PHONY: demo test lint gate bench clean

$(BIN)/faceprep: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "faceprep needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

# Exit code 3 means: done, but some faces were not found. The sheet shows which.
demo: $(BIN)/faceprep
	$(BIN)/faceprep run -c pipelines/demo.toml --workspace $(DEMO) || test $$? -eq 3
	$(BIN)/faceprep show $(DEMO) --sheet $(DEMO)/sheet.png
	@echo "look at $(DEMO)/sheet.png"

test: $(BIN)/faceprep lint
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=term --cov-fail-under=95

# A small study from nothing; exit code 4 if an accuracy dropped below the committed baseline.
GATE := -c pipelines/gate.toml --workspace $(or $(GATE_WORKSPACE),manifests/gate)
gate: $(BIN)/faceprep
	$(BIN)/faceprep train $(GATE) || test $$? -eq 3
	$(BIN)/faceprep augment $(GATE) --n 560 --overwrite
	$(BIN)/faceprep classify $(GATE) --only
	$(BIN)/faceprep check $(GATE) --baseline manifests/baselines/gate.json

lint: $(BIN)/faceprep
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/numpydoc lint $$(git ls-files 'faceprep/*.py')
	$(BIN)/mypy

bench: $(BIN)/faceprep
	@echo "see benchmarks/README.md: each measurement names its command"

clean:
	rm -rf $(VENV) *.egg-info .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
