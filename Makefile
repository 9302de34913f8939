# The two commands of the README are `demo` and `test`; the other targets run one
# part of it alone. Stamps remember what is done. A target runs again when what its
# stamp depends on has changed.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
WHEEL_VENV := .venv-wheel
OLDEST_VENV := .venv-oldest
PYTHON_VENV := .venv-python
DIST_VENV := .venv-dist
DOCS_VENV := .venv-docs
OLDEST_DASH := 3.3.0
# A release to come, as soon as there is a candidate; else the newest one.
NEXT_VENV := .venv-next
NEXT_DASH := 4.5.0rc2
PEERS_VENV := .venv-peers
WHEEL_TREE := build/wheel-tests

DEMO := $(VENV)/.demo
DEV := $(VENV)/.dev
NODE := node_modules/.stamp
GENERATED := dash_long_components/_imports_.py
WHEEL := $(WHEEL_VENV)/.wheel
OLDEST := $(OLDEST_VENV)/.wheel
NEXT := $(NEXT_VENV)/.wheel
PEERS := $(PEERS_VENV)/.tools
DIST := $(DIST_VENV)/.tools
DOCS := $(DOCS_VENV)/.tools

# Version and path of each supported Python that the machine has, oldest first.
PYTHONS = $(shell $(PYTHON) tests/packaging/pythons.py)
OLDEST_PYTHON = $(or $(word 2,$(PYTHONS)),$(PYTHON))
NEWEST_PYTHON = $(or $(lastword $(PYTHONS)),$(PYTHON))

CORES := $(shell getconf _NPROCESSORS_ONLN)
# Most tests wait for something most of the time. There are ports for sixty processes.
PROCESSES := $(shell echo $$((2 * $(CORES) < 50 ? 2 * $(CORES) : 50)))
PYTEST := -m pytest --numprocesses=$(PROCESSES) --dist=worksteal

FRONTEND := package.json $(wildcard webpack.config.* tsconfig.json) \
	$(shell find src -type f -not -name '*.test.*')
PACKAGE := pyproject.toml hatch_build.py README.md LICENSE \
	$(shell find dash_long_components -name '*.py' -not -name 'LongJob*.py' -o -name '*.css' -o -name py.typed)

export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# The tests of the wheel run in a folder that has neither.
export NODE_MODULES := $(CURDIR)/node_modules
export SCREENSHOTS := $(CURDIR)/build/screenshots
# Without compiled modules, every process of the tests would compile all of them again.
unexport PYTHONDONTWRITEBYTECODE
# A prompt would wait for ever where no one is there to answer it.
export DEBIAN_FRONTEND := noninteractive
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test quick bench peers build dist docs lint types vitest unit integration browser \
	browsers quick-lint quick-types quick-unit wheel-tests oldest-tests next-tests pythons python-tests format system-python \
	system-browser system-browsers system-brokers clean

help:
	@echo 'make demo          the gallery, at http://127.0.0.1:8050'
	@echo 'make test          everything: lint, types, vitest, pytest on the built wheel'
	@echo 'make quick         what a change touches of lint, types, vitest and unit tests'
	@echo 'make bench         benchmarks/RESULTS.md: measured beside background=True, twenty minutes'
	@echo 'make peers         docs/peers.md: measured beside other frameworks'
	@echo 'make docs          the documentation site, in build/docs'
	@echo 'make dist          the wheel and the sdist, checked'
	@echo 'make browsers      all browser tests, in Firefox and in WebKit'
	@echo 'make next-tests    what depends on Dash, on its next release'
	@echo 'make pythons       unit and integration tests, on each Python that the machine has'
	@echo 'make lint, types, vitest, unit, integration, browser    one layer alone'
	@echo 'make build, format, clean'

demo: $(DEMO) $(GENERATED)
	$(VENV)/bin/python usage.py

# The tests come last and one run after the other: each takes the whole machine.
test: system-browsers system-brokers
	$(MAKE) -j $(CORES) $(if $(filter output-sync,$(.FEATURES)),--output-sync) \
		lint types vitest docs $(WHEEL) $(OLDEST)
	$(MAKE) wheel-tests oldest-tests

# Of a change since this branch left main, or since the commit SINCE.
quick: $(DEV) $(NODE) $(GENERATED)
	$(MAKE) -j $(CORES) $(if $(filter output-sync,$(.FEATURES)),--output-sync) \
		quick-lint quick-types quick-unit
	npx vitest run --changed $(or $(SINCE),main)

quick-lint:
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

quick-types:
	$(VENV)/bin/mypy

quick-unit:
	$(VENV)/bin/python -m pytest -q -n $(CORES) -m 'not alone' \
		$$($(VENV)/bin/python tests/packaging/touched.py $(SINCE))

# QUICK=1 takes three minutes, and writes nothing.
bench: system-browser system-brokers $(DEV) $(GENERATED)
	$(VENV)/bin/python -m benchmarks $(if $(QUICK),--quick)

peers: system-browser $(DEV) $(GENERATED) $(PEERS)
	$(VENV)/bin/python -m benchmarks.peers

build: $(GENERATED)

# The sdist holds what npm has built, so that it installs without node.
dist: $(GENERATED) $(DIST)
	rm -rf dist
	$(DIST_VENV)/bin/python -m build -o dist .
	$(DIST_VENV)/bin/twine check --strict dist/*

# Fails on any warning, a broken link between pages among them. Checks the forms of the
# repository too.
docs: $(DOCS) $(GENERATED)
	$(DOCS_VENV)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(DOCS_VENV)/bin/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/*.yml
	$(DOCS_VENV)/bin/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff
	$(DOCS_VENV)/bin/sphinx-build -q -E -W --keep-going -b html -c docs . build/docs

lint: $(DEV) $(NODE)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	npm run lint

types: $(DEV) $(NODE) $(GENERATED)
	$(VENV)/bin/mypy
	$(VENV)/bin/mypy --platform win32 --cache-dir .mypy_cache/win32 dash_long_components
	npx pyright --project tests/typing --pythonpath $(VENV)/bin/python
	npm run typecheck

vitest: $(NODE)
	npm test

# One layer alone, on the checkout.
unit: $(DEV) $(GENERATED)
	$(VENV)/bin/python $(PYTEST) tests/unit

integration: system-brokers $(DEV) $(GENERATED)
	$(call pytest,$(VENV)/bin/python,tests/integration)

browser: system-browsers system-brokers $(DEV) $(GENERATED)
	$(call pytest,$(VENV)/bin/python,tests/browser)

# All browser tests in the browsers that otherwise run a few.
browsers: system-browsers system-brokers $(DEV) $(GENERATED)
	$(call pytest,$(VENV)/bin/python,tests/browser --browser=firefox --browser=webkit)

# All layers, on the built wheel and the newest Python of the machine. They run in a
# copy of the repository that lacks the package, so that nothing but the installed wheel
# can be imported.
wheel-tests: system-browsers system-brokers $(WHEEL)
	$(call test-wheel,$(WHEEL_VENV),)

# What depends on Dash, on the oldest release that is supported and the oldest Python of
# the machine; a job on Celery is to Dash what any other is.
oldest-tests: system-browser $(OLDEST)
	$(call test-wheel,$(OLDEST_VENV),$(OF_DASH))

OF_DASH := tests/unit tests/browser tests/integration/test_contract.py \
	-k 'not redis and not rabbitmq and not (browser and (celery or firefox or webkit))'

# The same on the next release of Dash.
next-tests: system-browser $(NEXT)
	$(call test-wheel,$(NEXT_VENV),$(OF_DASH))

# One environment after the other: they share brokers' ports and the machine.
pythons: system-python system-brokers $(WHEEL)
	$(PYTHON) tests/packaging/pythons.py | while read -r version python; do \
	    $(MAKE) python-tests PYTHON=$$python PYTHON_VENV=.venv-$$version </dev/null; \
	done

python-tests: $(PYTHON_VENV)/.wheel
	$(call test-wheel,$(PYTHON_VENV),tests/unit tests/integration)

# $(call pytest,PYTHON,TESTS): what takes the whole machine runs after the rest.
pytest = $(1) $(PYTEST) -m 'not alone' $(2) && $(1) -m pytest -m alone $(2)

# $(call test-wheel,VENV,TESTS)
define test-wheel
	rm -rf $(WHEEL_TREE)
	mkdir -p $(WHEEL_TREE)
	git ls-files -z --cached --others --exclude-standard -- ':!dash_long_components' \
		| tar -c --null --ignore-failed-read -T - | tar -x -C $(WHEEL_TREE)
	cd $(WHEEL_TREE) && $(call pytest,$(CURDIR)/$(1)/bin/python,$(2))
endef

format: $(DEV) $(NODE)
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	npm run format

clean:
	rm -rf .venv .venv-* node_modules build dist
	rm -f $(addprefix dash_long_components/,LongJob.py LongJobButton.py LongJobTray.py _imports_.py \
		metadata.json package-info.json proptypes.js *.min.js *.min.js.map)

# $(call require,TEST,PACKAGES): root gets what is missing, anyone else its name.
define require
	@{ $(1); } >/dev/null 2>&1 || { \
	    if [[ $$(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then \
	        echo 'Install these packages first: $(2)' >&2; exit 1; \
	    fi; \
	    apt-get update -q && apt-get install -q -y --no-install-recommends $(2); \
	}
endef

system-python:
	$(call require,$(PYTHON) -c 'import ensurepip',python3-venv)

system-browser:
	$(call require,command -v chromium && command -v chromedriver,chromium chromium-driver)

system-browsers: system-browser
	$(call require,command -v firefox-esr && command -v WebKitWebDriver && command -v Xvfb,firefox-esr webkit2gtk-driver xvfb)

# RabbitMQ's own folder is on no path: only root may run what is.
system-brokers:
	$(call require,command -v memcached && command -v redis-server && test -x /usr/lib/rabbitmq/bin/rabbitmq-server,memcached redis-server rabbitmq-server)

BASE = $(PYTHON)
$(OLDEST_VENV)/bin/python: BASE = $(OLDEST_PYTHON)
$(WHEEL_VENV)/bin/python: BASE = $(NEWEST_PYTHON)
$(VENV)/bin/python $(WHEEL_VENV)/bin/python $(OLDEST_VENV)/bin/python $(NEXT_VENV)/bin/python \
		$(PEERS_VENV)/bin/python $(DIST_VENV)/bin/python $(DOCS_VENV)/bin/python $(PYTHON_VENV)/bin/python: | system-python
	$(BASE) -m venv --upgrade-deps $(patsubst %/bin/python,%,$@)

# Enough to build and to run the gallery.
$(DEMO): pyproject.toml package.json | $(VENV)/bin/python
	$(VENV)/bin/pip install -q --group build --group demo -e '.[celery,diskcache]'
	touch $@

$(DEV): $(DEMO)
	$(VENV)/bin/pip install -q --group dev
	touch $@

$(NODE): package-lock.json
	npm ci --no-audit --no-fund
	touch $@

$(GENERATED): $(FRONTEND) $(NODE) | $(DEMO)
	npm run build
	touch $@

# uWSGI has no wheel: where it can't be compiled, its tests are skipped.
$(WHEEL): $(GENERATED) $(PACKAGE) | $(WHEEL_VENV)/bin/python
	rm -rf dist
	$(WHEEL_VENV)/bin/pip wheel -q --no-deps -w dist .
	$(WHEEL_VENV)/bin/pip install -q --group test "$$(ls dist/*.whl)[celery,diskcache]"
	$(WHEEL_VENV)/bin/pip install -q --group uwsgi || echo 'No uWSGI: its tests are skipped.' >&2
	$(WHEEL_VENV)/bin/pip install -q --no-deps --force-reinstall dist/*.whl
	touch $@

$(OLDEST): $(WHEEL) | $(OLDEST_VENV)/bin/python
	$(OLDEST_VENV)/bin/pip install -q --group test 'dash[testing]==$(OLDEST_DASH)' \
		"$$(ls dist/*.whl)[celery,diskcache]"
	$(OLDEST_VENV)/bin/pip install -q --no-deps --force-reinstall dist/*.whl
	touch $@

$(NEXT): $(WHEEL) | $(NEXT_VENV)/bin/python
	$(NEXT_VENV)/bin/pip install -q --group test 'dash[testing]==$(NEXT_DASH)' \
		"$$(ls dist/*.whl)[celery,diskcache]"
	$(NEXT_VENV)/bin/pip install -q --no-deps --force-reinstall dist/*.whl
	touch $@

$(PEERS): pyproject.toml | $(PEERS_VENV)/bin/python
	$(PEERS_VENV)/bin/pip install -q --group peers 'dash[diskcache]==$(NEXT_DASH)'
	touch $@

$(PYTHON_VENV)/.wheel: $(WHEEL) | $(PYTHON_VENV)/bin/python
	$(PYTHON_VENV)/bin/pip install -q --group test "$$(ls dist/*.whl)[celery,diskcache]"
	$(PYTHON_VENV)/bin/pip install -q --no-deps --force-reinstall dist/*.whl
	touch $@

$(DIST): pyproject.toml | $(DIST_VENV)/bin/python
	$(DIST_VENV)/bin/pip install -q --group dist
	touch $@

$(DOCS): pyproject.toml package.json | $(DOCS_VENV)/bin/python
	$(DOCS_VENV)/bin/pip install -q --group docs -e '.[celery,diskcache]'
	touch $@
