.DEFAULT_GOAL := help
.PHONY: help setup demo test test-unit test-container lint check-terraform fix lock plan apply destroy verify promote release clean

ENV ?= local
PYTHON ?= python3
GLUE := .venv/bin/glue
STAMP := .venv/.installed
# Each has Terraform's provider (600 MB) and a local cloud of its own; files of tests are what they share out.
TESTS_AT_ONCE ?= 4
CHECKOV := .glue/checkov

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'
	@echo "  ENV=local|dev|staging|prod chooses the environment (now: $(ENV))."
	@echo "  ALLOW_DESTROY='ADDRESS …' lets these go from an environment with deletion protection (plan, apply, destroy)."

setup: $(STAMP) ## Install everything the project needs
	@$(GLUE) doctor --fix

$(STAMP): requirements/dev.lock pyproject.toml container/serving/pyproject.toml
	@echo "→ installing Python packages into .venv"
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "error: Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "\n  try: make setup PYTHON=python3.12")'
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.lock
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . -e container/serving
	@$(GLUE) doctor --fix
	@touch $@

demo: $(STAMP) ## From nothing to a verified endpoint on the local cloud, and its answer to a blueprint
	@$(GLUE) demo $(if $(KEEP),--keep)

test: $(STAMP) ## Pass every test that needs no container engine
	@.venv/bin/pytest --numprocesses auto --maxprocesses $(TESTS_AT_ONCE) --dist loadfile

test-unit: $(STAMP) ## Pass the fast tests only
	@.venv/bin/pytest tests/unit

test-container: $(STAMP) ## Pass the tests of images, with the container engine that answers
	@.venv/bin/pytest tests/container

lint: $(STAMP) check-terraform ## Check style, types, formatting and settings
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@$(GLUE) env validate
	@.venv/bin/python -m docs.generate --check

check-terraform: $(CHECKOV)/.installed ## Find insecure settings in Terraform code and Dockerfiles
	@$(CHECKOV)/bin/checkov --config-file .checkov.yaml

# Apart from .venv: checkov pins other versions of what glue uses.
$(CHECKOV)/.installed: requirements/checkov.lock $(STAMP)
	@echo "→ installing checkov into $(CHECKOV)"
	@.venv/bin/uv venv --quiet --clear --python .venv/bin/python $(CHECKOV)
	@.venv/bin/uv pip install --quiet --python $(CHECKOV)/bin/python --require-hashes -r requirements/checkov.lock
	@touch $@

fix: $(STAMP) ## Mend what lint can mend by itself
	@.venv/bin/ruff check --fix
	@.venv/bin/ruff format
	@.venv/bin/python -m docs.generate

lock: $(STAMP) ## Pin all dependencies anew, with hashes
	@UV_CUSTOM_COMPILE_COMMAND="make lock" .venv/bin/uv pip compile --quiet --universal --generate-hashes --allow-unsafe \
	  --python-version 3.11 pyproject.toml container/serving/pyproject.toml requirements/dev.in -o requirements/dev.lock
	@UV_CUSTOM_COMPILE_COMMAND="make lock" .venv/bin/uv pip compile --quiet --universal --generate-hashes --allow-unsafe \
	  --python-version 3.11 requirements/checkov.in -o requirements/checkov.lock
	@for workload in container/workloads/*/; do \
	  UV_CUSTOM_COMPILE_COMMAND="make lock" .venv/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	    container/serving/pyproject.toml $${workload}requirements.in -o $${workload}requirements.lock; done
	@for tool in sagemaker_sdk aws_cli; do \
	  UV_CUSTOM_COMPILE_COMMAND="make lock" .venv/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	    tests/localcloud/$$tool.in -o tests/localcloud/$$tool.lock; done

release: $(STAMP) ## Build and push image and artifact of ENV, and write its release
	@$(GLUE) apply --env $(ENV) --layer registry --yes
	@$(GLUE) image push --env $(ENV)
	@$(GLUE) artifact push --env $(ENV)

ALLOWED = $(foreach address,$(ALLOW_DESTROY),--allow-destroy '$(address)')

plan: $(STAMP) ## Show what an apply to ENV would do
	@$(GLUE) plan --env $(ENV) $(ALLOWED)

apply: $(STAMP) ## Apply the plan that was shown
	@$(GLUE) apply --env $(ENV) $(ALLOWED)

destroy: $(STAMP) ## Remove ENV, after asking
	@$(GLUE) destroy --env $(ENV) $(ALLOWED)

verify: $(STAMP) ## Verify the deployed endpoints of ENV with real inference
	@$(GLUE) verify-endpoint --env $(ENV)

promote: $(STAMP) ## Copy the verified release FROM=… TO=…
	@$(if $(and $(FROM),$(TO)),,$(error say what to promote where, such as make promote FROM=dev TO=staging))
	@$(GLUE) promote --from $(FROM) --to $(TO)

clean: ## Remove what make and glue made here (a running local cloud is stopped first)
	@if [ -x $(GLUE) ]; then $(GLUE) local down; fi
	@rm -rf .venv .glue out
