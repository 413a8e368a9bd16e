# make run    set up and start Passage on http://localhost:8501
# make setup  its first half alone: environment and model files
# make test   set up and run all checks and tests, the browser's included
# make bench  list the benchmarks

PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; done)
BIN := .venv/bin
TEST_MODELS := multilingual-e5-small smollm2-135m all-minilm-l6-v2

.PHONY: run setup test check bench messages

run: setup
	@$(BIN)/rag serve

setup: .venv/.installed
	@test -e .venv/.models || if $(BIN)/rag models install; then touch .venv/.models; \
		else echo "Some model files are missing (see above). Passage works without the language model;"; \
		echo "make run tries again, and so does: rag models install"; fi

.venv/.installed: pyproject.toml constraints.txt | .venv
	$(BIN)/pip install --quiet -c constraints.txt -e .
	@touch $@

.venv/.tests-installed: pyproject.toml constraints.txt | .venv
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev,sentence-transformers,ocr]'
	@touch $@ .venv/.installed

.venv:
	@test -n "$(PYTHON)" || { echo "Passage needs Python 3.11 or newer: install it, or name it with PYTHON=…"; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "No virtual environment could be made. On Debian: apt install python3-venv"; exit 1; }

test: .venv/.tests-installed
	@tests/install-tools
	@$(BIN)/rag models install $(TEST_MODELS)
	@$(MAKE) --no-print-directory check
	$(BIN)/pytest --numprocesses logical --maxprocesses 4 --dist worksteal
	$(BIN)/pytest -m e2e

check:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench:
	@echo "docs/measuring.md tells what each of these measures:"
	@grep -ho 'python -m benchmarks[^`]*' benchmarks/*.py | sed 's|^|  $(BIN)/|'

messages:
	$(BIN)/pybabel --quiet extract -F rag/ui/locales/babel.cfg --no-location --sort-output --no-wrap \
		-o .venv/messages.pot rag
	$(BIN)/pybabel --quiet update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --no-wrap \
		-l zh -i .venv/messages.pot -o rag/ui/locales/zh.po
