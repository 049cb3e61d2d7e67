# Every target creates what it needs: a virtual environment, and as root also Debian packages.
# The second time that costs a few milliseconds (stamps inside .venv).

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DEMO   := build/demo
# The slow linter reads only what it can have an opinion on.
ASYNC_SOURCES = $(shell git grep --untracked -lE 'async def' -- '*.py')

# Third-party peers for the tests: a BMC, its client, a decompressor, a database
# of metrics, its notifier, a log shipper, a console, a console server, an ssh server,
# other recorders whose configurations are imported.
PEERS := openipmi ipmitool zstd prometheus prometheus-alertmanager rsyslog socat ser2net \
         openssh-client openssh-server conman conserver-server
# A whole machine behind that BMC, from firmware to getty.
LAB   := $(PEERS) freeipmi-tools qemu-system-x86 ovmf grub-common grub-pc-bin grub-efi-amd64-bin \
         xorriso mtools cpio
# Other machines, firmwares and loaders, without a BMC.
BOARDS := qemu-system-arm qemu-system-misc qemu-system-ppc u-boot-qemu opensbi qemu-efi-aarch64 ipxe-qemu \
          memtest86+ syslinux systemd-boot-efi cryptsetup-bin
# A machine with a systemd of its own around the service.
CONTAINER := $(PEERS) systemd-container mmdebstrap
# What packages are built and judged with.
PACKAGERS := debhelper dpkg-dev build-essential python3-dev python3-pip lintian rpm cpio
# A browser for the pages.
BROWSER := chromium fonts-dejavu-core
# What `make bench` compares with.
RIVALS := $(PEERS) ripgrep

.DEFAULT_GOAL := help
.PHONY: help venv web browser pictures compiled tree prepare test check unit integration integration-beside e2e e2e-beside alone systemd-test restarts bench torture damage gaps neighbours hostile disks soak chaos fuzz docs dashboards man lock wheels deb rpm dist packages demo clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(VENV)/installed ## create .venv with solrecd and its development tools

$(VENV)/bin/pip $(DEMO)/bin/pip: %/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "solrecd needs Python 3.11 or newer; set PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || .ci/debian-packages python3-venv
	$(PYTHON) -m venv $*

# Debian 12's pip (23.0) knows no dependency groups (PEP 735), pip 25.1 does.
$(VENV)/installed: pyproject.toml $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	SOLRECD_BUILD=pure $(BIN)/pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@

# What is compiled lies beside a copy of the checkout, with an environment of its own: here it would
# hide what is edited. COMPILED=1 has tests run there.
COMPILED_TREE := build/compiled
COMPILED_WHEEL := build/compiled-wheel
ifdef COMPILED
TREE := $(COMPILED_TREE)
tree: compiled
else
TREE := .
tree: venv
endif
# Each target has its own record of what failed, because several run beside each other (.ci/run).
CACHE = -o cache_dir=$(CURDIR)/.pytest_cache/$@
PYTEST = cd $(TREE) && $(BIN)/pytest $(CACHE)

compiled: venv $(COMPILED_WHEEL)/built $(COMPILED_TREE)/$(VENV)/installed ## a copy with compiled modules, in build/compiled; make unit COMPILED=1 tests it
	find $(COMPILED_TREE) -mindepth 1 -maxdepth 1 ! -name .venv -exec rm -rf {} +
	git ls-files --cached --others --exclude-standard -z | xargs -0 cp --parents -t $(COMPILED_TREE)
	$(PYTHON) -m zipfile -e $(COMPILED_WHEEL)/solrecd-*.whl $(COMPILED_TREE)
	rm -r $(COMPILED_TREE)/solrecd-*.dist-info
	mkdir -p var && ln -s ../../var $(COMPILED_TREE)/var

$(COMPILED_WHEEL)/built: pyproject.toml packaging/compile.py $(shell find solrecd -name '*.py') $(VENV)/bin/pip
	rm -rf $(COMPILED_WHEEL)
	SOLRECD_BUILD=compiled $(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir $(COMPILED_WHEEL) .
	@touch $@

$(COMPILED_TREE)/$(VENV)/installed: pyproject.toml
	mkdir -p $(COMPILED_TREE)/solrecd
	cp pyproject.toml README.md LICENSE $(COMPILED_TREE)
	cp --parents solrecd/__init__.py packaging/compile.py $(COMPILED_TREE)
	$(MAKE) --no-print-directory -f $(CURDIR)/Makefile -C $(COMPILED_TREE) venv

# One stamp per list of packages; the list is short and rarely changes, so the Makefile is its version.
$(VENV)/debian-%: Makefile .ci/debian-packages $(VENV)/bin/pip
	@.ci/debian-packages $(DEBIAN)
	@touch $@
$(VENV)/debian-peers: DEBIAN = $(PEERS)
$(VENV)/debian-lab: DEBIAN = $(LAB) $(BOARDS)
$(VENV)/debian-rivals: DEBIAN = $(RIVALS)
$(VENV)/debian-browser: DEBIAN = $(BROWSER)
$(VENV)/debian-container: DEBIAN = $(CONTAINER)
$(VENV)/debian-packagers: DEBIAN = $(PACKAGERS)
$(VENV)/debian-ci: DEBIAN = $(sort $(LAB) $(BOARDS) $(CONTAINER) $(PACKAGERS) $(BROWSER))

prepare: venv $(VENV)/debian-ci web build/browser/node_modules/installed # for all that .ci/run makes; after it, nothing installs while something else runs

# What pages are built from, and what drives them in tests: npm's packages, by lock files. Debian 12's
# node is too old for the driver; where there is none, PyPI has one.
NODE_PATH_FIRST = PATH="$(CURDIR)/$(BIN):$$PATH"
$(VENV)/node: pyproject.toml $(VENV)/installed
	@node --version 2>/dev/null | grep -qE '^v(2[0-9]|[3-9][0-9])' && command -v npm >/dev/null \
	    || $(BIN)/pip install --quiet --disable-pip-version-check --group web
	@touch $@

web: solrecd/api/web/static/built/terminal.js ## build the terminal of the pages; without it they show text

solrecd/api/web/static/built/terminal.js: packaging/web/package-lock.json packaging/web/build.py $(VENV)/node
	$(NODE_PATH_FIRST) $(BIN)/python packaging/web/build.py

build/browser/node_modules/installed: tests/browser/package-lock.json $(VENV)/node
	mkdir -p build/browser && cp tests/browser/package.json tests/browser/package-lock.json build/browser/
	cd build/browser && $(NODE_PATH_FIRST) npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

browser: tree web $(VENV)/debian-browser build/browser/node_modules/installed ## the pages in Chromium; a minute or two
	$(NODE_PATH_FIRST) $(BIN)/pytest $(CACHE) tests/browser

pictures: web $(VENV)/debian-browser build/browser/node_modules/installed # of the README
	$(NODE_PATH_FIRST) $(BIN)/python -m tests.browser.pictures

test: check unit integration ## static checks, unit tests, tests with independent peers

check: venv ## ruff, mypy --strict, import contracts, flake8-async
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@# ASYNC9xx are opt-in (a checkpoint in every function); ASYNC114 wants a list of all startable functions.
	@# It takes most of the time, so every processor has a part.
	@echo flake8-async; printf '%s\n' $(ASYNC_SOURCES) \
	    | xargs --max-procs=0 --max-args=32 $(BIN)/flake8-async --disable=ASYNC9,ASYNC114

unit: tree $(VENV)/debian-peers ## the pure core and everything on fakes; seconds
	$(PYTEST) --numprocesses auto tests/unit

# These wait more than they compute, so they run beside each other; the tests of a file share fixtures, and
# some an order, so they stay together. A test that judges how long something takes is marked `alone`.
# They judge no time, so they yield to tests that do.
BESIDE = cd $(TREE) && nice $(BIN)/pytest $(CACHE) -m 'not alone' --dist loadfile --numprocesses

integration: integration-beside ## against pyghmi and OpenIPMI's ipmi_sim
	$(PYTEST) -m alone tests/integration

integration-beside: tree $(VENV)/debian-peers
	$(BESIDE) 4 tests/integration

e2e: e2e-beside ## the whole daemon, a real machine (QEMU) behind ipmi_sim; minutes
	$(PYTEST) -m alone tests/e2e

# Fewer, because QEMU does compute.
e2e-beside: tree $(VENV)/debian-lab
	$(BESIDE) 3 tests/e2e

alone: tree $(VENV)/debian-lab ## tests that judge timing, of integration and e2e, one after the other
	$(PYTEST) -m alone tests/integration tests/e2e

# Each run boots a machine of its own: the README's installation, then the package's.
systemd-test: venv $(VENV)/debian-container deb ## the unit and the package under a real systemd, in a container; as root
	failed=0; for tests in tests/systemd tests/packages/test_deb.py; do \
	    $(BIN)/pytest $(CACHE) $$tests || failed=1; done; exit $$failed

restarts: venv $(VENV)/debian-container ## CONSOLES=n and ipmi_sim through CYCLES=n restarts each; as root
	$(BIN)/python -m tests.systemd --consoles $(or $(CONSOLES),1000) --cycles $(or $(CYCLES),24)

bench: tree $(VENV)/debian-rivals ## figures, as a table; BASE=COMMIT has an older one run in turn
	cd $(TREE) && $(BIN)/python -m bench $(if $(BASE),--base $(BASE))

torture: venv ## kill -9, 200 times (KILLS=n), and every acknowledged byte counted
	$(BIN)/python -m tests.reliability torture --kills $(or $(KILLS),200)

damage: venv ## random damage (DAMAGES=n) to the files of a stopped recorder, and a start after each
	$(BIN)/python -m tests.reliability damage --damages $(or $(DAMAGES),200)

gaps: venv ## random outages (OUTAGES=n for each kind of BMC), and the length of each gap
	$(BIN)/python -m tests.reliability gaps --outages $(or $(OUTAGES),100)

neighbours: venv ## 500 consoles (CONSOLES=n) beside a mute, a flooding and a hostile BMC
	$(BIN)/python -m tests.reliability neighbours --consoles $(or $(CONSOLES),500)

hostile: venv ## ten million hostile datagrams
	$(BIN)/python -m tests.reliability hostile

disks: venv ## a real file system that hangs in the kernel (as root), CONSOLES=n half on it
	$(BIN)/python -m tests.reliability disks --consoles $(or $(CONSOLES),50)

soak: venv ## random faults for MINUTES=n on CONSOLES=n with LOSS=p, each loss accounted for
	$(BIN)/python -m tests.reliability soak --minutes $(or $(MINUTES),30) \
	    --consoles $(or $(CONSOLES),100) --loss $(or $(LOSS),0.02)

chaos: venv ## all faults mixed for MINUTES=n (as root): disks, clock, names, BMCs, kills, damage
	$(BIN)/python -m tests.reliability chaos --minutes $(or $(MINUTES),30)

fuzz: venv ## coverage-guided fuzzing of every decoder, SECONDS=n each
	$(BIN)/pip install --quiet --disable-pip-version-check --group fuzz
	for target in packets sol config archive; do \
	    $(BIN)/python -m tests.reliability.fuzz $$target -max_total_time=$(or $(SECONDS),60) || exit 1; \
	done

docs: venv ## packaging/docs and the commented example, from the taxonomy, the markers, the schema, the metrics, the routes and the states
	$(BIN)/python -m tools.taxonomy
	$(BIN)/python -m tools.configuration
	$(BIN)/python -m tools.metrics
	$(BIN)/python -m tools.openapi
	$(BIN)/python -m tools.sessions

dashboards: venv $(VENV)/debian-peers ## grafana/: the dashboards from tools/dashboards, and their pictures
	$(BIN)/python -m tools.dashboards
	$(BIN)/python -m tools.dashboards.pictures

man: venv ## manual pages of every command, into build/man
	$(BIN)/python -m tools.manpages build/man

# The interpreter that runs it there: what it compiles and resolves is bound to its version. The system's own
# unless PACKAGED says another, such as 3.13 for Debian 13 (on Debian 13) or 3.12 for RHEL 10.
# They hold compiled modules where that Python's headers and a C compiler are; SOLRECD_BUILD=pure has them
# be Python alone (packaging/compile.py).
PACKAGED ?= $(shell /usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
DEBIAN_PIP = /usr/bin/python$(PACKAGED) -m pip --disable-pip-version-check
DEB_TREE = build/deb/solrecd-$(VERSION)
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' solrecd/__init__.py)

lock: venv ## renew packaging/requirements.lock: the libraries in the packages, with hashes
	$(BIN)/pip install --quiet --disable-pip-version-check --group lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	    --upgrade --custom-compile-command 'make lock' --extra top --extra offload pyproject.toml -o packaging/requirements.lock

wheels: venv web $(VENV)/debian-packagers # what the packages carry, as locked, and solrecd itself
	mkdir -p build/wheels
	rm -f build/wheels/solrecd-*
	$(DEBIAN_PIP) wheel --quiet --require-hashes --no-deps --only-binary :all: --no-binary sdnotify \
	    --wheel-dir build/wheels --requirement packaging/requirements.lock
	$(DEBIAN_PIP) wheel --quiet --no-deps --wheel-dir build/wheels .

deb: wheels ## a Debian package with the libraries it needs, for the Debian it is made on, into dist/
	rm -rf build/deb && mkdir -p $(DEB_TREE) dist
	git ls-files -z | xargs -0 cp --parents -t $(DEB_TREE)
	cd $(DEB_TREE) && cp -r packaging/debian debian && cp systemd/* debian/ && cp -r ../../wheels .
	cd $(DEB_TREE) && env PATH=/usr/sbin:/usr/bin:/sbin:/bin PACKAGED=$(PACKAGED) dpkg-buildpackage --build=binary --no-sign
	rm -f dist/*.deb && cp build/deb/*.deb dist/

rpm: wheels ## the same for RHEL and its like, into dist/
	rm -rf build/rpm && mkdir -p dist
	env PATH=/usr/sbin:/usr/bin:/sbin:/bin rpmbuild --quiet -bb --nodeps --define '_topdir $(CURDIR)/build/rpm' \
	    --define '_tree $(CURDIR)' --define '_wheels $(CURDIR)/build/wheels' \
	    --define '_version $(VERSION)' --define '_python $(PACKAGED)' packaging/rpm/solrecd.spec
	rm -f dist/*.rpm && cp build/rpm/RPMS/*/*.rpm dist/

dist: venv web ## wheel and source archive, into dist/
	$(BIN)/pip install --quiet --disable-pip-version-check --group dist
	rm -f dist/*.whl dist/*.tar.gz
	$(BIN)/python -m build --outdir dist
	$(BIN)/twine check --strict dist/*.whl dist/*.tar.gz

packages: deb rpm dist ## all of them, and what is true of each; minutes
	lintian --allow-root --fail-on error --tag-display-limit 0 build/deb/*.changes
	$(BIN)/pytest tests/packages

# The development tools include all that it needs; without them it gets an environment of its own.
demo: $(if $(wildcard $(VENV)/installed),venv,$(DEMO)/installed) ## a small simulated fleet that boots, fails and boots again; end it with ^C
	@$(if $(wildcard $(VENV)/installed),$(BIN),$(DEMO)/bin)/solrecd demo

$(DEMO)/installed: pyproject.toml tools/run_time_environment.py $(DEMO)/bin/pip
	$(DEMO)/bin/python tools/run_time_environment.py
	@touch $@

clean: ## remove what was built here (not the lab image, see tests/e2e/lab/build)
	rm -rf $(VENV) dist build var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
