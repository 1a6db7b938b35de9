#!/bin/sh
# The main job on real audio: installs what it needs, builds, acts two calls. Where: the first argument, else a new
# directory below /tmp; what is opened lies in its folder "opened".
set -eu
cd "$(dirname "$0")/.."
. tests/prerequisites.sh
cargo build --workspace --locked
built=${CARGO_TARGET_DIR:-target}
built=$(cd "$built/debug" && pwd)
export CALLVAULT_MODULE="$built/libmod_callvault.so" CALLVAULT_PROGRAM="$built/callvault" CALLVAULT_STAND_IN="$built/stand-in"
output=${1:-$(mktemp -d /tmp/callvault-demo.XXXXXX)}
exec "$built/callvault-demo" "$output"
