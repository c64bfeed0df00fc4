# DATA_DIR: where the demo keeps its data; PORT: where it serves; NAME: which benchmark.
PORT ?= 3000
NAME ?= all
export SQLX_OFFLINE = true

.PHONY: demo setup client-release check test test-odoo dev bench
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

dev: setup
	scripts/dev

bench: setup client-release
	cargo build --release --bin tieout
	target/release/tieout bench $(NAME)
