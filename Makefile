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

.PHONY: help tools generate
