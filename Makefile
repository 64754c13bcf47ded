# Everything here needs only Python 3.11 or newer, make and git; `make setup` brings the rest into .venv.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info < (3, 14)))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
STAMP := .venv/.ready
export PYTHONUTF8 := 1

.PHONY: help setup course test lab notebooks reproduce bench lint lock clean

help:
	@echo "make course     set everything up; run all lectures and the report's pipeline on built-in data"
	@echo "make test       set everything up; run all tests"
	@echo "make lab        JupyterLab in notebooks/ (options: make lab LAB=--no-browser)"
	@echo "make notebooks  build the notebooks from notebooks/src/"
	@echo "make reproduce  retrain every shipped weight, rewrite every results file (needs FSDD and MNIST, about two hours)"
	@echo "make bench      measure speed against named peers"
	@echo "make setup      only set up .venv;  make lint, make lock, make clean"

setup: $(STAMP)

# The stamp is as new as what it was made from: a second run has nothing to do.
$(STAMP): requirements.lock requirements-uv.lock pyproject.toml teach/pyproject.toml
	@test -n "$(PYTHON)" || { echo "Error: no Python 3.11, 3.12 or 3.13 was found. Install one, or run: make PYTHON=/path/to/python3" >&2; exit 2; }
	@echo "Setting up .venv with $(PYTHON) (once; downloads 2 to 3 GB) ..."
	@rm -f $(STAMP)
	@$(PYTHON) -m venv --clear .venv || { echo "Error: this Python cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable . --editable teach
	@touch $(STAMP)

course: $(STAMP)
	@$(BIN)/teach all

test: $(STAMP)
	@$(BIN)/python -m tests.run

lab: $(STAMP)
	@cd notebooks && ../$(BIN)/jupyter lab $(LAB)

notebooks: $(STAMP)
	@$(BIN)/teach build

reproduce: $(STAMP)
	@$(BIN)/a2d data fetch fsdd mnist
	@$(BIN)/python -m results.reproduce

bench: $(STAMP)
	@$(BIN)/python -m benchmarks.bench
	@$(BIN)/python -m benchmarks.lectures
	@$(BIN)/python -m benchmarks.grading

lint: $(STAMP)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

# torch is held at the version that is tested; everything else is the newest that pyproject.toml allows.
lock: $(STAMP)
	@echo 'torch==2.13.0' > .venv/constraints.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-index-url \
		--python-version 3.11 --extra course --extra teach --extra dev --constraints .venv/constraints.txt \
		pyproject.toml -o requirements.lock

clean:
	rm -rf .venv build
