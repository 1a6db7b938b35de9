#!/bin/sh
# The main job on real audio: installs what it needs, builds, acts two calls. Where: the first argument, else a new
# directory below /tmp; what is opened lies in its folder "opened".
set -eu
cd "$(dirname "$0")/.."
. tests/prerequisites.sh
cargo build --workspace --locked
output=${1:-$(mktemp -d /tmp/callvault-demo.XXXXXX)}
exec target/debug/callvault-demo "$output"
