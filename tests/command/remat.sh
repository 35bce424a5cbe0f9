# Trainings that recompute, held against those that keep all: sourced behind lib.sh, and zoo.sh for zoo_args.

planned() { # MEMBER ARGS of plan: a number of its answer
  local member=$1
  shift
  "$gradus" plan "$@" --json 2>err.txt | sed -nE "s/.*\"$member\": ?([0-9.e+-]+).*/\1/p"
}
least_of() { # ARGS of plan: the least memory, as its error says
  "$gradus" plan "$@" --budget 1 --json 2>err.txt | sed -nE 's/.*"least_bytes": ?([0-9]+).*/\1/p'
}
weights() { # FILE: the numbers behind its header, which holds the recipe
  local n
  n=$(od -An -tu8 -N8 "$1")
  tail -c +$((n + 9)) "$1"
}
keep_all() { # ARGS of train: the training that others are held against
  rm -rf kept
  code 0 train "$@" --out kept --quiet
}
alike() { # FOLDER ARGS of train: the same weights and costs, and a peak that was planned
  local folder=$1 f
  shift
  rm -rf "$folder"
  code 0 train "$@" --out "$folder" --quiet || return
  held_alike "$folder" "$*"
}
held_alike() { # FOLDER WHAT
  local f
  for f in last best swa; do
    [[ -e kept/$f.safetensors ]] || continue
    cmp -s <(weights "kept/$f.safetensors") <(weights "$1/$f.safetensors") || short "$2: other weights in $f"
  done
  cmp -s <(sed -E 's/"(seconds|samples_per_second)": ?[0-9.e+-]+//g' kept/metrics.jsonl) <(sed -E 's/"(seconds|samples_per_second)": ?[0-9.e+-]+//g' "$1/metrics.jsonl") ||
    short "$2: other metrics"
  [[ $(field "$1/result.json" peak_bytes) == $(field "$1/result.json" planned_bytes) ]] || short "$2: peak_bytes is not what was planned"
}
zoo_args() { # NAME RECIPE: fills `args` with the recipe, made small, for two updates
  zoo_sets "$1" "$2"
  cp "$2" zoo.yaml
  args=(zoo.yaml "${sets[@]}" --set 'stop={steps: 2}' --set validate=none --set checkpoint=none)
}
