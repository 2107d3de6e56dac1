# The verbs of this project. CMake builds; this says what for.
BUILD  ?= build/release
JOBS   ?= $(shell nproc)
PREFIX ?= /usr/local

.PHONY: all setup build arm64 run test test-quick test-rdkafka-latest test-attacks test-openapi test-rights test-situations test-cluster test-spark test-odr test-deploy test-kube tidy bench bench-kafka torture torture-kafka format install uninstall deb deb-arm64 tarball image image-arm64 clean help

all: build

help:            ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | expand -t21

setup:           ## install what is missing (Debian, Ubuntu)
	@scripts/setup

build: setup     ## the tools, Release, in build/release/bin
	@scripts/build $(BUILD) -DCMAKE_BUILD_TYPE=Release

arm64: setup     ## the tools for arm64, cross-built, in build/arm64/bin
	@scripts/build-arm64

run: build       ## the whole pipeline and its page, until Ctrl-C: make run ARGS="--demo -- --allow-host pi.local"
	@scripts/pipeline $(ARGS)

test: setup      ## the whole gate: build, sanitizers, tidy, every test
	@scripts/test

test-quick: build ## the tests of the Release build only
	@scripts/setup-web
	@scripts/setup-kafka
	@scripts/setup-deploy
	@ctest --test-dir $(BUILD) --output-on-failure -j$(JOBS)

test-rdkafka-latest: setup ## the Kafka tests with a current librdkafka, built in a cache folder
	@scripts/rdkafka-latest

test-attacks: build ## clients that exhaust, stall and damage, in full: the server keeps its bounds
	@tests/tools/attacks.py --bin $(BUILD)/bin --full
	@tests/tools/mutated.py --bin $(BUILD)/bin --seed $(or $(SEED),1) --requests 100000
	@tests/tools/chunked.py --bin $(BUILD)/bin --seed $(or $(SEED),1) --requests 30000

test-openapi: build ## schemathesis against a server: every answer is one that its document describes
	@PAYSTATS_BIN=$(BUILD)/bin tests/tools/openapi_requests $(or $(SEED),1)

test-rights: build ## each tool on Kafka with the rights of its manual, and without each of them in turn
	@scripts/setup-kafka
	@tests/kafka/least_rights.py --bin $(BUILD)/bin

test-situations: build ## the long tests on Kafka: what happens to topics, groups and brokers of a real cluster
	@scripts/setup-kafka
	@ctest --test-dir $(BUILD) -C situations -L situations --output-on-failure -j$(JOBS)

test-cluster: build ## Kafka with three brokers, restarted, killed and suspended: make test-cluster SEED=1 ARGS="--only rolling"
	@scripts/setup-kafka
	@tests/kafka/cluster.py --bin $(BUILD)/bin --seed $(or $(SEED),1) $(ARGS)

test-spark: build ## deploy/spark's job on a real Spark and broker: its totals are payagg's
	@scripts/setup-kafka
	@PAYSTATS_BIN=$(BUILD)/bin tests/spark/run

test-odr: setup  ## no name stands for two things: one program of all rooms, linked with its types
	@scripts/build build/odr -DCMAKE_BUILD_TYPE=Release -DPAYSTATS_PCH=OFF -DPAYSTATS_ODR=ON -- all_rooms

test-deploy: build ## the long tests of what is deployed, as root: packages installed, upgraded and purged, a machine booted, containers
	@scripts/setup-deploy --long
	@scripts/setup-kafka
	@ctest --test-dir $(BUILD) -C deploy -L deploy --output-on-failure

test-kube:       ## the manifests of deploy/k8s on the cluster that KUBECONFIG names, in dry runs: make test-kube ARGS=--prepare
	@tests/deploy/on_cluster.py $(ARGS)

tidy: build      ## format, lint, the order of the rooms, man pages
	@scripts/check-tidy $(BUILD)

torture: build   ## crashes of the durable pipeline, faults and power cuts: make torture ROUNDS=1000 SEED=1
	@tests/tools/torture.py --bin $(BUILD)/bin --rounds $(or $(ROUNDS),1000) --seed $(or $(SEED),1)
	@tests/tools/torture_keys.py --bin $(BUILD)/bin --wall-clock $(BUILD)/tests/fault/libwall_clock.so --rounds 100 --long 12 --rotations 50 --seed $(or $(SEED),1)
	@tests/tools/torture_jobs.py --bin $(BUILD)/bin --rounds 200 --seed $(or $(SEED),1)
	@tests/tools/lost_answers.py --bin $(BUILD)/bin --keys 3200 --seed $(or $(SEED),1)
	@tests/fault/fault.py --all --bin $(BUILD)/bin --preload $(BUILD)/tests/fault/libfault_preload.so \
		--seed $(or $(SEED),1)

torture-kafka: build ## crashes of the pipeline on a real Kafka: make torture-kafka FAULTS=500 SEED=1
	@scripts/setup-kafka
	@tests/kafka/torture.py --bin $(BUILD)/bin --faults $(or $(FAULTS),500) --seed $(or $(SEED),1) $(ARGS)

bench: build     ## payagg beside DuckDB and others, pipes, nginx, the pipeline: make bench ARGS="--parts files --resume"
	@scripts/build build/bench -DCMAKE_BUILD_TYPE=Release -DPAYSTATS_BENCH=ON -- tests/bench/all
	@tests/bench/run --bin $(BUILD)/bin --bench-bin build/bench/tests/bench $(ARGS)

bench-kafka: build ## payagg beside librdkafka alone, Kafka Streams and Spark, on one broker
	@scripts/setup-kafka
	@scripts/build build/bench-kafka -DCMAKE_BUILD_TYPE=Release -DPAYSTATS_BENCH=ON -- kafka_floor kafka_floor_mimalloc kafka_probe
	@PAYSTATS_BIN=$(BUILD)/bin tests/bench/kafka/bench.py $(ARGS)

format:          ## format the sources in place
	@scripts/check-tidy --format

install: build   ## into PREFIX (default /usr/local)
	@umask 022 && cmake --install $(BUILD) --prefix $(PREFIX)

uninstall:       ## remove that again; settings that were changed stay, and so do payments
	@scripts/uninstall --build $(BUILD) $(PREFIX)

deb: build       ## a package for this release of Debian, in build/release/package
	@scripts/package --build $(BUILD) deb

deb-arm64: setup ## the same package for arm64, cross-built, in build/arm64/package
	@scripts/build-arm64 -- to_install
	@scripts/package --build build/arm64 deb

tarball: build   ## the same for a machine without packages: sudo tar -C /usr/local --strip-components=1 --no-overwrite-dir -xf FILE
	@scripts/package --build $(BUILD) tarball

image: build     ## an image for containers, in build/release/package; as root: make image && podman load -i FILE
	@scripts/image --build $(BUILD)

image-arm64: setup ## the same for arm64, cross-built, in build/arm64/package
	@scripts/build-arm64 -- to_install
	@scripts/image --build build/arm64

clean:           ## remove everything that was built
	rm -rf build
