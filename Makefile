# Everything one does with this repository. `make` alone explains.
.NOTPARALLEL:
.DEFAULT_GOAL := help

release := swift build -c release --static-swift-stdlib
# CI builds the tests once and throws them away: debug information would be for nobody.
debug := $(if $(CI),-debug-info-format none)
# Empty outside a clone; `etcd-backup version` then says that it is unknown.
commit = $(shell git rev-parse HEAD 2>/dev/null)
binary := .build/release/etcd-backup
pytest := .build/venv/bin/python -m pytest Tests/Integration
pytest_chart := .build/venv/bin/python -m pytest Tests/Chart
# Tests wait half of the time, for elections and deadlines, so there are twice as many workers as cores.
parallel := --numprocesses 4 --dist worksteal

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: packages ## Back up a real etcd, restore it, compare every key
	@.ci/demo

.PHONY: test
test: tools lint build sandbox test-unit test-integration test-chart ## Run every check but image-test, test-long and fuzz

.PHONY: build
build: packages ## Build the release binary, .build/release/etcd-backup
	@.ci/stage "release build" env ETCD_BACKUP_COMMIT=$(commit) $(release) --product etcd-backup
	@.ci/stage "release binary" .ci/check-binary $(binary)

.PHONY: build-tests
build-tests: packages
	@.ci/stage "debug build" nice swift build $(debug) --build-tests

.PHONY: test-unit
test-unit: packages ## Run the unit tests and the wire tests
	@.ci/stage "unit and wire tests" swift test $(debug) --parallel

.PHONY: test-integration
test-integration: tools build sandbox run-integration ## Run the tests on real etcd servers

# The same where all three are there; .ci/run uses it beside a build.
.PHONY: run-integration
run-integration:
	@.ci/stage "integration tests" $(pytest) $(parallel)

.PHONY: test-long
test-long: tools build sandbox ## Run what is long by nature: 2 GB of database, 100,000 blobs, a restore that dies at every step, every case of a matrix
	@.ci/stage "large integration tests" $(pytest) -m large
	@.ci/stage "long integration tests" $(pytest) $(parallel) -m "long and not large"
	@.ci/stage "long chart tests" $(pytest_chart) $(parallel) -m long
	@.ci/stage "long unit tests" env TEST_LONG=1 \
	  swift test -c release --scratch-path .build/long --parallel --filter '[Rr]andom'

.PHONY: test-chart
test-chart: tools build sandbox run-chart ## Run the tests of the chart: both helms, promtool, the pod as rendered

.PHONY: run-chart
run-chart:
	@.ci/stage "chart tests" $(pytest_chart) $(parallel)

.PHONY: image-test
image-test: tools sandbox ## Build the container image without a daemon, try it, print its sizes (as root)
	@.ci/image-test

.PHONY: soak
soak: tools build sandbox ## Back up while everything fails, and check all promises; MINUTES=60
	@.build/venv/bin/python Tests/Soak/soak --minutes $(or $(MINUTES),60)

.PHONY: bench
bench: tools build sandbox ## Measure speed, memory and load on etcd; OPTIONS=--help lists the options
	@.build/venv/bin/python Tests/Bench/bench $(OPTIONS)

.PHONY: bench-pages
bench-pages: packages ## Measure the check of the pages alone, on a made-up database of 8 GiB
	@$(release) --product PageBench
	@.build/release/PageBench throughput

.PHONY: bench-encoding
bench-encoding: packages ## Measure encryption and compression against the programs age and zstd
	@$(release) --product EncodingBench
	@.build/release/EncodingBench ratios

.PHONY: fuzz
fuzz: packages ## Feed damaged streams and files to the decoders and made-up pages to the check, tens of millions; hours
	@.ci/stage "fuzzing" .ci/fuzz

.PHONY: lint
lint: packages ## Check formats, scripts and the import table; build nothing
	@.ci/stage "lint" .ci/lint
	@.ci/stage "imports" .ci/check-imports

.PHONY: format
format: ## Rewrite the Swift files in the house format
	@git ls-files -z '*.swift' | xargs -0 swift format --in-place --parallel

.PHONY: clean
clean: ## Remove everything that was built or downloaded
	rm -rf .build Tests/Sandbox/.build

# The stages that set up; each takes well under a second when there is nothing to do.

.PHONY: packages
packages:
	@.ci/install-tools

.PHONY: tools
tools: packages
	@.ci/stage "tools" .ci/tools

.PHONY: sandbox
sandbox: packages
	@.ci/stage "sandbox build" swift build -c release --package-path Tests/Sandbox --product sandbox
