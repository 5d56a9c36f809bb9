# Two commands do everything: `make race` and `make test`. Both set up what they need.
PY ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# uv does not read pip.conf: hand it the wheel folder pip knows, if there is one (a CPU torch kept on disk stays CPU torch).
WHEELS := $(or $(UV_FIND_LINKS),$(PIP_FIND_LINKS),$(shell $(PY) -m pip config get global.find-links 2>/dev/null))
export UV_FIND_LINKS := $(WHEELS)
# uv trusts what the machine trusts, as pip does: a company's own certificates too.
export UV_SYSTEM_CERTS := true
# Without a wheel folder uv picks the CPU or the CUDA build of torch for this machine.
TORCH_BACKEND ?= $(if $(WHEELS),,--torch-backend=auto)
UV = $(BIN)/python -m uv pip
INSTALL = $(UV) install -q --python $(BIN)/python -c constraints.txt

.PHONY: setup race test check check-slow peers lock clean help
help:
	@echo "make race    train word vectors, n-gram, HMM, RNN, LSTM, GRU, GPT and RoBERTa on one text and rank them (about 4 minutes)"
	@echo "make test    run the tests"
	@echo "make check   lint, types, import contracts and the tests"
	@echo "make peers   install the libraries the benchmarks compare with"

$(VENV)/.uv:
	test -x $(BIN)/python || $(PY) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check uv==0.13.9
	@touch $@

$(VENV)/.core: $(VENV)/.uv pyproject.toml constraints.txt
	$(INSTALL) $(TORCH_BACKEND) -e . || $(INSTALL) -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.uv pyproject.toml constraints.txt
	$(INSTALL) $(TORCH_BACKEND) --group dev -e ".[text,zh,track]" || $(INSTALL) --group dev -e ".[text,zh,track]"
	@touch $@ $(VENV)/.core

setup: $(VENV)/.core

race: $(VENV)/.core
	$(BIN)/hornbook race --demo --budget 3m -o runs/demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -m "not slow"

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

check-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -m slow

peers: $(VENV)/.dev
	$(INSTALL) --group peers

lock: $(VENV)/.uv
	$(UV) compile -q --python-version 3.11 --no-header --no-annotate --all-extras --group dev --group peers constraints.in pyproject.toml | sed 's/+cpu$$//' > constraints.new
	mv constraints.new constraints.txt

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
