# make run   installs what the app needs into .venv and starts it
# make test  installs that and the test tools, and runs every test
# make fuzz  tries damaged sound files for MINUTES (5) and keeps those that break something in fuzz-failures/
# All are safe to repeat: an installed environment is used as it is until the requirements change.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PORT ?= 8501

# On Linux PyPI's torch brings CUDA, several gigabytes. For the CPU build alone:
#   make run PIP_FLAGS="--extra-index-url https://download.pytorch.org/whl/cpu"
PIP_FLAGS ?=
PIP = $(BIN)/python -m pip install --disable-pip-version-check --quiet $(PIP_FLAGS)

MINUTES ?= 5

.PHONY: run test fuzz lint clean

run: $(VENV)/.installed
	$(BIN)/python -m streamlit run app.py --server.port $(PORT)

# One worker a core: each has a server and a browser of its own, and takes tests from the others when it has none left.
test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n logical --maxprocesses 8 --dist worksteal

fuzz: $(VENV)/.installed-dev
	$(BIN)/python -m tests.audio.fuzz --minutes $(MINUTES) --keep fuzz-failures

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

$(VENV)/.installed: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -r requirements.txt
	touch $@

$(VENV)/.installed-dev: requirements.txt requirements-dev.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -r requirements-dev.txt
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache
