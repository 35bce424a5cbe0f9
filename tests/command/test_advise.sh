#!/bin/bash
# advise: topics, rules, a recipe held against them, and docs/advice.md (O28, H16, H18, T16).
. "$(dirname "$0")/lib.sh"
small r.yaml
code 0 advise && has out.txt "^optimizer +Which optimizer"
code 0 advise --json && has out.txt '^\{"topics":\[\{"topic":"optimizer","title":'
code 0 advise optimizer
for rule in design default large-batch newcomer vision language tuned finish decay betas; do has out.txt "^$rule: if "; done
[[ $(grep -c '^    \[chapter 4, section 4\.' out.txt) -eq $(grep -c ': if ' out.txt) ]] || short "a rule has no section"
code 0 advise optimizer --json && has out.txt '"id":"large-batch","if":"batches are large","choose":"RangerLARS","write":"optimizer: rangerlars","optimizers":\["rangerlars"\]'
grep -q '"verdict"' out.txt && short "rules have verdicts without a recipe"
code 0 advise optimizer --markdown
same out.txt "$here/../../docs/advice.md" "run ./dev docs"

code 0 advise optimizer r.yaml && has out.txt "^followed +vision "
has out.txt "^open +design "
has out.txt "^[0-9]+ of [0-9]+ rules ask for a change; --phase"
code 0 advise optimizer r.yaml --phase design && has out.txt "^APPLIES +design "
has out.txt "schedule polynomial, not a constant rate: for later"
code 0 advise optimizer r.yaml --phase design --set optimizer=adam --set schedule=constant && has out.txt "^followed +design "
code 0 advise optimizer r.yaml --phase new --set data.batch=2048 --json && has out.txt '"id":"large-batch".*"verdict":"applies","because":"a batch of 2048, optimizer sgdm"\},\{"id":"newcomer"'
has out.txt '"phase":"new"\}$'
code 0 advise optimizer r.yaml --quiet && [[ ! -s out.txt ]] || short "--quiet prints"

bad 2 "there is no topic optimiser" advise optimiser && has err.txt "did you mean optimizer"
bad 2 "there is no topic weather" advise weather && has err.txt "gradus advise lists them"
bad 2 "phase: later is not one of design, new, established" advise optimizer r.yaml --phase later
bad 2 "goes with a recipe" advise optimizer --phase design
bad 2 "goes with a recipe" advise optimizer --set seed=3
bad 2 "goes with a topic alone" advise --markdown
bad 2 "goes with a topic alone" advise optimizer r.yaml --markdown
bad 3 "missing.yaml" advise optimizer missing.yaml
bad 2 "unknown optimizer" advise optimizer r.yaml --set optimizer=adamm
finish
