#!/bin/bash
# lab: the list, the files of a figure, the same bytes again, theory beside measurement as text and JSON, and what is refused (FIG4.4, FIG4.5, FIG4.6, FIG4.8, FIG4.9, G10, I1, I2).
. "$(dirname "$0")/lib.sh"

code 0 lab
for name in batch-size deeper-lr ensemble-variance fig4.1 fig4.10 fig4.11 fig4.12 fig4.2 fig4.3 fig4.4 fig4.5 fig4.6 fig4.7 fig4.8 fig4.9 gates init learning-curve optimizers regularisers shuffle stagewise-init symmetry table4.1 train-longer; do has out.txt "^$name +[A-Z]"; done
code 0 lab --json && has out.txt '^\{"figures":\[\{"name":"batch-size","title":"'

# Files where they were asked for, ./lab unless asked; what is printed is what is there
code 0 lab fig4.5
for file in fig4.5.csv fig4.5-cost.csv fig4.5-updates.csv fig4.5-theory.csv fig4.5.svg fig4.5-updates.svg; do
  [[ -s lab/$file ]] || short "lab/$file is missing"
  has out.txt "^lab/$file\$"
done
[[ -z $(find lab -type f | grep -vE "^lab/[a-z0-9.-]+$") ]] || short "names that are no plain file names: $(find lab -type f)"
[[ $(find lab -type f | wc -l) -eq $(grep -c '^lab/' out.txt) ]] || short "files and lines differ: $(find lab -type f | tr '\n' ' ')"
has out.txt " ok +smallest rate at which w grows: 2 / L"
has lab/fig4.5-theory.csv "^quantity,predicted,measured,relative_error,low,high,holds$"
has lab/fig4.5-updates.csv '^rate,rate_times_curvature,fate,updates_predicted \[updates\],updates \[updates\]$'
for svg in lab/*.svg; do
  [[ $(head -c 5 "$svg") == "<svg " && $(tail -n 1 "$svg") == "</svg>" ]] || short "$svg is not one <svg>"
  command -v xmllint >/dev/null && { xmllint --noout "$svg" || short "$svg is not well-formed"; }
done

# The columns that readers of the tables know; --quick takes fewer draws, unless they are given
columns() { # FILE COLUMNS: the first of it
  [[ $(head -n 1 "$1") == "$2"* ]] || short "$1 has $(head -n 1 "$1"), not $2"
}
for name in fig4.1 fig4.2 fig4.10 learning-curve; do code 0 lab $name --quick --out q; done
code 0 lab ensemble-variance --out q --set bootstraps=4 --set models=3 --set samples=60 --set epochs=2 && has out.txt 'the mean of 3 models varies less than one model: '
columns q/ensemble-variance.csv models,variance,variance_low,variance_high,variance_alone,predicted,
columns q/fig4.1.csv x,y,part
columns q/fig4.1-fits.csv degree,c0,c1,c2,c3,c4,train_error,validation_error
columns q/fig4.2.csv degree,train_error,
columns q/learning-curve.csv samples,c0,c1,c2,c3,c4,validation_error,
grep -q 'product,gradient,difference' q/fig4.10.csv || short "columns of fig4.10"
code 0 lab fig4.1 --out q2 --set draws=500
same q/fig4.1.csv q2/fig4.1.csv "quick, and its settings given"
code 0 lab fig4.1 --quick --out q3 --set draws=501
cmp -s q/fig4.1-means.csv q3/fig4.1-means.csv && short "--quick overrules what is given"
for epochs in 39 10 41; do # looks at the epochs are at most twenty
  code 0 lab fig4.3 --quick --out q --set epochs=$epochs --set seeds=2
  [[ $(tail -n +2 q/fig4.3-epochs.csv | wc -l) -eq $((epochs / ((epochs + 19) / 20))) ]] || short "$epochs epochs: $(wc -l <q/fig4.3-epochs.csv) lines"
done
code 0 lab fig4.3 --quick --out q --json
columns q/fig4.3.csv features,samples,train_error,test_error
has out.txt '"predicted":100,"measured":100,'

# Trainings compared: means with intervals and seeds, the same for any number of threads; what no theory bounds is told, not judged
for name in shuffle train-longer regularisers; do
  code 0 lab $name --out v --set seeds=3 --set samples=100 --set epochs=1
  columns v/$name.csv 'variant,validation_error [%],validation_error_low [%],validation_error_high [%],train_error [%],'
  head -n 1 v/$name.csv | grep -q ',seeds,' || short "$name has no seeds"
  [[ $(tail -n +2 v/$name-seeds.csv | wc -l) -eq $((3 * ($(wc -l <v/$name.csv) - 1))) ]] || short "$name: $(wc -l <v/$name-seeds.csv) trainings"
  has out.txt "^ +- +-?[0-9.e+-]+ +- +[A-Za-z].* (holds|is contradicted|is not told from chance) here; difference in % of the samples, 95 % interval"
  code 0 lab $name --out w2 --set seeds=3 --set samples=100 --set epochs=1 --threads 2 --quiet
  for file in v/$name*; do same "$file" "w2/${file##*/}" "two threads"; done
done
code 0 lab batch-size --out v --set seeds=2 --set samples=100 --set epochs=1 --set rates=2 --json
columns v/batch-size.csv variant,
head -n 1 v/batch-size.csv | grep -q ',trace,trace_low,trace_high$' || short "batch-size has no trace"
has out.txt '"predicted":null,"measured":-?[0-9.e-]+,"relative_error":null,"low":null,"high":null,"holds":true'
code 0 lab deeper-lr --out v --set seeds=2 --set samples=100 --set epochs=1 --set rates=3
columns v/deeper-lr.csv hidden_layers,best_lr,best_lr_low,best_lr_high,seeds
small=(--set seeds=1 --set samples=400 --set updates=40 --set largest=16)
for name in fig4.7 table4.1; do "$gradus" lab $name --out v "${small[@]}" >out.txt 2>err.txt || short "$name: $(head -n 2 err.txt)"; done
columns v/fig4.7.csv 'model,batch [samples],steps [updates],lr'
columns v/table4.1.csv 'model,perfect_until [samples],stagnation_from [samples],status,'
has v/table4.1.csv '^"simple CNN, MNIST",128,2048,quoted,'
[[ $(grep -c ',measured,' v/table4.1.csv) -eq 3 && $(grep -c ',quoted,' v/table4.1.csv) -eq 3 ]] || short "rows of table4.1: $(cat v/table4.1.csv)"
code 0 lab stagewise-init --out v --set seeds=2 --set samples=200 --set epochs=2

# Experiments with bad weights do not warn of them
for name in symmetry init; do
  few=$([[ $name == init ]] && echo "--set networks=3")
  code 0 lab $name --out w ${few:-}
  [[ -s err.txt ]] && short "$name warns: $(head -n 1 err.txt)"
done

# The genealogy: identities as a table, the drawing as SVG and as DOT
code 0 lab fig4.9 --out g
has out.txt '^           0            0   0.0e[+]00  ok +distance of sgdm, momentum 0, from sgd$'
has g/fig4.9.csv '^child,parent,condition,setting_of_child,setting_of_parent,distance,tolerance,moved$'
has g/fig4.9.csv '^sgdm,sgd,momentum 0,"optimizer: {type: sgdm, momentum: 0}",optimizer: sgd,0,0,'
has g/fig4.9.svg '>RangerLARS</text>'
for child in adan lion sophia prodigy schedule_free_sgd schedule_free_adamw muon; do has g/fig4.9.csv "^$child,"; done
has g/fig4.9.dot '^digraph {$'
has g/fig4.9.dot '^  n1 -> n2 \[label="momentum 0"\];$'
command -v dot >/dev/null && { dot -Tsvg g/fig4.9.dot >/dev/null || short "Graphviz does not read g/fig4.9.dot"; }

# Equal budgets; too little training to beat guessing is said
small=(--set rates=2 --set seeds=2 --set samples=100)
code 1 lab optimizers --out o "${small[@]}" --set epochs=1 --json
has out.txt '"quantity":"trainings spent on adam","predicted":4,"measured":4'
code 1 lab optimizers --out o2 "${small[@]}" --set epochs=1 --threads 2 --quiet
for file in o/*; do same "$file" "o2/${file##*/}" "the second run"; done

# Names of all files of a figure with many: no blanks, braces, colons
"$gradus" lab init --set width=64 --set networks=1 --out i >out.txt 2>err.txt # its claims need more networks
[[ $(find i -name 'init*.svg' | wc -l) -eq 3 ]] || short "drawings of init: $(find i -type f | tr '\n' ' ')"
[[ -z $(find i -type f | grep -vE '^i/init[a-z-]*\.(csv|svg|dot)$') ]] || short "names of init's files: $(find i -type f | tr '\n' ' ')"

# Again, into a folder with parents and over old files: the same bytes, for any number of threads; another seed, other bytes
code 0 lab symmetry --out a/b --quiet && [[ ! -s out.txt ]] || short "--quiet prints"
mkdir -p c
echo old >c/symmetry.csv
code 0 lab symmetry --out c --threads 2 --quiet
for file in a/b/*; do same "$file" "c/${file##*/}" "the second run"; done
code 0 lab symmetry --out d --seed 5 --quiet
differ a/b/symmetry.csv d/symmetry.csv "another seed"
[[ -z $(find . -name '*.tmp-*') ]] || short "temporary files are left"

# --json: one object, on standard output alone; settings; explain knows figures
code 0 lab fig4.8 --json --out e --set condition=400
[[ $(wc -l <out.txt) -eq 1 && ! -s err.txt ]] || short "--json prints more than one object"
has out.txt '^\{"figure":"fig4.8",.*"files":\["e/fig4.8.csv",.*"claims":\[\{"quantity":"updates of SGD at condition number 10","predicted":69,"measured":69,"relative_error":0,.*"holds":true\}$'
has e/fig4.8.svg "400 w2"
code 0 explain fig4.8 && has out.txt "^  condition +100 +\[4,1000\]"

# Refused
bad 2 'unknown figure "fig4.44"' lab fig4.44
has err.txt "fig4.4"
bad 2 "unknown key \"conditon\"" lab fig4.8 --set conditon=3
bad 2 "not in \[4, 1000\]" lab fig4.8 --set condition=2
bad 2 "too many arguments" lab fig4.5 fig4.8
bad 2 "seed" lab fig4.5 --seed none
: >file
bad 3 "file" lab fig4.5 --out file
bad 3 "file" lab fig4.5 --out file/below
code 3 lab fig4.5 --out file --json && has out.txt '"code":"E_WRITE"'
finish
