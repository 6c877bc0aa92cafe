# Two commands do all the set-up: `make demo` and `make test`. Each installs what it needs into this checkout.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Where this is set, each of the thousands of processes of a suite would compile every library anew.
unexport PYTHONDONTWRITEBYTECODE

PY ?= python3
VENV := .venv
BIN := $(VENV)/bin
STATE ?= ./demo-state
DELIVERIES ?= ./demo-deliveries
SERVE ?= 1
HOST ?= 127.0.0.1
PORT ?= 8000
RUN_STAMP := $(VENV)/.installed-run
ALL_STAMP := $(VENV)/.installed-all
ASSETS := src/harmcast/web/static/vendor/.built

.PHONY: help install demo test test-tools lint types walls docs site figures mutants clean

help: ## what there is to make
	@grep -hE '^[a-zA-Z_%-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

$(VENV)/bin/uv: locks/uv.txt
	@echo "== Python environment in $(VENV)"
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "harmcast needs Python 3.11 or newer; set PY=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PY) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r locks/uv.txt
	@touch $@

$(RUN_STAMP): locks/run.txt pyproject.toml | $(VENV)/bin/uv
	@echo "== Python packages, by hash"
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install -q --require-hashes -r locks/run.txt
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install -q --no-deps -e .
	@touch $@

$(ALL_STAMP): locks/all.txt $(RUN_STAMP)
	@echo "== Python packages for tests, by hash"
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install -q --require-hashes -r locks/all.txt
	@touch $@

node_modules/.installed: package-lock.json package.json
	@echo "== Web assets"
	@npm ci --silent --no-audit --no-fund
	@touch $@

$(ASSETS): node_modules/.installed src/harmcast/web/assets.py $(RUN_STAMP)
	@$(BIN)/python -m harmcast.web.assets node_modules
	@touch $@

install: $(RUN_STAMP) $(ASSETS) ## install into this checkout, nothing else

demo: install ## an invented force, its weeks, and the dashboards on http://127.0.0.1:8000
	@$(BIN)/harmcast demo $(STATE) --deliveries $(DELIVERIES) $(if $(filter 0,$(SERVE)),--no-serve,) --host $(HOST) --port $(PORT)

test-tools: $(ALL_STAMP) $(VENV)/.installed-docs install ## what the suite needs beside Python and Node
	@bash scripts/test-tools.sh

test: test-tools ## the whole suite: lint, types, walls, tests
	@$(MAKE) --no-print-directory -j 2 -O lint types walls
	@$(BIN)/pytest -n 3 --dist loadfile $(PYTEST_ARGS)

lint: $(ALL_STAMP) ## style
	@$(BIN)/ruff check src tests bench

types: $(ALL_STAMP) ## types
	@$(BIN)/mypy
	@$(BIN)/mypy --config-file mypy-calls.ini

walls: $(ALL_STAMP) ## one-way imports and the four walls
	@$(BIN)/lint-imports

docs: $(RUN_STAMP) ## the generated reference in docs/reference
	@$(BIN)/python -m harmcast.reference docs/reference

$(VENV)/.installed-docs: locks/docs.txt | $(VENV)/bin/uv
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install -q --require-hashes -r locks/docs.txt
	@touch $@

site: $(VENV)/.installed-docs ## the manual as a static site with search, in .site/html
	@$(BIN)/python scripts/site_pages.py

bench-%: $(ALL_STAMP) ## one measurement, a module of bench/: bench-places, -people, -fairness, -real, -feed, -meaning, -week, -scale, -fleet, -qlik, -map, -load, -year, -install, -soak, -attack, -attack_people, -row_tampering, -accountability, -answers, -faults, -upgrade, -supply, -worlds
	@$(BIN)/python -m bench.$*

mutants: $(ALL_STAMP) ## small faults put into the rules about people: does a test find each? (ARGS="people oversight")
	@$(BIN)/python -m bench.mutants $(ARGS)

figures: $(ALL_STAMP) ## measure again what no longer holds for this tree, and write docs/promises.md (ARGS=--list says what; ARGS="week feed")
	@$(BIN)/python -m bench.figures $(ARGS)

clean: ## remove what the demo and the tests made
	rm -rf $(STATE) $(DELIVERIES) .site .pytest_cache .mypy_cache .ruff_cache .bench
