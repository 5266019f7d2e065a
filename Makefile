# Everything starts here; `make help` lists the targets. From a fresh clone `make run` and `make test`
# do all the set-up by themselves: a virtual environment in .venv, dependencies, the build.

PYTHON ?= $(shell tools/find_python.sh)
VENV ?= .venv
# release, debug or coverage; see setup.py for IRONPIT_MARCH and IRONPIT_SANITIZE
BUILD ?= release
ARGS ?=
ifeq ($(origin CC),default)
CC := $(if $(shell command -v ccache),ccache gcc,gcc)
endif
export CC
PY := $(VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: help run test slow test-host lint format build debug coverage fuzz bench profile dearest sim dist install-systemd test-vm clean distclean
.DELETE_ON_ERROR:

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-15s %s\n", $$1, $$2}' Makefile

run: build ## build, start the venue on loopback, feed it orders, show latency
	$(PY) -m ironpit demo $(ARGS)

test: build $(VENV)/.ready-test ## every test but slow, vm and host ones (ARGS="-k ring" picks)
	@tools/system_packages.sh test
	$(PY) tools/run_tests.py $(ARGS)

slow: build $(VENV)/.ready-test ## the tests that take many minutes
	@tools/system_packages.sh test
	$(PY) -m pytest -m slow $(ARGS)

test-host: build $(VENV)/.ready-test ## as root: tune-host on this very host; says first what it writes
	@tools/system_packages.sh test
	@echo "make test-host, as root, writes settings of this host for moments and takes them back:"
	@echo "    memory, write-back and TCP sysctls, huge pages, masks of interrupts and workqueues,"
	@echo "    a cpuset, the CPUs' idle states; and it makes and removes network interfaces."
	@echo "    Do not run it beside work that these must not disturb."
	$(PY) -m pytest -m host $(ARGS)

test-vm: build $(VENV)/.ready-test ## boot a kernel with isolated CPUs, and tune-host in it
	@tools/system_packages.sh vm
	$(PY) -m pytest -m vm $(ARGS)

lint: $(VENV)/.ready-lint $(VENV)/.ready-test ## ruff, mypy --strict, cython-lint, no compiler warnings
	$(PY) tools/lint.py

format: $(VENV)/.ready-lint ## put imports in order and lay Python out as lint wants it
	$(PY) -m ruff check --fix-only --select I .
	$(PY) -m ruff format .

build: $(VENV)/.ready-run ## compile the data plane in place (BUILD=release)
	@IRONPIT_BUILD=$(BUILD) $(PY) setup.py -q build_ext --inplace

debug: ## compile with asserts and bounds checks
	@$(MAKE) build BUILD=debug

coverage: $(VENV)/.ready-test $(VENV)/.ready-coverage ## line coverage of the tests, in htmlcov/
	@$(MAKE) build BUILD=coverage
	COVERAGE_CORE=ctrace $(PY) -m coverage run -m pytest -m "not slow and not vm and not host" $(ARGS)
	$(PY) -m coverage html
	$(PY) -m coverage report --skip-covered

fuzz: build $(VENV)/.ready-test ## fuzz decoders and matching core (ARGS="--executions 10000000")
	@tools/system_packages.sh test
	$(PY) -m tests.fuzz $(ARGS)

bench: build ## ring, match, library and order-ack, each beside its floor; JSON in build/bench
	@mkdir -p build/bench
	for what in ring match library order-ack; do \
	    $(PY) -m ironpit bench $$what --json build/bench/$$what.json $(ARGS) || exit 1; done

profile: build ## what the core executes a message, by callgrind (ARGS="--json FILE --compare FILE")
	@tools/system_packages.sh profile
	$(PY) -m tools.core_profile $(ARGS)

dearest: build $(VENV)/.ready-test ## the dearest commands at the default limits, by search; minutes (ARGS="--rows 20")
	@tools/system_packages.sh profile
	$(PY) -m pytest -q -m "slow or not slow" tests/dearest
	$(PY) -m tests.dearest $(ARGS)

sim: build ## simulate the venue with faults (ARGS="20000", or "1 --first 4711 --trace")
	$(PY) tests/simulation/seeds.py $(or $(ARGS),1000)

dist: $(VENV)/.ready-lint ## build sdist and wheel, install the wheel in a fresh environment, try it
	PYTHON=$(PY) tools/check_dist.sh

install-systemd: ## the units (DESTDIR= BINDIR=/opt/ironpit/bin HOT=2-5 HOUSEKEEPING=0-1)
	@DESTDIR="$(DESTDIR)" BINDIR="$(BINDIR)" HOT="$(HOT)" HOUSEKEEPING="$(HOUSEKEEPING)" \
	    configs/systemd/install.sh

clean: ## remove what builds and tests left behind
	rm -rf build dist htmlcov .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find pyx host-tuning '(' -name '*.so' -o -name '*.c' ')' -delete
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

distclean: clean ## and the virtual environment
	rm -rf $(VENV)

$(VENV)/pyvenv.cfg:
	@tools/system_packages.sh build $(PYTHON)
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.ready-%: $(VENV)/pyvenv.cfg pyproject.toml tools/setup_venv.py
	@$(PY) tools/setup_venv.py $*
