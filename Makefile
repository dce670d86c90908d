# Everything a checkout needs lies in .venv, installed from requirements.lock:
# no server, no container, nothing else to have first than Python 3.11 or newer.

PYTHON ?= python3
BIN    := .venv/bin
# Touched last: an installation that was interrupted is done again.
READY  := .venv/.ready
# The one tool that is needed only to make the lock, and so is not in it.
PIP_TOOLS := pip-tools==7.6.2

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: $(READY) ## Make .venv with the command .venv/bin/traspaso (the others do it when needed)

.PHONY: demo
demo: $(READY) ## Migrate a sample on an embedded PostgreSQL (SYSTEM=fluxion; KEEP=1 leaves the server up)
	$(BIN)/traspaso demo $(SYSTEM) $(if $(KEEP),--keep)

.PHONY: test
test: $(READY) ## Run the tests (ARGS="-k phone" goes to pytest)
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: faults
faults: $(READY) ## Kill migrations everywhere, two hours (ARGS="--kills 60 --pg 18")
	$(BIN)/python -m runner.tests.faults $(ARGS)

.PHONY: lint
lint: $(READY) ## Check Python (ruff, mypy) and SQL (sqlfluff)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint models tests snapshots

.PHONY: build
build: $(READY) ## Build and test the dbt project on DuckDB, from the sample data
	$(BIN)/dbt build

.PHONY: docs
docs: $(READY) ## Write the dbt docs as one static page
	$(BIN)/traspaso docs

.PHONY: bench
bench: $(READY) ## Measure the migration
	$(BIN)/python -m runner.bench

.PHONY: lock
lock: ## Renew requirements.lock from pyproject.toml (ARGS="--upgrade" takes newer versions)
	$(PYTHON) -m venv --clear target/lock
	target/lock/bin/python -m pip install --quiet $(PIP_TOOLS)
	CUSTOM_COMPILE_COMMAND="make lock" target/lock/bin/pip-compile --quiet \
		--extra dev --all-build-deps --no-strip-extras --allow-unsafe --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
		--output-file requirements.lock $(ARGS) pyproject.toml
	rm -rf target/lock

.PHONY: clean
clean: ## Remove what was made here, .venv included; backups/ stays
	rm -rf .venv target logs dbt_packages .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find runner -name __pycache__ -prune -exec rm -rf {} +

# Compiled here and in parallel: dbt starts in half the time from compiled files,
# and where PYTHONDONTWRITEBYTECODE is set nothing else would ever compile them.
# Some packages ship files that are no Python (templates): those may not compile.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-compile --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	-$(BIN)/python -m compileall -qq -j 0 .venv/lib runner
	$(BIN)/python -c 'import duckdb, importlib.resources as r; \
		duckdb.connect(config={"extension_directory": ".venv/duckdb"}).install_extension(str(next( \
		r.files("duckdb_extension_postgres_scanner").joinpath("extensions").glob("*/*.duckdb_extension"))))'
	@mkdir -p target  # DuckDB makes its file, not the folder
	@touch $@
