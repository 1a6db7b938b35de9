#!/bin/sh
# Makes the speech of the demonstration's calls from texts.tsv: hibari-tts 0.2.1 (PyPI, Apache-2.0), the agent's voice
# lowered by sox.   pip install hibari-tts==0.2.1; apt-get install sox; sh make.sh
set -eu
cd "$(dirname "$0")"
raw=$(mktemp --suffix=.wav)
trap 'rm -f "$raw"' EXIT
while IFS="$(printf '\t')" read -r name pitch text; do
  hibari --seed 1 --out "$raw" "$text"
  sox -V1 --no-dither -R "$raw" -r 8000 -c 1 -b 16 "$name.wav" pitch "$pitch" norm -6
done < texts.tsv
