# Installs what building and testing need on Debian 12, as root or through sudo; nothing where it is there already.
# Sourced by tests/all.sh and tests/demo.sh. FreeSWITCH is not among it: where one is installed, it is used.
needed="build-essential cmake pkg-config libclang-dev sox opus-tools age faketime"
missing=""
for package in $needed; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
  as_root=""
  [ "$(id -u)" = 0 ] || as_root=sudo
  $as_root apt-get update -q
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -q $missing
fi
command -v cargo >/dev/null || { echo "cargo 1.95 or newer is needed: https://rustup.rs" >&2; exit 1; }
