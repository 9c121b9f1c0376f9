# emotion-slm: `make quickstart` and `make test` need nothing but Python ≥ 3.11, git and make.

PYTHON ?= python3
VENV := .venv
BASE ?= main
BIN := $(VENV)/bin

# An example that any CPU runs in minutes; PROFILE=minilm reads GoEmotions.
PROFILE ?= sample
SWEEP ?= profiles.$(PROFILE).ismote.target=100,150,250

.PHONY: quickstart test test-all drills bench bench-ismote bench-training bench-scoring bench-serving bench-few-shot bench-monitor lint licences update check-lock repro sweep experiments release remote review gc clean

# The pinned lock, then this project on top of it.
$(VENV)/.installed: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

quickstart: $(VENV)/.installed  ## the whole pipeline on the bundled sample corpus
	$(BIN)/python -m emotion_slm.cli.quickstart

# Tests of one file stay in one process: they share what it sets up. The longest files come first.
PARALLEL := --numprocesses 2 --dist loadfile --no-loadscope-reorder

test: $(VENV)/.installed  ## unit, pipeline and end-to-end tests
	$(BIN)/python -m pytest -m "not slow and not drill" $(PARALLEL)

test-all: $(VENV)/.installed  ## those, the slow ones, and those of experiments and benchmarks
	$(BIN)/python -m pytest tests -m "not drill" $(PARALLEL)

# Mistral's own tokenizer, which needs an older numpy: in a folder that its process alone sees.
.scratch/mistral-common/.installed: tests/mistral_common.txt
	$(BIN)/python -m pip install --quiet --no-deps --target .scratch/mistral-common --requirement $<
	touch $@

drills: $(VENV)/.installed .scratch/mistral-common/.installed  ## long tests: cold runs compared, runs killed, disks full (docs/operate/recovery.md)
	$(BIN)/python -m pytest -m drill $(PARALLEL) -rP

# A peer that brings TensorFlow: in an environment of its own.
.scratch/smote-variants/.installed: benchmarks/smote_variants.txt
	$(PYTHON) -m venv .scratch/smote-variants
	.scratch/smote-variants/bin/python -m pip install --quiet --requirement $<
	touch $@

bench: bench-ismote bench-training bench-scoring bench-serving bench-monitor  ## every benchmark, one after the other

bench-ismote: $(VENV)/.installed .scratch/smote-variants/.installed  ## ISMOTE against its peers, a quarter of an hour
	$(BIN)/python -m benchmarks.ismote --growth --smote-variants .scratch/smote-variants/bin/python

bench-training: $(VENV)/.installed  ## padding, arithmetic, and the one-position architecture by batch
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.one_position

# Of the trained model: `dvc repro`, or `emotion-slm pull`.
bench-scoring: $(VENV)/.installed  ## scoring against transformers.pipeline, embedding by two engines, half an hour
	$(BIN)/python -m benchmarks.scoring
	$(BIN)/python -m benchmarks.embedding
	$(BIN)/python -m benchmarks.bulk

# A peer with requirements of its own: in a folder that its process alone sees.
.scratch/litserve/.installed: benchmarks/litserve.txt
	$(BIN)/python -m pip install --quiet --no-deps --target .scratch/litserve --requirement $<
	touch $@

bench-serving: $(VENV)/.installed .scratch/litserve/.installed  ## the service against others, eight minutes
	$(BIN)/python -m benchmarks.serving --litserve .scratch/litserve

# A peer whose packages join those of the environment, in a folder that its process alone sees.
.scratch/setfit/.installed: benchmarks/setfit.txt
	$(BIN)/python -m pip install --quiet --no-deps --target .scratch/setfit --requirement $<
	touch $@

# WORKSPACE: a checkout in which TweetEval is split, as experiments/tweeteval/README.md says.
bench-few-shot: $(VENV)/.installed .scratch/setfit/.installed  ## few labelled texts a class, against SetFit, hours
	$(BIN)/python -m benchmarks.few_shot $(WORKSPACE) --setfit .scratch/setfit

# Peers in environments or folders of their own.
.scratch/quapy/.installed: benchmarks/quapy.txt
	$(PYTHON) -m venv .scratch/quapy
	.scratch/quapy/bin/python -m pip install --quiet --requirement $<
	touch $@

.scratch/captum/.installed: benchmarks/captum.txt
	$(BIN)/python -m pip install --quiet --no-deps --target .scratch/captum --requirement $<
	touch $@

bench-monitor: $(VENV)/.installed .scratch/quapy/.installed .scratch/captum/.installed  ## shares and explanations, a quarter of an hour
	$(BIN)/python -m benchmarks.shares --quapy .scratch/quapy/bin/python
	$(BIN)/python -m benchmarks.explanations --captum .scratch/captum

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# What the lock may bring. The two left out are DVC's own, installed beside this project and not part of
# it: asyncssh (EPL or GPL), grandalf (EPL or GPL).
LICENCES := MIT;BSD;Apache;Python Software Foundation;PSF-2.0;ISC License;MPL-2.0;Mozilla Public License 2.0;Zope Public License;GPLv2 with linking exception

licences: $(VENV)/.installed  ## every package's licence; fails on one that is not allowed
	$(BIN)/pip-licenses --from=mixed --partial-match --allow-only "$(LICENCES)" --ignore-packages asyncssh grandalf

# The resolver reads metadata alone: nothing is installed before the new lock is.
.scratch/uv/bin/uv:
	$(PYTHON) -m venv .scratch/uv
	.scratch/uv/bin/python -m pip install --quiet --disable-pip-version-check uv

update: $(VENV)/.installed .scratch/uv/bin/uv  ## requirements.lock with the newest versions that pyproject.toml allows
	$(BIN)/python -m emotion_slm.workbench.requirements --kept > .scratch/kept.txt
	.scratch/uv/bin/uv pip compile pyproject.toml --extra dev --upgrade --constraint .scratch/kept.txt \
		--python-version 3.11 --python-platform linux --no-annotate --quiet --output-file .scratch/resolved.txt
	$(BIN)/python -m emotion_slm.workbench.requirements .scratch/resolved.txt

check-lock: $(VENV)/.installed  ## dvc.lock matches the code, params and declared inputs; needs no data
	$(BIN)/python -m emotion_slm.workbench.stale

repro: $(VENV)/.installed  ## the pipeline on the profile chosen in params.yaml
	PATH="$(CURDIR)/$(BIN):$$PATH" dvc repro

# Queued experiments run in folders of their own, with the code that was there when they were queued.
sweep: export PYTHONPATH = src
sweep: export PATH := $(CURDIR)/$(BIN):$(PATH)
sweep: $(VENV)/.installed  ## one experiment per value of SWEEP on PROFILE, then the table of all
	dvc exp run --queue --set-param profile=$(PROFILE) --set-param "$(SWEEP)"
	dvc exp run --run-all
	$(MAKE) --no-print-directory experiments

experiments: $(VENV)/.installed  ## the experiments since the last commit, the best on validation first
	@$(BIN)/python -m emotion_slm.workbench.experiments

release: $(VENV)/.installed  ## release/ holds the model of dvc.lock, for git to keep
	$(BIN)/python -m emotion_slm.workbench.release

# The model's output names the remote `release`, which a push must not write to; one's own takes all.
remote:  ## a DVC remote of your own, URL=…, for every output, the model among them
	$(BIN)/dvc remote add --default --force own "$(URL)"
	sed -i '/^ *remote: release$$/d; /^ *push: false$$/d; s|^\( *- models/classifier\):$$|\1|' dvc.yaml

review: $(VENV)/.installed  ## what changed against BASE: params, metrics with intervals, plots
	@PATH="$(CURDIR)/$(BIN):$$PATH" emotion-slm review "$(BASE)" $(OPTIONS)

# What `dvc gc` keeps. KEEP=--workspace frees most: then nothing but the runs of dvc.lock is left.
KEEP ?= --all-commits --all-experiments

gc: $(VENV)/.installed  ## what DVC's cache and old checkpoints would free; asks before it frees
	@$(BIN)/python -m emotion_slm.workbench.gc $(KEEP)

clean:  ## private workspaces and resume state; data, models and results stay
	rm -rf .scratch .pytest_cache .ruff_cache .hypothesis
