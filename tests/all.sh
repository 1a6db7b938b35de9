#!/bin/sh
# All tests: installs what they need, checks form, builds, runs. Scenarios run on the stand-in host, and on a real
# FreeSWITCH where `pkg-config freeswitch` or FREESWITCH_PREFIX finds one; else those show as ignored, by name.
set -eu
cd "$(dirname "$0")/.."
. tests/prerequisites.sh
cargo fmt --all --check
cargo clippy --workspace --all-targets --locked -- -D warnings
# Tests and what they load and run are built once, with the same features.
cargo build --workspace --all-targets --locked
built=${CARGO_TARGET_DIR:-target}
built=$(cd "$built/debug" && pwd)
export CALLVAULT_MODULE="$built/libmod_callvault.so" CALLVAULT_PROGRAM="$built/callvault" CALLVAULT_STAND_IN="$built/stand-in"
cargo test --workspace --locked
