# The project's commands. `make help` prints them.
PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
BIN := .venv/bin
RUNTIME := .venv/.runtime
DEV := .venv/.dev
SERVE ?= 1
# Asks for pip, not for the folder: where Debian's python3-venv is missing, a first try leaves half an environment.
ENVIRONMENT = $(BIN)/python -c 'import pip' 2>/dev/null || { \
  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Undersigned needs Python 3.11 or newer.")' \
  && $(PYTHON) -m venv .venv; }

.PHONY: help demo serve worker test check lint bench lock format migration clean
.DEFAULT_GOAL := help

help: ## Print what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20

$(RUNTIME): requirements.txt
	@$(ENVIRONMENT)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $(RUNTIME)

$(DEV): requirements-dev.txt
	@$(ENVIRONMENT)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $(DEV) $(RUNTIME)

demo: $(RUNTIME) ## Play the demonstration campaign, then serve it on http://127.0.0.1:8000 (SERVE=0: stop after the summary)
	@$(BIN)/alembic upgrade head
	@$(BIN)/flask --app wsgi demo play
	@if [ "$(SERVE)" != "0" ]; then exec $(BIN)/flask --app wsgi serve; fi

serve: $(RUNTIME) ## Bring the database up to date and run web and worker together until Ctrl-C
	@$(BIN)/alembic upgrade head
	@exec $(BIN)/flask --app wsgi serve

worker: $(RUNTIME) ## Run one more worker
	@exec $(BIN)/flask --app wsgi worker

test: $(DEV) ## Run every test: SQLite, PostgreSQL if one answers, Chromium if there is one (STRICT=1: no skips)
	@$(BIN)/python tests/run.py

lint: $(DEV) ## Lint, format, types, import contracts, templates
	$(eval BEGUN := $(shell date +%s))
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/djlint --quiet --lint templates
	@echo "== lint: green after $$(($$(date +%s) - $(BEGUN))) s"

check: lint ## Everything CI runs
	@STRICT=1 $(BIN)/python tests/run.py

bench: $(DEV) ## Measure, as ratios within one run (WHAT=mailings, meanwhile, outbox, planning, returns: one part)
	@$(BIN)/python -m tests.bench$(if $(WHAT),.$(WHAT)) $(WITH)

format: $(DEV) ## Format and mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

migration: $(DEV) ## Write a migration for changed models: make migration NAME="what changes"
	@test -n "$(NAME)" || { echo 'Say what changes: make migration NAME="what changes"'; exit 2; }
	@$(BIN)/alembic upgrade head
	@$(BIN)/alembic revision --autogenerate -m "$(NAME)"
	@$(BIN)/ruff check --quiet --fix migrations && $(BIN)/ruff format --quiet migrations

lock: $(DEV) ## Compile pyproject.toml into the pinned requirement files
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --universal --python-version 3.11 \
	  --custom-compile-command "make lock" pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --universal --python-version 3.11 \
	  --custom-compile-command "make lock" --group dev pyproject.toml -o requirements-dev.txt

clean: ## Remove what was made, but not the data under var/
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
