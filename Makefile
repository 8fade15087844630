# `make demo`, `make app` and `make test` each stand alone on a fresh machine: they create .venv and install what is missing.
# Another interpreter: make PYTHON=python3.12 demo
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PACKAGES := data training generators ssl_models evaluation app
FAMILIES := gan,wgan,vae,diffusion,copula,mvn,bootstrap,marginals

.PHONY: demo app test lint types format clean

demo: $(VENV)/.demo
	$(BIN)/cohortsmith compare gse7390 --families $(FAMILIES) \
	  --out runs/demo-$$(date -u +%Y%m%dT%H%M%SZ)

# The app, over the folder runs.
app: $(VENV)/.demo
	$(BIN)/cohortsmith app

# Lint and types first, so that the last line is pytest's summary. One process a core; a file's tests stay together.
test: lint
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: $(VENV)/.dev types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# mypy and editors find `cohortsmith.data` and the like through links to the folders that hold them.
types:
	@mkdir -p .types/cohortsmith
	@ln -sfn ../../cohortsmith/__init__.py .types/cohortsmith/__init__.py
	@ln -sfn ../../cohortsmith/py.typed .types/cohortsmith/py.typed
	@for package in $(PACKAGES); do ln -sfn ../../$$package .types/cohortsmith/$$package; done

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .types build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The stamps are touched only after a whole installation, so an interrupted one is taken up again.
# What the tests need holds all that the demo needs: after `make test`, `make demo` installs nothing.
$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,demo,sdv]'
	@touch $(VENV)/.dev $(VENV)/.demo

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo]'
	@touch $(VENV)/.demo
