#!/bin/bash
# Symbols without files: the kinds copy and latch of `synthetic` are looked up by an embedding, and refused where its vocabulary is too small (SYS8).
. "$(dirname "$0")/lib.sh"
recipe() { # kind, vocabulary, classes
  cat >"$1.yaml" <<Y
gradus: 1
name: $1
data: {train: {type: synthetic, kind: $1, features: 3, classes: 3, n: 120}, validation: {split: 0.25}, batch: 20}
model: {input: [$3], layers: [{type: embedding, vocabulary: $2, units: 4}, {type: lstm, units: 8, return: $4}, {type: dense, units: 3}]}
cost: cross_entropy
optimizer: {type: adam, lr: 0.02}
stop: {epochs: 20}
Y
}
recipe latch 6 3 last
code 0 train latch.yaml --out r
recipe copy 3 6 sequence
code 0 train copy.yaml --out c && code 0 eval c/best.safetensors --split validation --json
has out.txt '"error":0[,.]' # twenty epochs copy three symbols
recipe latch 5 3 last
bad 2 "latch has the symbols 0 to 5, but the layer that looks them up has a vocabulary of 5" train latch.yaml --out x
recipe copy 2 6 sequence
bad 2 "copy has the symbols 0 to 2" check copy.yaml
sed -i 's/kind: copy/kind: blobs/; s/features: 3/features: 6/' copy.yaml
bad 2 "the input \"input\" holds indices, but synthetic gives other numbers" train copy.yaml --out x
[[ ! -e x ]] || short "a refused recipe left files"
finish
