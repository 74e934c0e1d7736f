# make demo · make test · make coverage · make gate · make lint · make bench: each makes its own .venv
# when it is missing.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
DEMO   ?= manifests/demo

.PHONY: demo test coverage lint gate bench clean

# Modules compile when they are first imported: compiling all takes as long as the rest of pip's work.
$(BIN)/faceprep: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "faceprep needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing faceprep and its packages into $(VENV): about 2 GB without CUDA"
	$(BIN)/python -m pip install --disable-pip-version-check --no-compile -c constraints.txt -e '.[test]'
	touch $@

# Exit code 3 means: done, but some faces were not found. The sheet shows which.
demo: $(BIN)/faceprep
	$(BIN)/faceprep run -c pipelines/demo.toml --workspace $(DEMO) || test $$? -eq 3
	$(BIN)/faceprep show $(DEMO) --sheet $(DEMO)/sheet.png
	@echo "look at $(DEMO)/sheet.png"

# Four processes on two cores, because tests of clusters and of killed workers mostly wait; one
# thread each, because several of them wait for each other where there are more than cores.
PYTEST := -m pytest -n 4 --dist loadfile --no-loadscope-reorder

test: $(BIN)/faceprep lint
	OMP_NUM_THREADS=1 $(BIN)/python $(PYTEST)

# Takes half as long again as `make test`.
coverage: $(BIN)/faceprep
	OMP_NUM_THREADS=1 $(BIN)/python $(PYTEST) --cov --cov-report=term --cov-fail-under=95

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
