PYTHON ?= python3
VENV := .venv
BASE := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
RIVALS := build/rivals/.installed
# Most tests wait for other processes: some more at once than there are cores keep the cores busy.
TEST_PROCESSES ?= 4

.NOTPARALLEL:
.PHONY: help demo test check lint bench chaos clean

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*  ## /  \1\t/p' Makefile

demo: $(BASE)  ## replay scripts/quickstart.txt in a home of its own
	@unset QUEUECTL_STORE; home=$$(mktemp -d); \
	trap '$(VENV)/bin/queuectl --home "$$home" worker stop --now >/dev/null; rm -rf "$$home"' EXIT; \
	trap 'exit 130' INT; trap 'exit 143' HUP TERM; \
	$(VENV)/bin/queuectl --home "$$home" run_script scripts/quickstart.txt

test: $(DEV)  ## run every test
	$(VENV)/bin/python -m pytest --numprocesses $(TEST_PROCESSES) --dist worksteal

check: lint test  ## format, lint, types, imports, then every test

lint: $(DEV)
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/ruff check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-logo

bench: $(BASE) $(RIVALS)  ## measure, side by side with other tools
	$(VENV)/bin/python -m benchmarks

chaos: $(DEV)  ## storms of kills; QUEUECTL_CHAOS_SECONDS (600) and QUEUECTL_CHAOS_SEED choose which
	QUEUECTL_CHAOS_SECONDS=$${QUEUECTL_CHAOS_SECONDS:-600} $(VENV)/bin/python -m pytest -s tests/chaos

clean:  ## remove all that the other targets made
	rm -rf $(VENV) build dist queuectl.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

$(BASE): setup.cfg setup.py
	$(call install,.)
	@touch $@

$(DEV): setup.cfg setup.py
	$(call install,.[dev])
	@touch $(BASE) $@

$(RIVALS):
	@$(PYTHON) -m venv --clear build/rivals && build/rivals/bin/pip install --quiet --disable-pip-version-check \
		huey hypershell && touch $@ || echo 'huey and HyperShell cannot be installed, and so are left out'

# Without --use-pep517 older pips install by `setup.py develop`, which leaves plugins/ out.
# The import hook through which setuptools reaches plugins/ costs every Python start 9 ms; the two plain
# paths put in its place cost nothing, so that what is measured here is what users get.
define install
@echo 'Setting up $(VENV) ...'
@$(VENV)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --use-pep517 --editable '$(1)'
@mkdir -p $(VENV)/editable
@ln -sfn ../../plugins $(VENV)/editable/queuectl_plugins
@for path in $(VENV)/lib/python3*/site-packages/__editable__.queuectl-*.pth; do \
	[ ! -e "$$path" ] || printf '%s\n' '$(CURDIR)' '$(CURDIR)/$(VENV)/editable' >"$$path"; \
done
endef
