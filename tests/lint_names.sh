#!/bin/bash
# Members of families are known by name in their own folder only: tests/lint_names.sh [FOLDER], the tree's own unless given.
# Names come from the lines that define members (GR_LAYER(relu) = ...); elsewhere below src/ no string may be just such a name.
# What another floor wants to know of a member is a field of its descriptor. Exit code 0: clean, 1: something is said.
set -u
cd "${1:-$(dirname "$0")/..}" || exit 1
export LC_ALL=C
bad=0
say() { echo "$*"; bad=1; }

# FILES | NAMES | REASON: where the word is something else, or the name itself is the subject. A row that allows nothing is an error.
allowed() {
  sed 's/  *|  */|/g' <<'ROWS'
src/base/words.c               | *                           | what other programs call our members: a table of names
src/study/lab/*                | *                           | figures of the chapter, each about methods that it names
src/study/advice/*.c           | *                           | what the chapter advises, which is about methods that it names
src/study/procedure/*.c        | plateau polynomial cyclic constant l2 | the chapter's procedures, each made of members that it names
src/study/baseline/kept.c       | shuffle                     | a key of a recipe
src/study/procedure/phases.c   | step                        | a key: the number of updates
src/model/section.c            | adam cross_entropy constant | defaults of a recipe's rows
src/model/section.c            | clip dropout init log precision shuffle standardize train_longer | keys of a recipe
src/model/recipe_stop.c        | train_longer                | a key of a recipe
src/data/picture/images.c      | resize                      | a key of the source
src/model/recipe_data.c        | standardize                 | the key of targets
src/model/recipe_data.c        | shuffle                     | a key of a recipe
src/data/loader_fill.c         | shuffle                     | the stream of random numbers
src/study/diagnose/advice.c    | train_longer                | a remedy
src/model/include.c            | dropout                     | the key of a network from the zoo
src/model/recipe.c             | clip init log precision     | keys of a recipe
src/model/network_init.c       | lstm                        | a key of a recipe's init
src/model/stack.c              | init                        | the key of a layer
src/model/retype.c             | init                        | the key of a layer
src/nn/build.c                 | init                        | the key of a layer
src/api/net_init.c             | init                        | what errors call the text
src/api/members.c              | init                        | the family
src/nn/inner.c                 | init                        | the key of a layer
src/init/*.c                   | init                        | the family, and its key
src/init/hyperfan.c            | relu                        | a row of its own
src/data/array/idx.c           | images                      | a row of its own
src/data/picture/images.c      | crop                        | a way to fit, of a row of its own
src/schedule/plateau.c         | scale                       | a number that it keeps
src/graph/op_*.c               | conv max_pool avg_pool attention | operations of the graph
src/graph/op_shape.c           | reshape permute slice concat | operations of the graph
src/graph/op_shape.c           | zeros                       | how an attribute is printed
src/graph/op_leaf.c            | random                      | an operation of the graph
src/exchange/onnx_recipe.c     | *                           | what ONNX's operations are here: a table of names
src/cli/cmd_export.c           | softmax                      | an option of its own
src/cli/cmd_lr.c               | grid                        | a method of its own
src/cli/cmd_tune.c             | tpe                         | the default of an option
src/cli/cmd_curvature.c        | random                      | where a direction comes from
src/study/tune/space.c         | uniform log                 | kinds of spaces
src/study/check/rate_sweep.c  | constant cyclic            | words of the sweep
src/study/grow/prefix.c        | init                        | a key of a recipe
src/study/grow/prefix.c        | flatten global_avg_pool     | what may stand before a last layer that takes one axis
src/study/diagnose/advice.c    | dropout                     | a remedy
src/study/diagnose/evidence.c  | step                        | a column: the number of updates
src/cli/cmd_diagnose.c         | log text                    | a key of a recipe; what a finding says
src/study/check/init.c         | symmetry                    | a check
src/train/start.c              | init                        | where a layer's first weights come from
src/train/engine.c             | step                        | a plan of one update
src/train/record.c             | step                        | a column: the number of updates
src/train/keep.c               | step                        | a column: the number of updates
src/train/events.c             | step                        | a column: the number of updates
src/cli/cmd_plot.c             | csv log step                | the ending of a file; an axis; a column: the number of updates
src/study/report/[rsm]*.c      | step                        | a column: the number of updates
src/study/report/confusion.c   | precision recall            | columns of the table of classes
src/study/report/findings.c    | text                        | a key of what diagnose prints
src/api/net_update.c           | clip                        | a key of an optimizer's text
src/api/ext_optimizer.c        | clip                        | a key of a recipe
src/study/data/label_model.c   | precision                   | a key of a recipe
src/study/data/label_model.c   | cross_entropy               | the recipe of a linear network that labels are judged by
src/study/data/view_numbers.c  | step                        | an array: how far a made sample lies between two others
src/cli/cmd_data_check.c       | npy text                    | the ending of a file; a key of what it prints
src/cli/cmd_check.c            | init symmetry               | an option; a check
src/cli/cmd_curvature.c         | residual                    | how far an eigenvector is from one
src/cli/cmd_inspect.c          | zeros                       | a column: the share of numbers that are 0
src/study/inside/look_events.c | zeros                       | a figure: the share of numbers that are 0
src/cli/cmd_convert.c          | relu sigmoid                | options, called by what they replace
src/cli/cmd_init.c             | init                        | the command
src/cli/cmd_advise.c           | optimizers                  | a key of what it prints
src/cli/evaluation.c           | precision recall f1         | columns of the table of classes
src/cli/cmd_predict.c          | csv                         | an option; the ending of a file
src/base/*.c                   | text                        | a kind of value, and of files
src/api/settings.c             | text                        | a kind of value
src/model/table.c              | text                        | a kind of value
src/cli/files.c                | csv                         | the ending of a file
src/cli/cmd_curvature.c        | slice                       | the name of an option and of its answer
src/optim/clip.c               | clip                        | the common rows of optimizers
src/data/synthetic.c           | noise                       | a row of its own
ROWS
}

# FAMILY: as the headers define them, but for GR_COMMON, whose rows are no members
families() { sed -nE 's/^#define GR_([A-Z]+)\(name\) const gr_[a-z]+ gr__[a-z]+_##name$/\1/p' src/*/*.h src/*/*/*.h; }

# NAME FOLDER
members() {
  grep -rnE "^GR_($(families | paste -sd'|'))\([A-Za-z0-9_]+\) *=" src --include='*.c' | sed -E 's/^(.*)\/[^/]*:[0-9]+:GR_[A-Z]+\(([^)]*)\).*/\2 \1/'
}

# FILE LINE LITERAL: every string that is just one of the names, outside comments
literals() {
  grep -rlE "\"($(cut -d' ' -f1 <<<"$all" | sort -u | paste -sd'|'))\"" src --include='*.c' --include='*.h' | xargs -r awk '
    FNR == 1 { comment = 0 }
    {
      s = $0
      while (s != "") {
        if (comment) {
          if (!(at = index(s, "*/"))) break
          s = substr(s, at + 2)
          comment = 0
        }
        if (!match(s, /\/[*\/]|"([^"\\]|\\.)*"|\047([^\047\\]|\\.)*\047/)) break
        token = substr(s, RSTART, RLENGTH)
        s = substr(s, RSTART + RLENGTH)
        if (token == "//") break
        if (token == "/*") comment = 1
        else if (token ~ /^"[A-Za-z0-9_]+"$/) print FILENAME, FNR, substr(token, 2, length(token) - 2)
      }
    }'
}

all=$(members)
declare -A homes=() uses=()
while read -r name folder; do homes[$name]+=" $folder "; done <<<"$all"
[[ ${#homes[@]} -ge 80 ]] || say "lint_names: only ${#homes[@]} members were found"
mapfile -t rows < <(allowed)

# FILE NAME: the row that allows it is marked as used
is_allowed() {
  local i files names
  for i in "${!rows[@]}"; do
    IFS='|' read -r files names _ <<<"${rows[i]}"
    # shellcheck disable=SC2053
    [[ $1 == $files && ($names == '*' || " $names " == *" $2 "*) ]] || continue
    [[ $names == '*' ]] && uses[$i,*]=1 || uses[$i,$2]=1
    return 0
  done
  return 1
}

while read -r file line name; do
  [[ -n ${homes[$name]:-} && ${homes[$name]} != *" ${file%/*} "* ]] || continue
  is_allowed "$file" "$name" || say "$file:$line: knows \"$name\" by name, a member of${homes[$name]% }; ask its descriptor"
done < <(literals)

for i in "${!rows[@]}"; do
  IFS='|' read -r files names reason <<<"${rows[i]}"
  [[ -n $reason ]] || say "lint_names: \"${rows[i]}\" has no reason"
  set -f
  for name in $names; do [[ -n ${uses[$i,$name]:-} ]] || say "lint_names: nothing in $files needs \"$name\" to be allowed"; done
  set +f
done
exit $bad
