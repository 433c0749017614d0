# Forewarn's verbs; `make` alone explains them.
#   make demo PYTHON=python3.12    another interpreter for a new environment
#   make report MODEL=nano         the report of another model of the configuration
#   make audit TARGET=results/nano/figures/rates.svg
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
MODEL ?= nano
TARGET ?= results/$(MODEL)/detection_auc.json
# Of the study in the repository: large, and quickly made anew.
LEFT_OUT := 'results/*/activations/*' 'results/*/prefixes/*' 'results/*/base/*' 'results/*/adapter_scalars/*' \
    'results/*/refusal/activations.parquet' 'results/*/steering/*/checkpoints/*' \
    'results/*/steering/*/transfer_matrix*' 'results/*/steering/*/adapter_groups/*' \
    'results/*/organisms/*/trajectory.safetensors' 'results/*/elasticity/*_pushed.safetensors' \
    'results/*/elasticity/*_readings.parquet' 'results/*/steering/*/rebound/*' \
    'results/*/sparse_features/readings/*' 'results/*/steering/*/feature_ablation/*' \
    'results/*/screening/*/activations.parquet' 'results/*/prevention/*/*' 'results/*/steering/*/prevention/*'
# Models of other sizes or seeds that MODEL is compared with stay where they were run.
LEFT_OUT += 'results/$(MODEL)_*/*'
# Beside the study: the table of all models, and the rates of the others in it, so that a model more can be put in.
TABLE := 'results/table.*' 'results/figures/table.html' 'results/$(MODEL)_*/rates/*.json'
# `python -m` rather than the installed commands: it survives a folder that is moved or has spaces in its path.
# What others published, some of it encrypted, stays with them: no text of theirs gets into git.
PRIVATE := 'results/sources/*'
RUN := .venv/bin/python -m
SNAKEMAKE := $(RUN) snakemake
# `snakemake nano` asks for the detection_auc.json of nano and for everything its report shows.
REPORT := results/$(MODEL)/report.html

# What the atlas ends in; of a model whose study has not all of its parts, some.
ATLAS := $(foreach figure,phase_transition convergence transfer adapter_readings refusal sparse_features \
    elasticity elasticity_sweeps screening prevention,results/$(MODEL)/figures/$(figure).svg)

.PHONY: help demo replicates atlas test preflight power audit verify plan publish bench lint environment report lock clean

help:  ## explain the verbs
	@sed -nE 's/^([a-z ]+):.*## (.*)/make \1	\2/p' Makefile | expand -t 20

demo: environment  ## raise the nano organisms and measure them: detection_auc.json and report.html
	@$(SNAKEMAKE) $(MODEL)
	@$(MAKE) --no-print-directory --silent $(REPORT) MODEL=$(MODEL)
	@echo "Numbers: results/$(MODEL)/detection_auc.json"
	@echo "Report:  $(REPORT) (open it in a browser)"

replicates: environment  ## the same study on models of other pretraining seeds (nano: half an hour)
	$(SNAKEMAKE) results/$(MODEL)/replicates.json

atlas: environment  ## the mechanisms of MODEL: how its direction forms, spreads, and can be undone or prevented
	@$(SNAKEMAKE) atlas_$(MODEL) table
	@$(SNAKEMAKE) --quiet all --report results/$(MODEL)/atlas.html -- atlas_$(MODEL) table
	@.venv/bin/python scripts/ledger.py times $$(ls -U $(ATLAS) 2> /dev/null) --beyond \
	  $$(ls results/$(MODEL)/detection_auc.json results/$(MODEL)/figures/cosines.svg 2> /dev/null)
	@echo "Report:  results/$(MODEL)/atlas.html (open it in a browser)"

report: environment  ## build the report page of what there is, again
	$(SNAKEMAKE) --report $(REPORT) $(MODEL)

test: lint  ## check the code, then run all tests (unit, plan, end to end)
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(RUN) pytest -n 2 --dist worksteal

lint: environment  ## check style, types and the workflow, changing nothing
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) snakefmt --check Snakefile rules
	$(SNAKEMAKE) --lint

preflight: environment  ## whether the study of MODEL can run here: hub, disk, memory, key
	@.venv/bin/python scripts/preflight.py $(MODEL)

power: environment  ## how wide the intervals of MODEL's study will be, and what it could find
	@$(SNAKEMAKE) --quiet all -- results/$(MODEL)/power.json
	@.venv/bin/python scripts/power.py results/$(MODEL)/power.json

audit verify plan: environment  ## where TARGET comes from; whether it still holds; what a run would do
	@.venv/bin/python scripts/ledger.py $@ $(TARGET)

publish: environment  ## bring the study in the repository (.dvc/store) up to date, after a run
	@$(SNAKEMAKE) --quiet all -- $(MODEL) $(if $(wildcard $(ATLAS)),atlas_$(MODEL))
	@$(if $(wildcard results/table.parquet),$(SNAKEMAKE) --quiet all -- table)
	@.venv/bin/python scripts/ledger.py publish results/$(MODEL) --also $(TABLE) \
	  --without $(LEFT_OUT) --private $(PRIVATE)

bench: environment  ## measure what batching and streaming gain, as ratios (on nano, once it is there)
	@subject=--random; \
	if [ -f results/nano/instruct/model.safetensors ]; then subject='--model results/nano/instruct'; fi; \
	for part in generation activations; do .venv/bin/python tests/bench/$$part.py $$subject; done; \
	if [ -d benchmarks/$(MODEL) ]; then .venv/bin/python tests/bench/demo.py benchmarks/$(MODEL); fi; \
	.venv/bin/python tests/bench/ledger.py
	.venv/bin/python tests/bench/judging.py
	.venv/bin/python tests/bench/real_shapes.py --shape qwen0.5b --layers 2  # on a GPU: --shape alone

environment:  ## make .venv from requirements.lock if it is missing, half made or out of date
	@if cmp -s requirements.lock .venv/requirements.lock && .venv/bin/python -c ''; then exit 0; fi; \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Forewarn needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1 || true)."; \
	  echo "  Way out: name another one, e.g. make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; } >&2; \
	echo "Making .venv from requirements.lock; this takes some minutes, once."; \
	rm -rf .venv; \
	$(PYTHON) -m venv .venv; \
	$(RUN) pip install --disable-pip-version-check --requirement requirements.lock; \
	cp requirements.lock .venv/requirements.lock  # last, so that only a whole environment has it

lock:  ## resolve requirements.in anew into requirements.lock
	rm -rf .forewarn/lock && $(PYTHON) -m venv .forewarn/lock
	.forewarn/lock/bin/python -m pip install --requirement requirements.in
	@{ sed -n '/^#/p' requirements.lock; \
	  .forewarn/lock/bin/python -m pip freeze --all --exclude pip \
	  | grep -viE '^(nvidia-|cuda-|triton)' | sed -E 's/\+[a-z0-9.]+$$//'; } > requirements.lock.new
	mv requirements.lock.new requirements.lock && rm -rf .forewarn/lock

clean:  ## remove what runs leave behind: the model's results, logs, caches (ignored by git); keep .venv
	git clean -qfdX -- results/$(MODEL) logs benchmarks .snakemake .forewarn .pytest_cache .mypy_cache .ruff_cache

# Only as a goal of its own: after a run, this looks anew at what the report shows.
results/%/report.html: $(wildcard rules/*.smk rules/report/* results/$(MODEL)/detection_auc.json) \
    $(wildcard results/$(MODEL)/transcripts.html results/$(MODEL)/figures/*)
	@$(SNAKEMAKE) --report $@ $*
