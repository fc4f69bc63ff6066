# The launcher is built with the flags of everything else that it builds, so that they share what is compiled.
LAUNCHER = .local/bin/localstack
TENANT  ?= acme
GO_TOOL  = go tool -modfile=tools/go.mod
# Calls are played at a real pace, and a machine that lags sounds as a bad network does: tests that play some, or break the running
# product, go before the rest, which fills the time that those wait. `make lint` vets.
GO_TEST  = go test -race -vet=off -timeout 60m
CALLS    = ./e2e ./services/simulator/...
FAULTS   = ./e2e/faults
LONGEST  = ./services/admin ./internal/searchtenant ./lambdas/indexer
# Files that git knows or would take: not what .local or a module cache holds.
GO_FILES = $(shell git ls-files --cached --others --exclude-standard -- '*.go')
LINT_ENV = .local/lint
CONTRACT_ENV = .local/contract
export EARSHOT_TEST_SCHEMATHESIS = $(CURDIR)/$(CONTRACT_ENV)/bin/schemathesis

.DEFAULT_GOAL := help
.PHONY: up down clean test test-calls test-faults test-rest browser bench lint lint-go lint-rest verify generate artifacts demo-call templates-from-export token help launcher

up: launcher ## start the whole product with a demonstration tenant; Ctrl-C stops it
	@exec $(LAUNCHER) up

down: launcher ## stop what `make up` started
	@exec $(LAUNCHER) down

clean: launcher ## stop it and forget its state, its secrets and what was unpacked; downloads stay cached
	@exec $(LAUNCHER) clean

test: launcher $(CONTRACT_ENV) ## run every test, the end-to-end walk included, against real servers and in Chromium
	@$(LAUNCHER) chromium >/dev/null
	@$(LAUNCHER) npm softphone run --silent test
	@$(MAKE) --no-print-directory browser
	@$(LAUNCHER) npm portal run --silent test
	@$(LAUNCHER) portal
	@exec $(LAUNCHER) test -- $(MAKE) --no-print-directory --jobs 2 --keep-going test-calls test-faults test-rest

test-calls:
	@$(GO_TEST) -p 1 $(CALLS)

test-faults:
	@$(GO_TEST) $(FAULTS)

test-rest:
	@all="$$(go list ./...)" && apart="$$(go list $(CALLS) $(FAULTS))" && \
	  nice $(GO_TEST) $(LONGEST) $$(echo "$$all" | grep -vxF "$$apart")

browser: launcher ## look at the softphone in Chromium, as make test does; pictures go to softphone/screenshots
	@$(LAUNCHER) npm softphone run --silent build
	@CHROMIUM="$$($(LAUNCHER) chromium)" $(LAUNCHER) npm softphone run --silent browser

bench: launcher ## measure the product, started for this alone; writes .local/bench.json
	@CGO_ENABLED=0 go build -trimpath -buildvcs=false -o .local/bin/bench ./bench
	@exec .local/bin/bench -launcher $(LAUNCHER)

generate: launcher ## write generated files anew
	go generate ./...
	$(LAUNCHER) npm portal run --silent generate

verify: ## prove that generated files are fresh
	@before="$$(git status --porcelain; git diff)"; $(MAKE) --no-print-directory generate; \
	  test "$$before" = "$$(git status --porcelain; git diff)" || \
	  { git status --short; echo 'generated files were stale: commit what `make generate` wrote' >&2; exit 1; }

lint: $(LINT_ENV) launcher ## check form: gofmt, go vet, golangci-lint, cfn-lint, tsc, eslint, redocly
	@$(MAKE) --no-print-directory --jobs 2 --keep-going lint-go lint-rest

lint-go:
	@unformatted="$$(gofmt -l $(GO_FILES))"; test -z "$$unformatted" || { echo "not gofmt: $$unformatted" >&2; exit 1; }
	@large="$$(git ls-files -z | xargs -0 -r sh -c 'find "$$@" -size +1024k' find)" && test -z "$$large" || { echo "over 1 MiB, built or fetched by mistake: $$large" >&2; exit 1; }
	go vet ./...
	$(GO_TOOL) golangci-lint run --allow-parallel-runners ./...

lint-rest:
	$(LINT_ENV)/bin/cfn-lint infra/*.yaml
	$(LAUNCHER) npm softphone run --silent check
	$(LAUNCHER) npm portal run --silent check
	$(LAUNCHER) npm api run --silent check

$(LINT_ENV): tools/lint/requirements.txt
$(CONTRACT_ENV): tools/contract/requirements.txt
$(LINT_ENV) $(CONTRACT_ENV):
	python3 -m venv --clear $@
	$@/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

artifacts: launcher ## build functions, templates and site; ARCH=arm64 for AWS
	@exec $(LAUNCHER) artifacts $(if $(ARCH),--arch $(ARCH))

demo-call: launcher ## send TENANT (acme) three calls that have just ended, and say how they sounded; BROWSER=1: take a call in Chromium
	@exec $(LAUNCHER) demo-call $(if $(BROWSER),--browser) $(TENANT)

templates-from-export: ## make templates of FILE, an export of Dashboards; TENANT= whose space it is of; INTO= another folder
	@go run ./kibana-templates/fromexport -file '$(FILE)' -tenant '$(if $(filter command line environment,$(origin TENANT)),$(TENANT))' -into '$(or $(INTO),kibana-templates)'

token: launcher ## print a fresh bearer token for the admin API
	@exec $(LAUNCHER) token

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-21s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

launcher:
	@go list -m >/dev/null || { echo 'localstack: install Go 1.26 or newer and put its bin folder on PATH' >&2; exit 1; }
	@mkdir -p .local/bin
	@CGO_ENABLED=0 go build -trimpath -buildvcs=false -o $(LAUNCHER) ./services/localstack
