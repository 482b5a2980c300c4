# make run        installs what the app needs into .venv and starts it
# make test       installs that and the test tools, and runs the tests
# make test-slow  runs those that `make test` leaves out, of about ten seconds or more each
# make fuzz       tries damaged sound files for MINUTES (5) and keeps those that break something in fuzz-failures/
# make lock       writes requirements.lock: every package, with its hashes
# make audit      looks for known vulnerabilities of what is locked, and fails where it cannot ask
# make sbom       writes sbom.json, what it is all made of
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

# An environment of another Python, or one that was half made, is made again.
IS_NEW_ENOUGH = -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
ENSURE_VENV = $(BIN)/python $(IS_NEW_ENOUGH) || { \
    $(PYTHON) $(IS_NEW_ENOUGH) || { \
        echo "Python 3.11 or later is needed, and $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
            "Name another: make run PYTHON=python3.11" >&2; exit 1; }; \
    rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); }

.PHONY: run test test-slow fuzz lint lock audit sbom clean

run: $(VENV)/.installed
	$(BIN)/python -m streamlit run app.py --server.port $(PORT)

# Workers take tests from the others when they have none left; how many, tests/conftest.py says.
test test-slow: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist worksteal -m "$(if $(findstring slow,$@),slow,not slow)"

fuzz: $(VENV)/.installed-dev
	$(BIN)/python -m tests.audio.fuzz --minutes $(MINUTES) --keep fuzz-failures

# Tools that the app needs nothing of, in an environment of their own.
TOOLS = .venv-tools

$(TOOLS)/.installed:
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --disable-pip-version-check --quiet uv==0.13.9 pip-audit cyclonedx-bom==7.5.0
	touch $@

lock: $(TOOLS)/.installed
	$(TOOLS)/bin/uv pip compile requirements.txt --universal --python-version 3.11 --generate-hashes --quiet \
	    --custom-compile-command "make lock" --output-file requirements.lock

audit: $(TOOLS)/.installed
	$(TOOLS)/bin/pip-audit --requirement requirements.lock --require-hashes --disable-pip --strict || { \
	    echo "A locked package has a known vulnerability, or the database at pypi.org could not be asked; the lines" \
	        "above say which." >&2; exit 1; }

sbom: $(TOOLS)/.installed
	$(TOOLS)/bin/cyclonedx-py requirements requirements.lock --of JSON -o sbom.json

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

$(VENV)/.installed: requirements.txt
	@$(ENSURE_VENV)
	$(PIP) -r requirements.txt
	touch $@

$(VENV)/.installed-dev: requirements.txt requirements-dev.txt
	@$(ENSURE_VENV)
	$(PIP) -r requirements-dev.txt
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) $(TOOLS) .pytest_cache .ruff_cache
