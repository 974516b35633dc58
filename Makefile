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

# The console. Its packages are fetched only when the lock changed, and it is built only when a source changed.
web: web/dist/index.html ## build the console into web/dist
web/node_modules/.package-lock.json: web/package-lock.json
	@echo "fetching the console's packages (once)"
	cd web && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@
web/dist/index.html: web/public/verify.wasm web/node_modules/.package-lock.json $(shell git ls-files -co --exclude-standard web/src web/public web/scripts web/index.html web/vite.config.ts)
	@echo "building the console"
	cd web && npm run build -- --logLevel warn
	@touch $@

web-check: web/node_modules/.package-lock.json ## types, lint and unit tests of the console
	cd web && npm run check && npm test

.PHONY: web web-check

# The receipt verifier for browsers: plinth-verify's code as WebAssembly, with the glue of the Go that built it.
wasm: web/public/verify.wasm ## build the verifier for browsers into web/public
web/public/verify.wasm: go.mod $(wildcard plinth.go errors.go ledger/*.go web/verify/*.go)
	@echo "building the verifier for browsers"
	GOOS=js GOARCH=wasm go build -trimpath -ldflags='-s -w' -o $@ ./web/verify
	cp "$$(go env GOROOT)/lib/wasm/wasm_exec.js" web/public/wasm_exec.js

.PHONY: wasm

build: web ## build the service and the auditor's program into bin/
	@echo "building plinth (a minute or two the first time)"
	go build -o bin/ ./cmd/...

# The five programs of Hyperledger Fabric, pinned by deploy/fabric/go.mod. Pure Go, so no C compiler is needed.
FABRIC_PROGRAMS := $(addprefix $(FABRIC_BIN)/,peer orderer cryptogen configtxgen osnadmin)

fabric: $(FABRIC_PROGRAMS) ## build Fabric's programs into the cache, unless they are there
	@echo "Fabric's programs are in $(FABRIC_BIN)"

$(FABRIC_PROGRAMS) &:
	@echo "Building Fabric's five programs into $(FABRIC_BIN); once, some minutes ..."
	@mkdir -p $(FABRIC_BIN)
	@cd deploy/fabric && CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o $(FABRIC_BIN)/ tool
	@touch $(FABRIC_PROGRAMS)

chaincode: ## build the contract's process, bin/plinth-chaincode
	CGO_ENABLED=0 go build -trimpath -o bin/plinth-chaincode ./ledger/chaincode/server

.PHONY: fabric chaincode

run: engines fabric chaincode build ## start the engines, the service and the simulated district
	bin/plinth up

# Packages whose goroutines share memory are also tested under the race detector, where that does not mean to compile
# half of the world again.
RACE := ./sensors ./security ./ledger/audit ./internal/stack/fabric

# Without debug tables the test programs link in half the time; vet runs once, in lint.
GOTEST := go test -vet=off -ldflags=-w

test: engines fabric chaincode build lint ## run every test on real engines
	$(GOTEST) -timeout 20m $$(go list ./... | grep -v /cmd/plinth$$)
	$(GOTEST) -race -timeout 10m $(RACE)
	$(GOTEST) -timeout 20m ./cmd/plinth
	cd web && npm run check && npm test && npm run e2e

bench: engines fabric chaincode build ## measure on real engines and write bench/RESULTS.md (about two hours: the last one is a siege)
	go run ./bench

lint: ## vet and format
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...

clean: ## remove what was built; the data folder stays
	rm -rf bin web/dist/assets web/dist/index.html

.PHONY: help tools generate verify engines build run test bench lint clean
