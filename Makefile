# Plinth. `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help

CACHE      ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/plinth
FABRIC_BIN ?= $(CACHE)/fabric-3.1.1
BUF        := tools/node_modules/.bin/buf

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t14

tools: ## build the code generators (only for generate and verify)
	cd tools && npm ci --no-audit --no-fund && go build -o ../bin/ tool

generate: tools ## write the generated code again
	$(BUF) lint api && $(BUF) generate

verify: generate ## fail when generated code is stale
	git diff --exit-code -- api

engines: deploy/engines/node_modules/.package-lock.json ## fetch the locked native engines
deploy/engines/node_modules/.package-lock.json: deploy/engines/package-lock.json
	@echo "fetching PostgreSQL and ClickHouse (about 200 MB, once)"
	cd deploy/engines && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

build: web ## build the service and the auditor's program into bin/
	@echo "building plinth (a minute or two the first time)"
	go build -o bin/ ./cmd/...

run: engines fabric chaincode build ## start the engines, the service and the simulated district
	bin/plinth up

lint: ## vet and format
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...

clean: ## remove what was built; the data folder stays
	rm -rf bin web/dist/assets web/dist/index.html

.PHONY: help tools generate verify engines build run lint clean
