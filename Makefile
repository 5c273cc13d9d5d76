# make help lists the targets. Every environment is built from locks/, by hash, from wheels only.

VENV      := .venv
CORE_VENV := .venv-core
LOCK_VENV := .venv-lock
SIGNER_VENV := .venv-signer
SBOM_VENV := .venv-sbom
UV        := uv==0.13.9
CYCLONEDX := cyclonedx-bom==7.5.0

# An environment made here remembers its Python: PYTHON=python3.12 is needed once, not at every target.
ifeq ($(origin PYTHON),undefined)
PYTHON := $(if $(and $(wildcard $(VENV)/.made-with-*),$(wildcard $(VENV)/bin/python)),$(VENV)/bin/python,python3)
endif
TAG := $(shell $(PYTHON) -c 'import sys; print("py%d%d" % sys.version_info[:2])' 2>/dev/null)

GOALS := $(or $(MAKECMDGOALS),help)
ifneq ($(filter-out help clean lock,$(GOALS)),)
ifeq ($(TAG),)
$(error Keel needs Python 3.11, 3.12 or 3.13, and "$(PYTHON)" does not run. Name one: make $(GOALS) PYTHON=python3.12)
endif
ifeq ($(wildcard locks/$(TAG)/core.txt),)
$(error Keel needs Python 3.11, 3.12 or 3.13, and "$(PYTHON)" is $(shell $(PYTHON) -V 2>&1). Name another: make $(GOALS) PYTHON=python3.12)
endif
endif

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUTF8 := 1

# -qq: errors only. The lock alone decides what is installed, so pip follows nobody's metadata.
PIP_QUIET   := -m pip install -qq --no-input
PIP_LOCKED  := $(PIP_QUIET) --no-deps --require-hashes --only-binary :all: -r
PIP_PROJECT := $(PIP_QUIET) --no-deps --no-build-isolation -e .

# $(call make_venv,DIRECTORY): a new environment without the old setuptools that Python 3.11 puts there.
define make_venv
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo 'This Python cannot make an environment: its venv or ensurepip module is missing.' >&2; \
	    echo 'On Debian or Ubuntu: apt install python3-venv. Or name another: PYTHON=/path/to/python3' >&2; exit 1; }
	@if [ -d $(1) ] && [ -n "$$(ls -A $(1))" ] && [ ! -f $(1)/pyvenv.cfg ]; then \
	    echo '$(1) is there and is no environment of Python; name another folder, or move it away' >&2; exit 1; fi
	@echo "$(1): new environment, $$($(PYTHON) -V)"
	@rm -rf $(1)
	@$(PYTHON) -m venv $(1)
	@$(1)/bin/python -m pip uninstall -qq -y setuptools 2>/dev/null
	@touch $@
endef

.PHONY: help demo test fuzz drift lint types wheel-check core-check signer signer-check bench docs sbom lock clean

help:
	@echo 'make demo         build the environment and play the demo (a script of it without a terminal)'
	@echo 'make test         add the test tools and run the tests; ARGS="-k name" passes arguments on'
	@echo 'make fuzz         the property tests alone, ten times the cases, other ones each time; ARGS="--hypothesis-seed=1" repeats'
	@echo 'make drift        add what reads Drift accounts, for keel setup and keel run'
	@echo 'make signer       the environment of the process that holds the key, for keel signer'
	@echo 'make lint         ruff, its formatter, and the import contracts'
	@echo 'make types        mypy'
	@echo 'make wheel-check  build the wheel and look inside'
	@echo 'make core-check   the demo in an environment without the extras'
	@echo 'make signer-check that environment holds what the signer needs, and nothing else'
	@echo 'make bench        the benchmarks'
	@echo 'make docs         write the transcript and the pictures of the README again'
	@echo 'make sbom         bills of materials of the locks, in build/sbom'
	@echo 'make lock         resolve locks/ again; UPGRADE=--upgrade takes newer versions'
	@echo 'make clean        remove environments and caches'
	@echo 'PYTHON=python3.12 chooses the interpreter of a new environment'

$(VENV)/.made-with-$(TAG):
	$(call make_venv,$(VENV))

$(VENV)/.core: locks/$(TAG)/core.txt | $(VENV)/.made-with-$(TAG)
	@echo '$(VENV): installing $< (about a minute when new)'
	@$(VENV)/bin/python $(PIP_LOCKED) $<
	@touch $@

$(VENV)/.project: pyproject.toml $(VENV)/.core
	@$(VENV)/bin/python $(PIP_PROJECT)
	@touch $@

$(VENV)/.drift: locks/$(TAG)/drift.txt $(VENV)/.core
	@echo '$(VENV): installing $< (about a minute when new)'
	@$(VENV)/bin/python $(PIP_LOCKED) $<
	@touch $@

$(VENV)/.dev: locks/$(TAG)/dev.txt $(VENV)/.core
	@echo '$(VENV): installing $< (about a minute when new)'
	@$(VENV)/bin/python $(PIP_LOCKED) $<
	@touch $@

$(CORE_VENV)/.made-with-$(TAG):
	$(call make_venv,$(CORE_VENV))

$(CORE_VENV)/.core: locks/$(TAG)/core.txt | $(CORE_VENV)/.made-with-$(TAG)
	@echo '$(CORE_VENV): installing $< (about a minute when new)'
	@$(CORE_VENV)/bin/python $(PIP_LOCKED) $<
	@touch $@

$(CORE_VENV)/.project: pyproject.toml $(CORE_VENV)/.core
	@$(CORE_VENV)/bin/python $(PIP_PROJECT)
	@touch $@

demo: $(VENV)/.project
	@if [ -t 0 ]; then $(VENV)/bin/keel demo; else $(VENV)/bin/keel demo --script; fi

test: $(VENV)/.dev $(VENV)/.project
	$(VENV)/bin/python -m pytest -n 3 --dist worksteal $(ARGS)

# What it finds is kept in the test as @example: make test plays the same cases every time.
fuzz: $(VENV)/.dev $(VENV)/.project
	HYPOTHESIS_PROFILE=fuzz $(VENV)/bin/python -m pytest -n 3 --dist worksteal -m hypothesis $(ARGS)

drift: $(VENV)/.drift $(VENV)/.project
	@echo 'Ready. Next: $(VENV)/bin/keel setup YOUR_WALLET'

$(SIGNER_VENV)/.made-with-$(TAG):
	$(call make_venv,$(SIGNER_VENV))

$(SIGNER_VENV)/.locked: locks/$(TAG)/signer.txt | $(SIGNER_VENV)/.made-with-$(TAG)
	@echo '$(SIGNER_VENV): installing $<'
	@$(SIGNER_VENV)/bin/python -m pip --version >/dev/null 2>&1 || $(SIGNER_VENV)/bin/python -m ensurepip >/dev/null
	@$(SIGNER_VENV)/bin/python $(PIP_LOCKED) $<
	@touch $@

# A copy, so that who can write this folder, or the bot's environment, does not write the signer's code. Without pip: what
# runs beside the key is what it needs. keel-signer takes nothing from the folder it is called in, nor from variables.
$(SIGNER_VENV)/.signer: $(wildcard bot/signer/*.py) bot/__init__.py $(SIGNER_VENV)/.locked
	@home=$$($(SIGNER_VENV)/bin/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])') && \
	    rm -rf "$$home/bot" && mkdir -p "$$home/bot/signer" && cp bot/__init__.py "$$home/bot/" && \
	    cp bot/signer/*.py "$$home/bot/signer/"
	@$(SIGNER_VENV)/bin/python -m pip uninstall -qq -y pip setuptools 2>/dev/null || true
	@printf '#!/bin/sh\nexec "%s/bin/python" -I -m bot.signer "$$@"\n' '$(abspath $(SIGNER_VENV))' \
	    >$(SIGNER_VENV)/bin/keel-signer
	@chmod -R a+rX,go-w $(SIGNER_VENV) && chmod a+x $(SIGNER_VENV)/bin/keel-signer
	@touch $@

signer: $(SIGNER_VENV)/.signer
	@echo 'Ready. Next: $(SIGNER_VENV)/bin/keel-signer init FOLDER --account NAME --new-key'

signer-check: $(SIGNER_VENV)/.signer
	$(SIGNER_VENV)/bin/python -I .ci/check_absent.py pip setuptools numpy click pydantic cryptography driftpy risk venues \
	    storage bot.app
	$(SIGNER_VENV)/bin/keel-signer -h >/dev/null

lint: $(VENV)/.dev $(VENV)/.project
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports

types: $(VENV)/.dev $(VENV)/.project
	$(VENV)/bin/mypy

# The build needs no network: hatchling is in the lock.
wheel-check: $(VENV)/.project
	@rm -rf build/wheel
	$(VENV)/bin/python -m pip wheel -qq --no-input --no-index --no-deps --no-build-isolation -w build/wheel .
	$(VENV)/bin/python .ci/check_wheel.py build/wheel

core-check: $(CORE_VENV)/.project
	$(CORE_VENV)/bin/python .ci/check_absent.py solana solders driftpy anchorpy
	$(CORE_VENV)/bin/keel demo --script </dev/null

bench: $(VENV)/.dev $(VENV)/.project
	$(VENV)/bin/python -m benchmarks $(ARGS)

# What the README shows came from this very run.
docs: $(VENV)/.project
	@rm -rf build/pictures && mkdir -p build/pictures docs/pictures
	$(VENV)/bin/keel demo --script </dev/null >docs/demo.txt
	$(VENV)/bin/keel demo --script --pictures build/pictures </dev/null >/dev/null
	@for kind in health distance equity var liquidation; do cp build/pictures/*-$$kind.png docs/pictures/$$kind.png; done

$(SBOM_VENV)/.made-with-$(TAG):
	$(call make_venv,$(SBOM_VENV))

$(SBOM_VENV)/.tool: locks/$(TAG)/sbom.txt | $(SBOM_VENV)/.made-with-$(TAG)
	@$(SBOM_VENV)/bin/python $(PIP_LOCKED) $<
	@touch $@

# Reproducible: no moment and no serial number, so that the same lock gives the same file. Needs no network.
sbom: $(SBOM_VENV)/.tool
	@rm -rf build/sbom && mkdir -p build/sbom
	@for lock in locks/$(TAG)/*.txt; do \
	    name=$(TAG)-$$(basename $$lock .txt); \
	    $(SBOM_VENV)/bin/python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible \
	        --sv 1.6 --of JSON -o build/sbom/$$name.cdx.json $$lock || exit 1; \
	done
	@$(SBOM_VENV)/bin/python .ci/check_sbom.py build/sbom $(TAG)

$(LOCK_VENV)/.$(UV):
	$(call make_venv,$(LOCK_VENV))
	@$(LOCK_VENV)/bin/python $(PIP_QUIET) --only-binary :all: '$(UV)'

# $(call compile,PYTHON_VERSION,LOCK,WHAT): versions already in the lock are kept unless UPGRADE=--upgrade.
compile = $(LOCK_VENV)/bin/uv pip compile $(or $(4),pyproject.toml) -q $(3) --python-version $(1) \
    --python-platform x86_64-unknown-linux-gnu --only-binary :all: --generate-hashes \
    --no-emit-index-url --no-header --no-annotate -o $(2) >/dev/null

# The widest lock first; the others take its versions, so an environment only ever grows.
lock: $(LOCK_VENV)/.$(UV)
	@for version in 3.11 3.12 3.13; do \
	    echo "locks for Python $$version"; \
	    dir=locks/py$$(echo $$version | tr -d .); mkdir -p $$dir; \
	    $(call compile,$$version,$$dir/dev.txt,--all-extras $(UPGRADE)) && \
	    $(call compile,$$version,$$dir/drift.txt,--extra drift --upgrade -c $$dir/dev.txt) && \
	    grep -om1 '"solders[^"]*"' pyproject.toml | tr -d '"' | \
	        $(call compile,$$version,$$dir/signer.txt,--upgrade -c $$dir/dev.txt,-) && \
	    echo '$(CYCLONEDX)' | $(call compile,$$version,$$dir/sbom.txt,$(UPGRADE),-) && \
	    $(call compile,$$version,$$dir/core.txt,--upgrade -c $$dir/dev.txt) || exit 1; \
	done

clean:
	rm -rf $(VENV) $(CORE_VENV) $(LOCK_VENV) $(SIGNER_VENV) $(SBOM_VENV) build .coverage .coverage.*
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find risk venues storage bot tests benchmarks .ci -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
