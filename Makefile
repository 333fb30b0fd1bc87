# make demo: from a fresh checkout to a placed circuit; make test: everything that must hold.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint fuzz docs install system-deps clean

demo: $(STAMP)
	$(BIN)/netgen build specs/digits.yaml

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

test: $(STAMP) lint
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --num-workers auto

fuzz: $(STAMP)
	NETGEN_FUZZ_CASES=10000 NETGEN_FUZZ_MUTANTS=20000 $(BIN)/python -m pytest -n auto -k "fuzz"

docs: $(STAMP)
	$(BIN)/python -m netgen.spec.reference > docs/spec.md
	$(BIN)/python docs/api.py

# Debian: simulators, synthesis and a browser, all optional for building, used by the checks and tests.
system-deps:
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends verilator g++ make iverilog yosys nextpnr-ice40 fpga-icestorm chromium chromium-driver

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .hypothesis
