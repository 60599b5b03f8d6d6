# The project's verbs; `make` alone lists them. ARGS passes words on: make test ARGS="tests/kit -k cursor"
# MAJLIS_ variables reach the server as they are: MAJLIS_PORT=9000 make run

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench demo rules openapi new lock

# The first Python that is new enough, else python3, whose age the message then tells.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && exit; done; echo python3)
UV ?= uv
# One more than two cores: tests wait for disks, servers that start and one another.
WORKERS ?= 3
ARGS ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INSTALLED := .venv/.installed
LOCKS := requirements-build.lock requirements-dev.lock

help: ## list the verbs
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r verb what; do \
		printf '  make %-8s %s\n' "$$verb" "$$what"; done

setup: $(INSTALLED) ## make .venv with the locked packages and the command majlis

# pyvips publishes no wheel: setuptools builds it, from the lock like everything else, hence the first line.
$(INSTALLED): pyproject.toml $(LOCKS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Majlis needs Python 3.11 or newer, and '$(PYTHON)' is: $$($(PYTHON) --version 2>&1 | head -n 1)."; \
		echo "Name another one: make $(or $(MAKECMDGOALS),setup) PYTHON=python3.11"; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv .venv || { \
		echo "Python's venv module is incomplete; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Installing the locked packages into .venv (about a minute the first time) ..."
	@$(PIP) install --require-hashes -r requirements-build.lock
	@$(PIP) install --require-hashes --no-build-isolation -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

run: setup ## start the server, with a database of its own, on 127.0.0.1:8080
	@$(BIN)/majlis serve $(ARGS)

test: setup ## run the tests, on WORKERS=3 processes
	@$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

check: setup ## lint, format, types, import rules, OpenAPI documents; needs no database
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/majlis openapi --check

bench: setup ## measure: see bench/README.md
	@bench/run.sh $(ARGS)

demo: setup ## fill the place with a town to look at
	@$(BIN)/majlis demo $(ARGS)

rules: setup ## list the contracts' rules that no test proves
	@$(BIN)/python -m tests.rules $(ARGS)

openapi: setup ## write docs/openapi*.json from the routes
	@$(BIN)/majlis openapi $(ARGS)

new: setup ## start a feature: make new NAME=badges
	@test -n "$(NAME)" || { echo "Which one? make new NAME=badges"; exit 2; }
	@$(BIN)/majlis new feature $(NAME)

lock: ## renew the locks from pyproject.toml (needs uv): make lock ARGS=--upgrade
	$(UV) $(LOCK) --group build --output-file requirements-build.lock
	$(UV) $(LOCK) pyproject.toml --extra telemetry --group dev \
		--constraints requirements-build.lock --output-file requirements-dev.lock
	$(UV) $(LOCK) pyproject.toml --extra telemetry \
		--constraints requirements-dev.lock --output-file requirements.lock

# One lock for all platforms; no index address may enter it, because everyone's is another.
LOCK = pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(ARGS)
