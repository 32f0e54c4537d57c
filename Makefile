# The two commands that matter are `make run` and `make test`; the rest are their parts.

.PHONY: help run test test-cuts test-previous test-transfers explain branches build install dist try-packages lambda release lint format generate mutate simulate certificates clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build, then run an agent and a server on this machine until Ctrl-C
	@scripts/run

test: ## Build, then run every check and test
	@scripts/test

test-cuts: ## Run the end-to-end tests while every agent loses its connections five times a second
	@scripts/test-cuts

test-previous: build ## Run a part of the end-to-end tests between this program and that of an older commit, as agent and as server
	@scripts/test-previous

test-transfers: ## Make a hundred transfers of 8 MiB, each of which loses its connection twenty times, and lose one for 100 seconds
	@FLUIDITY_TEST_TRANSFERS=7 PATH=$$PATH:/usr/sbin:/sbin .venv/bin/python -m pytest Tests/EndToEnd/test_resumed_transfers.py Tests/EndToEnd/test_long_losses.py

explain: build ## Compare what `fluidity explain` says with what a running pair does, 10,000 times
	@scripts/test-explain

branches: build ## Compare which branch `route` chooses with a plain implementation of the choice, 100,000 times
	@scripts/test-branches

build: ## Build the release binary
	@scripts/build-release fluidity

install: build ## Install the program into PREFIX (/usr/local), beneath DESTDIR
	@scripts/install

dist: build ## Make packages of the program in run/dist: tar.zst, .deb and .rpm
	@scripts/dist

try-packages: dist ## Try the .deb in a fresh Debian and a few network namespaces: install, join, run, upgrade, remove (as the superuser)
	@scripts/try-packages

lambda: ## Build the Lambda functions' zip, run/lambda/fluidity-lambda.zip
	@scripts/lambda

release: ## Make what a release consists of in run/release: the functions' zip, the image and its sources, templates
	@scripts/release

lint: ## Check how the code is formatted
	@scripts/lint

format: ## Format the code
	@swift format format --in-place --parallel --recursive Package.swift Sources Tests examples

generate: ## Make what follows from the sources anew: the stages' pages, metrics, JSON Schema, floors
	@scripts/generate

mutate: ## Break the program in many places, one at a time, and say which tests notice (an hour)
	@scripts/mutate

simulate: build ## Simulate 100,000 days of the control plane, and fail if one breaks a bound
	@scripts/simulate

certificates: build ## Make development certificates in run/certs, where they are missing
	@scripts/development-certificates .build/release/fluidity

clean: ## Remove what was built; certificates in run/ stay
	@rm -rf .build .build-compare .build-mutants .venv
