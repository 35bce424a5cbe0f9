#!/bin/bash
# A model file written before its metadata was JSON (tests/command/old, from recipe.yaml there) opens, evaluates and predicts as it did.
. "$(dirname "$0")/lib.sh"
old=$here/old
cp "$old/inputs.csv" in.csv
near() { awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; exit !(a + 0 == a && d < 1e-5 && d > -1e-5) }' || short "$3: $1, not $2"; }

code 0 predict "$old/model.safetensors" in.csv --quiet
code 0 predict "$old/model.safetensors" in.csv
while read -r input class share; do
  read -r _ is_class is_share < <(grep -F "$input " out.txt)
  [[ $is_class == "$class" ]] || short "$input is of class $is_class, not $class"
  awk -v a="$is_share" -v b="$share" 'BEGIN { d = a - b; exit !(a + 0 == a && d <= 1e-4 && d >= -1e-4) }' || short "$input: $is_share, not $share"
done <"$old/predicted.txt"
[[ $(wc -l <out.txt) -eq $(wc -l <"$old/predicted.txt") ]] || short "$(wc -l <out.txt) lines of prediction"

code 0 eval "$old/model.safetensors" --split validation --json
near "$(field out.txt cost_mean)" 0.39995174147188661 "cost"
near "$(field out.txt error)" 0.1 "error"
has out.txt '\[\[9,1,0\],\[0,8,2\],\[0,0,10\]\]'

# What is written from it is JSON, and says the same.
code 0 train "$old/recipe.yaml" --from "$old/model.safetensors" --set optimizer.lr=1e-30 --set stop='{steps: 1}' --out run --quiet
tr -cd '[:print:]' <run/last.safetensors >new.txt
has new.txt '"gradus.recipe":"\{\\"gradus\\": 1, \\"name\\": \\"old\\"'
has new.txt '"gradus.prepare":"\[\{\\"type\\": \\"scale\\", \\"mul\\": \[0.3333333333333333\]\}, \{\\"type\\": \\"standardize\\", .*\\"mean\\": \[1.03834'
tr -cd '[:print:]' <"$old/model.safetensors" >old.txt
has old.txt '"gradus.recipe":"gradus: 1\\nname: old'
finish
