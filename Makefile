# Everything is built with hashicorpmetrics: without it Raft's metrics vanish.
TAGS  := hashicorpmetrics
GO    := go
BUILD := $(GO) build -trimpath -tags $(TAGS)
TEST  := $(GO) test -race -tags $(TAGS)

.PHONY: help
help: ## Show the targets.
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build asserver, asctl and the example web server into bin/.
	$(BUILD) -o bin/ ./cmd/asserver ./cmd/asctl
	$(BUILD) -o bin/as-webapp ./examples/webapp
	$(BUILD) -o bin/as-receiver ./examples/receiver

.PHONY: demo
demo: build ## Watch a cluster scale, lose its leader, heal and scale in (about two minutes).
	$(BUILD) -o bin/as-demo ./examples/demo
	@PATH="$(CURDIR)/bin:$$PATH" bin/as-demo

.PHONY: run
run: build ## Leave a three-node cluster running on loopback, until Ctrl-C.
	$(BUILD) -o bin/as-demo ./examples/demo
	@PATH="$(CURDIR)/bin:$$PATH" bin/as-demo --stay

.PHONY: test
test: lint ## Prove everything: format, vet, generated code, unit, cluster and crash tests, under the race detector.
	$(TEST) ./cmd/... ./internal/... ./proto/... ./examples/...
	$(TEST) -timeout 20m ./test/...

.PHONY: bench
bench: build ## Measure against the goals that need no peer; a table, and bench/results/*.json.
	$(GO) run -tags $(TAGS) ./bench

.PHONY: bench-peers
bench-peers: build ## The same with etcd beside it, in the same run.
	cd bench/peers && $(GO) build -o ../../bin/as-bench-etcd .
	$(GO) run -tags $(TAGS) ./bench --peers bin/as-bench-etcd

.PHONY: generate
generate: ## Generate the code and documents that are committed.
	tools/generate.sh

.PHONY: lint
lint: ## Check format, vet, the protos and that generated code is current.
	@unformatted=$$(git ls-files '*.go' | grep -v '\.pb\.\(gw\.\)\?go$$' | xargs gofmt -l); \
		if [ -n "$$unformatted" ]; then echo "not formatted (gofmt -w):"; echo "$$unformatted"; exit 1; fi
	$(GO) vet -tags $(TAGS) ./...
	@if git grep -nF 'synctest.Test(' -- '*.go' ':!internal/bubble'; then echo "use bubble.Test; package internal/bubble says why"; exit 1; fi
	tools/lint.sh
	tools/generate.sh --check

.PHONY: clean
clean: ## Remove what was built.
	rm -rf bin var
