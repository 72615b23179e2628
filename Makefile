# Everything a person does with this repository. `make` lists the targets.
PYTHON ?= $(shell command -v python3.11 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check
export MUJOCO_GL ?= egl
export LP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help debian setup demo test test-peer test-manual lint peer docs pictures shop dagster clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

debian: ## install what Debian must provide (or say which command does)
	@bash tools/debian.sh

setup: $(VENV)/.installed  ## create .venv with everything pinned

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --upgrade -c constraints.txt setuptools
	$(PIP) install --quiet -c constraints.txt -e '.[dev,sim]'
	@touch $@

demo: debian setup  ## the main job: sample community -> corpus -> policies -> signed packs -> shop
	$(BIN)/deftworks demo

test: debian setup  ## all tests that need no GPU, no network and no hours
	$(BIN)/lint-imports --no-logo
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not manual" -n 2 --dist loadfile

test-peer: setup peer  ## parity with LeRobot 0.4.4
	$(BIN)/python -m pytest -m peer

test-manual: setup  ## tests that need a GPU, a network or hours
	$(BIN)/python -m pytest -m manual

lint: setup  ## ruff, format, import rules, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

peer: .peer/complete  ## LeRobot 0.4.4 in an environment of its own, to compare with

.peer/complete:
	PYTHON=$(PYTHON) bash tests/peer/build.sh

docs: setup  ## regenerate docs/contracts
	$(BIN)/python -m data_contracts.documents docs/contracts

pictures: debian setup  ## take the pictures of the README from the running shop and Dagster (after make demo)
	$(BIN)/python -m tools.pictures

shop: setup  ## open the shop
	$(BIN)/deftworks shop

dagster: setup  ## open the Dagster UI
	$(BIN)/deftworks dagster

clean:  ## remove the environment and caches; the lake stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
