# Everything a person does with this repository. `make` lists the targets.
PYTHON ?= $(shell command -v python3.11 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
BENCH := .bench
PIP := $(BIN)/pip --disable-pip-version-check
export MUJOCO_GL ?= egl
export LP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help debian setup demo test test-peer test-manual lint peer fuzz bench-curation bench-curation-held-out \
	bench-duplicates bench-normalise bench-rows bench-video bench-crawl bench-operators-day \
	bench-training bench-loader bench-learning bench-shop parity-full docs pictures shop dagster clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-20s %s\n", $$1, $$2}'

debian: ## install what Debian must provide (or say which command does)
	@bash tools/debian.sh

setup: $(VENV)/.installed  ## create .venv with everything pinned

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --upgrade -c constraints.txt setuptools
	$(PIP) install --quiet -c constraints.txt -e '.[dev,sim,postgres]'
	@touch $@

demo: debian setup  ## the main job: sample community -> corpus -> policies -> signed packs -> shop
	$(BIN)/deftworks demo

test: debian setup  ## all tests that need no GPU, no network and no hours
	$(BIN)/lint-imports --no-logo
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not manual" -n 2 --dist loadfile

test-peer: setup peer  ## parity with LeRobot 0.4.4
	$(BIN)/python -m pytest -m "peer and not manual"

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

fuzz: setup  ## 10,000 damaged datasets through everything that reads one; about 20 minutes
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz.fuzz --count 10000 --seed 0 --workers 2

bench-curation: setup $(BENCH)/community  ## plant every defect, ask the detectors blind; docs/evidence/curation.md
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.bench.curation

bench-curation-held-out: setup  ## jumps and foreign videos on episodes that no limit was chosen on
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.bench.curation --held-out --codes motion.jump,agreement.

bench-duplicates: setup $(BENCH)/community  ## attack the search for copies; docs/evidence/duplicates.md
	OMP_NUM_THREADS=1 $(BIN)/python tests/bench/attacks $(BENCH)/community

bench-normalise: setup peer  ## beside LeRobot's own converter; docs/evidence/normalise.md
	$(BIN)/python -m tests.bench.normalise

bench-rows: setup  ## checks of rows: speed on one core, memory; docs/evidence/row_checks.md
	taskset -c 0 $(BIN)/python tests/bench/row_checks.py $(BENCH)/rows

bench-video: setup  ## checks of pictures beside bare decoding; docs/evidence/video_checks.md
	$(BIN)/python tests/bench/video_checks.py

bench-crawl: setup  ## 2,000 datasets of a local Hub with faults, killed ten times; docs/evidence/crawl.md
	$(BIN)/python -m tests.bench.crawl

bench-operators-day: debian setup  ## 300 datasets through Dagster and its pages; docs/evidence/operators_day.md
	$(BIN)/python -m tests.bench.operators_day

bench-training: setup peer  ## training steps and action chunks beside LeRobot at full size; docs/evidence/training_speed.md
	$(BIN)/python -m tests.bench.training_speed

bench-loader: setup peer  ## batches a second beside LeRobot's dataset and DataLoader; docs/evidence/loader.md
	$(BIN)/python -m tests.bench.loader

bench-shop: debian setup  ## sales a second, search over 2,000 packs, twenty people browsing; docs/evidence/shop.md
	$(BIN)/python -m tests.bench.shop

bench-learning: debian setup  ## what a policy learns, and what curation is worth; two hours, goes on; docs/evidence/training.md
	$(BIN)/python -m tests.bench.learning

parity-full: setup peer  ## the same numbers as LeRobot with all 500 tensors at full size, both ways
	$(BIN)/python -m pytest -m "peer and manual" tests/policy/test_peer.py

$(BENCH)/community: tests/bench/curation/community.toml
	OMP_NUM_THREADS=1 $(BIN)/python tests/bench/curation/record.py $(BENCH)/community
	@touch $@

docs: setup  ## regenerate docs/contracts
	$(BIN)/python -m data_contracts.documents docs/contracts

pictures: debian setup  ## take the pictures of the README from the running shop and Dagster (after make demo)
	$(BIN)/python -m tools.pictures
	$(BIN)/python -m tools.shop_pictures

shop: setup  ## open the shop
	$(BIN)/deftworks shop

dagster: setup  ## open the Dagster UI
	$(BIN)/deftworks dagster

clean:  ## remove the environment and caches; the lake stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
