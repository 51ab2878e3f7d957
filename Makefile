# `make demo` and `make test` need a Python of 3.11 or later, with venv, and nothing else.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
STAMP := .venv/.installed
FAST_TESTS := $(wildcard tests/unit tests/rules tests/scenarios tests/simulation tests/fuzz)
# pytest on three processes, since many tests wait; those that share something outside carry the same xdist_group
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadgroup

.PHONY: help venv demo test check lint format soak chaos peers fuzz compare bench man completions pictures deb rpm packages-test clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

venv: $(STAMP) ## set up .venv with all that the targets below need

demo: $(STAMP) ## three agents on an embedded quorum, with jobs, crashes and fail-overs
	@$(BIN)/leader demo

test: $(STAMP) ## every test but the long ones
	@$(PYTEST)

check: lint ## format, lint, types, unit tests, rules and a hundred seeds or so, in about a minute
	@$(PYTEST) --seeds 150 $(FAST_TESTS)

lint: $(STAMP) ## format, lint and types
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy

format: $(STAMP) ## format the code, and mend what ruff can mend
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

soak: $(STAMP) ## the long tests: as many seeds as two cores do in an hour (MINUTES=n), and mutants by seeds alone
	@$(BIN)/python -m tests.simulation.soak --minutes $(or $(MINUTES),60) --jobs 2
	@$(BIN)/python -m tests.simulation.soak ticks --minutes 20 --jobs 2
	@$(BIN)/python -m tests.simulation.soak --mutants --jobs 2
	@$(BIN)/python -m tests.simulation.exhaustive --minutes 2
	@$(PYTEST) -m slow --timeout 0

chaos: $(STAMP) ## real agents and servers under faults (MINUTES=n, SEED=s; CHANGES=1 changes the quorum, too); as root
	@$(BIN)/python -m tests.chaos --minutes $(or $(MINUTES),10) --seed $(or $(SEED),1) $(if $(CHANGES),--changes)

peers: $(STAMP) ## leader and a Redlock in the lab of chaos (MINUTES=n for each, SEEDS=a,b), compared; as root
	@$(BIN)/python -m tests.chaos.compare --minutes $(or $(MINUTES),10) --seeds $(or $(SEEDS),1)

fuzz: $(STAMP) ## a million requests and a million replies of instances (COUNT=n), in some minutes
	@$(BIN)/python -m tests.fuzz --count $(or $(COUNT),1000000) --jobs 2

compare: $(STAMP) ## leader and Redlock in the same simulated world, fault by fault
	@$(BIN)/python -m tests.simulation.compare

bench: $(STAMP) ## measure, beside peers: one table, in two hours (QUICK=1; WITHIN=n minutes; RESUME=1 goes on; OUT=folder; PARTS="failover api")
	@$(BIN)/python -m tests.benchmarks $(if $(QUICK),--quick) $(if $(RESUME),--resume) $(if $(OUT),--out $(OUT)) \
	  $(if $(WITHIN),--within $(WITHIN)) $(if $(MINUTES),--minutes $(MINUTES)) $(PARTS)

man: $(STAMP) ## the man pages, in build/man
	@$(BIN)/python -m leader.manual man build/man

completions: $(STAMP) ## what bash, zsh and fish complete, in build/completions
	@$(BIN)/python -m leader.manual completions build/completions

pictures: $(STAMP) ## the terminal pictures of the README, from real runs
	@$(BIN)/python -m tests.pictures

deb: $(STAMP) ## a Debian package for the distribution that this is, in dist/
	@$(BIN)/python packaging/build.py deb

rpm: $(STAMP) ## the same as an RPM
	@$(BIN)/python packaging/build.py rpm

packages-test: $(STAMP) ## the long tests of the packages: bound services, drop-ins, install to purge; as root
	@$(BIN)/python -m pytest -m slow tests/packaging

clean: ## remove all that the targets above made
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml packaging/bin/leader packaging/bin/leader-python
	@case "$(CURDIR)" in *" "*) \
	  echo "make: programs of a virtual environment cannot run from a path with a blank; move this folder: $(CURDIR)" >&2; exit 1;; esac
	@python= ; for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	  if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$p; break; fi; done; \
	if [ -z "$$python" ]; then \
	  echo "make: no Python of 3.11 or later was found (python3 is $$(python3 -V 2>/dev/null || echo absent)); install one, such as with: apt install python3 python3-venv" >&2; exit 1; fi; \
	if ! $$python -c 'import venv, ensurepip' 2>/dev/null; then \
	  echo "make: $$python cannot make virtual environments; install its venv module, such as with: apt install python3-venv" >&2; exit 1; fi; \
	if [ ! -x $(BIN)/python ]; then echo "setting up .venv with $$($$python -V)"; $$python -m venv --clear .venv || exit 1; fi
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,embedded]'
	@touch $@
