# DATA_DIR: where the demo keeps its data; PORT: where it serves; NAME: which benchmark;
# SENDS, SEED: how long a soak is, and which script it follows; FUZZ_SECONDS: how long each statement reader is fuzzed.
PORT ?= 3000
NAME ?= all
SENDS ?= 200000
FUZZ_SECONDS ?= 600
export SQLX_OFFLINE = true

.PHONY: demo setup client-release check test test-odoo soak fuzz dev bench
.DEFAULT_GOAL := demo

demo: setup client-release
	cargo build --release --bin tieout
	target/release/tieout demo $(if $(DATA_DIR),--data-dir "$(DATA_DIR)") --port $(PORT)

setup:
	scripts/setup

client-release:
	cargo xtask client --release

check:
	scripts/test --fast

test:
	scripts/test

test-odoo:
	scripts/test-odoo

soak: setup
	TIEOUT_SOAK_SENDS=$(SENDS) $(if $(SEED),TIEOUT_SOAK_SEED=$(SEED)) cargo xtask with-postgres -- \
	  cargo test -p pipeline --test it protocol::every_document -- --nocapture

fuzz:
	scripts/fuzz $(FUZZ_SECONDS)

dev: setup
	scripts/dev

bench: setup client-release
	cargo build --release --bin tieout
	target/release/tieout bench $(NAME)
