#!/bin/sh
# Makes the prompts from texts.tsv: English by hibari-tts 0.2.1 (PyPI, Apache-2.0), Dutch by espeak-ng (a placeholder:
# a machine's Dutch; have a person speak it), levelled and brought to 16 kHz by sox; the host resamples for each leg.
# Then each one's manifest, by this repository's own program.
#   pip install hibari-tts==0.2.1; apt-get install espeak-ng sox; sh make.sh
set -eu
cd "$(dirname "$0")"
raw=$(mktemp --suffix=.wav)
trap 'rm -f "$raw"' EXIT
while IFS="$(printf '\t')" read -r name text; do
  case $name in
    *-en) hibari --seed 1 --speed 1.15 --out "$raw" "$text" ;;
    *-nl) espeak-ng -v nl -s 200 -g 1 -w "$raw" "$text" ;;
  esac
  sox -V1 --no-dither -R "$raw" -r 16000 -c 1 -b 16 "$name.wav" silence 1 0.02 0.5% reverse silence 1 0.02 0.5% reverse pad 0.15 0.15 norm -6
done < texts.tsv
sh manifests.sh
