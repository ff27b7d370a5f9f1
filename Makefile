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
demo: build ## Watch a cluster scale, lose its leader, heal and scale in (about a minute).
	$(BUILD) -o bin/as-demo ./examples/demo
	@PATH="$(CURDIR)/bin:$$PATH" bin/as-demo

.PHONY: run
run: build ## Leave a three-node cluster running on loopback, until Ctrl-C.
	$(BUILD) -o bin/as-demo ./examples/demo
	@PATH="$(CURDIR)/bin:$$PATH" bin/as-demo --stay

# Property tests draw their cases from a seed. `make test` draws the same ones each
# time, so that it fails for what was changed; `make explore` looks for new ones.
SEED  ?= 1
UNITS := ./cmd/... ./internal/... ./proto/... ./examples/...
DRAWS := '{{$$p := .ImportPath}}{{range .TestImports}}{{if eq . "pgregory.net/rapid"}}{{$$p}}{{"\n"}}{{end}}{{end}}{{range .XTestImports}}{{if eq . "pgregory.net/rapid"}}{{$$p}}{{"\n"}}{{end}}{{end}}'

.PHONY: test
test: lint ## Prove everything: format, vet, generated code, unit, cluster and crash tests, under the race detector.
	@drawing=$$($(GO) list -tags $(TAGS) -f $(DRAWS) $(UNITS) | sort -u); \
	others=$$($(GO) list -tags $(TAGS) $(UNITS) | grep -vxF "$$drawing"); \
	$(TEST) $$drawing -rapid.seed=$(SEED) && $(TEST) $$others
	$(TEST) -timeout 20m $$($(GO) list -tags $(TAGS) ./test/... | grep -v test/nemesis)
	$(NEMESIS) -timeout 20m

# Clusters on network namespaces and disks of their own, under faults drawn from a
# seed: root, iproute2, nftables and e2fsprogs are needed. Most faults are waiting,
# so the clusters are attacked side by side.
NEMESIS := $(GO) test -tags $(TAGS) -count=1 -parallel 8 ./test/nemesis

.PHONY: soak
soak: ## Attack clusters for half an hour with faults of a new seed, then flood one (root; SOAK_TIME, SOAK_SEED).
	$(NEMESIS) -v -timeout 2h -nemesis.time=$(or $(SOAK_TIME),30m) -nemesis.seed=$(or $(SOAK_SEED),0)
	SOAK=1 $(GO) test -tags $(TAGS) -count=1 -v -run TestFloods ./test/cluster

.PHONY: explore
explore: ## Look for new failures: property tests and simulations from seeds of their own, until one fails.
	@while seed=$$(od -An -N3 -tu4 /dev/urandom | tr -d ' '); do echo "seed $$seed"; \
		$(TEST) -count=1 ./internal/autoscaling ./internal/cluster/journal ./internal/control ./internal/fsm -rapid.seed=$$seed || exit 1; \
		$(TEST) -count=1 ./internal/scheduler/plan -rapid.seed=$$seed -sim.seed=$$seed || exit 1; \
	done

.PHONY: fuzz
fuzz: ## Look for bytes that break what nodes read from each other, 30 s for each target.
	$(GO) test -tags $(TAGS) -run '^$$' -fuzz '^FuzzHandshake$$' -fuzztime 30s ./internal/cluster/peer
	$(GO) test -tags $(TAGS) -run '^$$' -fuzz '^FuzzMessage$$' -fuzztime 30s ./internal/cluster/peer

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
