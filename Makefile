# Two commands on a fresh machine, python3 (3.11 or later) with venv given:
#   make demo    the daemon on a simulated phone system, live, with a summary at the end
#   make test    every test; as root it also installs what they need besides Python
# For developers:
#   make check   format, lint, types, layers, then the tests: what CI runs
#   make test-asterisk  every test that needs a real Asterisk, on the newest and on the oldest
#   make test-systemd   the service and its package under a real systemd, in a container
#   make deb     a Debian package, in dist/
#   make torture the tests with many more random examples, kills, power cuts and failures: hours
#   make mutants bugs planted on purpose: which of them the simulation finds; half an hour
#   make bench   short benchmarks
#   make lock    resolve the dependencies anew

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# Wheels only, and only those whose hashes are locked: no package's own code runs while it is installed.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all:
INSTALL_SELF := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
LOCK := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --all-build-deps \
	--strip-extras --no-annotate --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options
PYTEST_ARGS ?=

.PHONY: demo test test-asterisk test-systemd deb check lint torture mutants bench lock clean
.DELETE_ON_ERROR:

demo: $(VENV)/runtime
	$(BIN)/ozrules demo

test: $(VENV)/development
	sh tests/system-packages
	$(BIN)/python -m pytest --hypothesis-profile=ci $(PYTEST_ARGS)

# All of it on the newest and on the oldest Asterisk of Debian's archive; `make test` runs the calls that matter on the oldest.
test-asterisk: $(VENV)/development
	sh tests/system-packages
	OZRULES_ASTERISK="sid bullseye" $(BIN)/python -m pytest tests/e2e/asterisk $(PYTEST_ARGS)

test-systemd: $(VENV)/development
	sh tests/system-packages
	$(BIN)/python -m pytest tests/systemd tests/test_units.py $(PYTEST_ARGS)

deb: $(VENV)/development
	packaging/build-deb $(BIN)/python

lint: $(VENV)/development
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

torture: $(VENV)/development
	sh tests/system-packages
	SIMULATION_SEEDS=20000 $(BIN)/python -m pytest --hypothesis-profile=torture --timeout=3600 $(PYTEST_ARGS)
	$(MAKE) mutants

# Bugs planted on purpose: how many of them the simulation of docs/simulation.md finds, and after how many seeds.
mutants: $(VENV)/development
	$(BIN)/python -m tests.simulation.mutants

bench: $(VENV)/development
	$(BIN)/python -m bench.engine --short
	$(BIN)/python -m bench.end_to_end --short

lock: $(VENV)/development
	$(INSTALL_SELF)
	$(LOCK) --output-file requirements.lock pyproject.toml
	$(LOCK) --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

clean:
	rm -rf $(VENV) build dist artefacts

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime: requirements.lock pyproject.toml | $(BIN)/python
	$(INSTALL) --requirement requirements.lock
	$(INSTALL_SELF)
	@touch $@

$(VENV)/development: requirements-dev.lock pyproject.toml | $(BIN)/python
	$(INSTALL) --requirement requirements-dev.lock
	$(INSTALL_SELF)
	@touch $@
