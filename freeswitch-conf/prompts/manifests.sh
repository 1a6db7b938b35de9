#!/bin/sh
# Says of each prompt what it says, for callvault.conf's `prompt-manifests`. CALLVAULT names the program.
set -eu
cd "$(dirname "$0")"
while IFS="$(printf '\t')" read -r name text; do
  case $name in
    stopped-*) purposes=none ;;
    *-outbound-*) purposes=layered ;;
    *) purposes=complaint,spotcheck,safety_crime,legal_compliance,training ;;
  esac
  "${CALLVAULT:-callvault}" prompt add "$name.wav" --language "${name##*-}" --purposes "$purposes" --text "$text" --id "${name%-*}"
done < texts.tsv
