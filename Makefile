# SPDX-License-Identifier: MIT OR Apache-2.0
# A thin door: each target calls what does the work, which can be called without make as well.
#
#   make build    target/release/hc-server, and every example as target/modules/NAME.so
#   make demo     builds, serves the gallery, prints the URLs     DEMO_LISTEN=127.0.0.1:8080
#   make test     sets the machine up, runs every check (.ci/run)
#   make bench    the server beside a floor and nginx             BENCH='hello parked'
#   make docs     target/docs/index.html: the rendered specification, and rustdoc
#   make clean    removes target/
#
# Results always go to target/, whatever CARGO_TARGET_DIR or CARGO_BUILD_TARGET say: the demo and the bench look there.

unexport CARGO_TARGET_DIR
unexport CARGO_BUILD_TARGET

CARGO ?= cargo
BENCH ?=
target := $(CURDIR)/target

.DEFAULT_GOAL := help
.PHONY: help build demo demo-check test bench docs clean

help:
	@sed -n 's/^#   //p' $(firstword $(MAKEFILE_LIST))

build:
	@.ci/setup build
	$(CARGO) build --release --locked --target-dir '$(target)' -p hc-server
	@examples/build-rust.sh '$(target)'
	@examples/build.sh '$(target)/modules'

demo: build
	@exec examples/demo.sh

demo-check: build
	@examples/demo.sh --check

test:
	@.ci/run

bench: build
	for module in burn query; do \
	  $(CC) -std=c99 -O2 -Wall -Wextra -Wpedantic -shared -fPIC -I spec/include -I bindings/c/include \
	    -o "$(target)/modules/$$module.so" "reference-server/bench/modules/$$module.c" || exit 1; \
	done
	$(CARGO) build --release --locked --target-dir '$(target)' -p query_rust
	cp '$(target)/release/libquery_rust.so' '$(target)/modules/query_rust.so'
	$(CARGO) run --release --locked --target-dir '$(target)' -p hc-bench -- $(BENCH)

docs:
	@.ci/setup build
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --workspace --no-deps --locked --target-dir '$(target)'
	$(CARGO) run --quiet --locked --target-dir '$(target)' -p hc-tidy --bin hc-docs -- '$(target)/docs' '$(target)/doc'

clean:
	rm -rf '$(target)'
