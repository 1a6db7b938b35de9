#!/bin/sh
# All tests: installs what they need, checks form, builds, runs. Scenarios run on the stand-in host, and on a real
# FreeSWITCH where `pkg-config freeswitch` or FREESWITCH_PREFIX finds one; else those show as ignored, by name.
set -eu
cd "$(dirname "$0")/.."
. tests/prerequisites.sh
cargo fmt --all --check
cargo clippy --workspace --all-targets --locked -- -D warnings
# The scenarios load the module and run the program as they are built.
cargo build --workspace --locked
cargo test --workspace --locked
