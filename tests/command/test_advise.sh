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

# Size, fine-tuning, regularisation (G6, T12, H17, H19, F1 to F9, FIG4.11)
for topic in size finetune regularisation; do
  code 0 advise $topic
  [[ $(grep -c '^    \[chapter 4, section 4\.' out.txt) -eq $(grep -c '^[a-z-]*: if ' out.txt) ]] || short "$topic: a rule has no section"
  code 0 advise $topic --json
  [[ $(grep -o '"id":"[^"]*","if":"[^"]*","choose":"[^"]*"' out.txt | wc -l) -eq $(grep -o '"sentence":"[^"]*","section":"4' out.txt | wc -l) ]] || short "$topic: rules lack members"
  code 0 advise $topic r.yaml --json
  grep -o '"verdict":"[^"]*"' out.txt | grep -qvE '"(followed|applies|open|not)"$' && short "$topic: another verdict"
  code 0 advise $topic --markdown && has out.txt '^\| rule \| if '
done
code 0 advise size --data-x 2 --json && has out.txt '"data_x":2,"parameters_x":2\.55151'
code 0 advise size --data-x 1 --json && has out.txt '"parameters_x":1,'
code 0 advise size --data-x 0.5 --json && has out.txt '"parameters_x":0\.39192'
code 0 advise size r.yaml --data-x 10 --json && has out.txt '"parameters":3910,"parameters_then":87807,'
code 0 advise regularisation r.yaml --phase design && has out.txt '^APPLIES +overfit-first ' && has out.txt '^followed +grid '
code 0 advise regularisation r.yaml --set penalty.l2=0.1 --json && has out.txt '"id":"grid".*"verdict":"applies","because":"penalty.l2 0.1, weight_decay 0.001"'
code 0 advise regularisation r.yaml --set 'data.augment=[{type: noise, std: 0.1}]' --json && has out.txt '"id":"less".*"verdict":"applies"'
code 0 advise regularisation r.yaml --set 'data.augment=[{type: noise, std: 0.1}]' --phase design && has out.txt '^APPLIES +late '
code 0 advise regularisation r.yaml --set optimizer=adam --json && has out.txt '"id":"adam".*"verdict":"open"'
code 0 advise size r.yaml --phase established --set limit.serving_bytes=4M && has out.txt '^followed +serving ' && has out.txt '^followed +existing '
choose() { # SIMILAR SRC DST RULE: figure 4.11
  code 0 advise finetune --similar "$1" --src "$2" --dst "$3" --json && has out.txt "\"choice\":\"$4\""
}
choose yes 1M 5k similar-small
choose no 1M 5k different-small
choose yes 1M 100k large
choose no 1.2M 200000 large
choose yes 60000 60k from-scratch
choose no 1k 1G from-scratch
code 0 advise finetune --similar no --src 1M --dst 5k && has out.txt '^different data, 5000 samples after 1e\+06: different-small'
bad 2 'go together' advise finetune --similar yes --src 1M
bad 2 'go together' advise finetune --src 1M --dst 5k
bad 2 'no number of samples' advise finetune --similar yes --src many --dst 5k
bad 2 'no number of samples' advise finetune --similar yes --src 1M --dst 0
bad 2 'maybe is not one of yes, no' advise finetune --similar maybe --src 1M --dst 5k
bad 2 'go with the topic finetune' advise size --similar yes --src 1M --dst 5k
bad 2 "data-x goes with the topic size" advise optimizer --data-x 2
bad 2 "data-x" advise size --data-x 0
bad 2 "data-x" advise size --data-x much
bad 2 "topic alone" advise size --data-x 2 --markdown

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
