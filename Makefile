# `make demo` and `make test` need nothing but Python 3.11 or newer: they make .venv, install the locked packages
# (hashes checked) and run. The second time they start at once.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

VENV := .venv
BIN := $(VENV)/bin
# Arguments for the command that a target runs: make demo ARGS="--once --json"
ARGS ?=
# Test processes; each file's tests stay together. One more than two cores: tests that wait take none.
JOBS ?= 3
# The Python to use; found by itself otherwise.
PYTHON ?=

.PHONY: help demo test lint bench sweep docs lock clean

help: ## what can be made
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

demo: $(VENV)/.run ## the whole story on this machine: sandbox, import, edits, export, proof; no account needed
	@$(BIN)/sheets-catalog demo $(ARGS)

test: lint ## everything that must hold: lint, types, layers, tests, examples of the docs
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

lint: $(VENV)/.dev ## style, format, types and import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev ## the figures of the README, measured here
	$(BIN)/python -m benchmarks $(ARGS)

sweep: $(VENV)/.dev ## the long fault sweeps: every fault kind at every call, a kill at every call
	$(BIN)/python -m pytest -m sweep -n $(JOBS) --timeout 7200 $(ARGS)

docs: $(VENV)/.dev ## record anew what the pages of the documentation show
	$(BIN)/python tests/transcripts.py $$(grep -rl '^<!-- sandbox: ' README.md docs --include='*.md')
	$(BIN)/python docs/images/record.py

lock: $(VENV)/.dev ## choose the newest packages and write the lock files anew
	$(BIN)/python -m uv --version >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet uv
	export UV_CUSTOM_COMPILE_COMMAND="make lock"; \
	compile="$(BIN)/python -m uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes"; \
	$$compile --extra sandbox pyproject.toml requirements/build.in -o requirements/run.txt; \
	$$compile --extra dev -c requirements/run.txt pyproject.toml requirements/build.in -o requirements/dev.txt

clean: ## remove what the other targets have made
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	find sheets_catalog addon_server tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# What is installed is marked by a file, which is older than its lock file when that has changed since.

$(VENV)/.run: requirements/run.txt pyproject.toml | $(BIN)/python
	@if [[ -e $(VENV)/.dev ]]; then $(MAKE) --no-print-directory $(VENV)/.dev; else $(call install,run); fi
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	@$(call install,dev)
	@touch $@

install = echo "Installing the packages of requirements/$(1).txt ..." >&2 \
	&& { $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null; } \
	&& $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/$(1).txt \
	&& $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .

$(BIN)/python:
	@found="$(PYTHON)"; \
	usable() { command -v "$$1" >/dev/null && "$$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }; \
	if [[ -n "$$found" ]] && ! usable "$$found"; then \
		echo "PYTHON=$$found is not Python 3.11 or newer with venv." >&2; exit 1; \
	fi; \
	for candidate in python3 python python3.14 python3.13 python3.12 python3.11; do \
		[[ -n "$$found" ]] || ! usable "$$candidate" || found="$$candidate"; \
	done; \
	if [[ -z "$$found" ]]; then \
		echo "Python 3.11 or newer is needed and was not found (with its venv module)." >&2; \
		echo "Install it (Debian: apt install python3 python3-venv; macOS: brew install python), or say where it is:" >&2; \
		echo "  make demo PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$found" --version) ..." >&2; \
	rm -rf $(VENV); "$$found" -m venv $(VENV)
