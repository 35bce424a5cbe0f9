#!/bin/bash
# gradus tune: trials as the recipe would train them, a study that goes on after any end, several processes, refusals.
. "$(dirname "$0")/lib.sh"

cat >r.yaml <<'YAML'
gradus: 1
name: r
seed: 3
data: {train: {type: synthetic, kind: blobs, n: 120, classes: 3, features: 5, seed: 2}, validation: {split: 0.25}, batch: 15, prepare: [standardize]}
model: {input: [5], layers: [{type: dense, units: 4, activation: relu}, {type: dense, units: 3, name: head}]}
cost: cross_entropy
optimizer: {type: sgdm, lr: 0.02}
validate: {every: 6}
stop: {steps: 18}
YAML
trials() { grep -c '^{"trial":[0-9]*,"values"' "$1"; }
# STUDY: all that it holds, but for what its file is made of
dump() {
  python3 - "$1" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for q in ("trials ORDER BY trial", "settings ORDER BY trial, key", "reports ORDER BY trial, step"):
    for row in db.execute("SELECT * FROM " + q): print(row)
PY
}

# A grid is its product; each trial has the bits of the recipe trained with its values.
code 0 tune r.yaml --json --try 'optimizer.lr={0.1,0.001}' --try 'data.batch=int(15,16)' --method grid --study g/s.db
[[ $(trials out.txt) -eq 4 ]] || short "a grid of 2 x 2 has $(trials out.txt) trials"
has out.txt '"trial":2,"values":\{"optimizer.lr":0.001,"data.batch":15\},"state":"done","steps":18,"metric":'
best=$(tail -n 1 out.txt)
[[ $best == '{"best":{"trial":'*'"steps_spent":72,'* ]] || short "the last line is $best"
code 0 train g/best.yaml --out best --json
metric=$(sed -E 's/.*"metric":([0-9.e-]+).*/\1/' <<<"$best")
python3 - "$metric" <<'PY' || short "best.yaml gives another metric than $metric"
import json, sys
errors = [json.loads(l).get("validation_error") for l in open("best/metrics.jsonl")]
sys.exit(min(e for e in errors if e is not None) != float(sys.argv[1]))
PY

# Going on: the same trials as in one go, after kills at any moment, and by two processes at once.
search() { "$gradus" tune r.yaml --json --try 'optimizer={adam,sgdm}' --try 'optimizer.lr=log(1e-3,1)' --try 'optimizer.beta2=uniform(0.9,0.999)' --study "$@" 2>>err.txt; }
search one.db --trials 13 >one.txt || short "a search fails: $(tail -n 1 err.txt)"
grep -E 'sgdm.*beta2|"adam","optimizer.lr":[^,]*\}' one.txt && short "a space applies where its key does not exist"
search two.db --trials 5 >two.txt
for wait in 0.05 0.15 0.3; do
  search two.db --trials 13 >>two.txt &
  sleep $wait
  kill -9 $! 2>/dev/null
  wait $! 2>/dev/null
done
search two.db --trials 13 >two-a.txt &
search two.db --trials 13 >two-b.txt
wait $!
dump one.db >one.dump
dump two.db >two.dump
[[ $(wc -l <one.dump) -gt 70 ]] || short "the study holds only $(wc -l <one.dump) rows"
same one.dump two.dump "in one go, and killed and shared"
[[ -e two.db-trials ]] && short "folders of trials are left"
cat two-a.txt two-b.txt | grep -o '^{"trial":[0-9]*,"values"' | sort | uniq -d | grep . && short "a trial was told twice"
[[ $(tail -n 1 two-a.txt) == "$(tail -n 1 two-b.txt)" ]] || short "two processes have two bests"

# Halving: those that go on have the figures of a whole training, and most updates are saved.
code 0 tune r.yaml --json --try 'optimizer.lr=log(1e-3,1)' --set validate.every=2 --method halving --trials 9 --study h.db --jobs 3
grep '"state":"done"' out.txt | sed 's/,"steps".*"metric"/ "metric"/' | sort >halved.txt
spent=$(field out.txt steps_spent)
[[ $(trials out.txt) -eq 9 && $(grep -c '"state":"pruned"' out.txt) -eq 8 ]] || short "halving leaves $(grep -c pruned out.txt) of 9 behind"
code 0 tune r.yaml --json --try 'optimizer.lr=log(1e-3,1)' --set validate.every=2 --method random --trials 9 --study all.db
sed 's/,"steps".*"metric"/ "metric"/' out.txt | sort >whole.txt
[[ -s halved.txt && -z $(comm -23 halved.txt whole.txt) ]] || short "a halved trial has other figures: $(comm -23 halved.txt whole.txt)"
[[ $((3 * spent)) -le $(field out.txt steps_spent) ]] || short "halving spends $spent of $(field out.txt steps_spent) updates"

# What does not come to its end is a result.
code 0 tune r.yaml --json --try 'optimizer.lr={0.1,1e20}' --method grid --study d.db
has out.txt '1e\+20.*"state":"diverged".*"metric":null'
code 0 tune r.yaml --json --try 'model.layers[0].units={4,100000}' --method grid --study m.db --budget 2M
has out.txt '100000.*"state":"failed","steps":0,"metric":null,"why":"it takes .*more than'
code 0 tune r.yaml --json --try 'model.layers[0].units={4,1000}' --method grid --study l.db --at-most parameters=100
has out.txt '1000.*"state":"failed","steps":0,"metric":null,"why":"parameters is 9003, and may be 100 at most"'
code 0 tune r.yaml --json --try 'optimizer.momentum={0.5,1.5}' --method grid --study f.db
has out.txt '1.5.*"state":"failed".*"why":"optimizer.momentum: '
code 1 tune r.yaml --json --try 'optimizer.lr={0.1,0.2}' --method grid --study n.db --at-most bytes=1
has out.txt '"best":null'

# Refusals: 2 for what is asked, 3 for files.
bad 2 'no space lgo: is it log' tune r.yaml --try 'optimizer.lr=lgo(1,2)'
bad 2 'ends before it begins' tune r.yaml --try 'optimizer.lr=log(2,1)'
bad 2 'begins above 0' tune r.yaml --try 'optimizer.lr=log(0,1)'
bad 2 'stands there twice' tune r.yaml --try 'optimizer={adam,adam}'
bad 2 'has a space already' tune r.yaml --try 'optimizer={adam}' --try 'optimizer={sgd}'
bad 2 'no choice of optimizer' tune r.yaml --try 'optimizer={adam,sgd}' --try 'optimizer.lr=log(1,2) if optimizer=adma'
bad 2 'wants a space .* of cost' tune r.yaml --try 'optimizer.lr=log(1,2) if cost=mse'
bad 2 '^gradus: --try: optimizer.momentum: ' tune r.yaml --try 'optimizer.momentum={1.5}'
bad 2 '--try model.layers\[99\]' tune r.yaml --try 'model.layers[99].units={4}'
bad 2 '^gradus: --try: optimizer: ' tune r.yaml --try 'optimizer={adma}'
bad 2 'unknown key "lrr"' tune r.yaml --try 'optimizer.lrr=log(1,2)'
bad 2 'what trials are judged by' tune r.yaml --try 'data.validation.split={0.1,0.2}'
bad 2 'what trials are judged by' tune r.yaml --try 'seed={1,2}'
bad 2 'is missing' tune r.yaml
bad 2 'tpee' tune r.yaml --try 'optimizer.lr=log(1e-3,1)' --method tpee
bad 2 'startup' tune r.yaml --try 'optimizer.lr=log(1e-3,1)' --method '{type: tpe, startup: 0}'
bad 2 'too few trials' tune r.yaml --try 'optimizer.lr=log(1e-3,1)' --method halving --trials 2
bad 2 'best_by' tune r.yaml --try 'optimizer.lr=log(1e-3,1)' --metric nonsense
bad 2 'no number above 0' tune r.yaml --try 'optimizer.lr=log(1e-3,1)' --at-most bytes=-1
bad 2 'figure of the plan' tune r.yaml --try 'optimizer.lr=log(1e-3,1)' --at-most seconds=1
bad 2 'another recipe: optimizer.lr is 0.02 there and 0.03 here' tune r.yaml --set optimizer.lr=0.03 --try 'optimizer.momentum=uniform(0.5,0.9)' --trials 1 --study one.db
bad 2 'other spaces: it has no optimizer.lr=log\(1e-3,2\)' tune r.yaml --try 'optimizer.lr=log(1e-3,2)' --method random --study all.db --set validate.every=2
bad 2 'method' tune r.yaml --try 'optimizer.lr=log(1e-3,1)' --method tpe --study all.db --set validate.every=2
sed '/validation/s/validation: {split: 0.25}, //; /^validate/d' r.yaml >blind.yaml
bad 2 'no validation part' tune blind.yaml --try 'optimizer.lr=log(1e-3,1)'
echo "this is no database, though it is long enough to be one" >text.db
bad 3 'text.db' tune r.yaml --try 'optimizer.lr=log(1e-3,1)' --study text.db
head -c 5000 one.db >cut.db
bad 3 'cut.db' tune r.yaml --try 'optimizer.lr=log(1e-3,1)' --study cut.db
python3 -c "import sqlite3; d = sqlite3.connect('other.db'); d.execute('create table t(x)'); d.commit()"
bad 3 'another program' tune r.yaml --try 'optimizer.lr=log(1e-3,1)' --study other.db
for sql in "UPDATE trials SET state = 'gone' WHERE trial = 3" "DELETE FROM trials WHERE trial = 2" "UPDATE settings SET value = 7 WHERE trial = 1" "DROP TABLE reports" \
  "INSERT INTO settings VALUES(1, 'x', 1)" "PRAGMA user_version = 9"; do
  cp all.db hostile.db
  python3 -c "import sqlite3, sys; d = sqlite3.connect('hostile.db'); d.execute(sys.argv[1]); d.commit()" "$sql"
  bad 3 'hostile.db' tune r.yaml --try 'optimizer.lr=log(1e-3,1)' --set validate.every=2 --method random --trials 9 --study hostile.db
done

# What mattered, and a page of it.
code 0 tune --importance one.db --json
python3 - <<'PY' || short "shares of importance: $(cat out.txt)"
import json, sys
shares = json.load(open("out.txt"))["importance"]
sys.exit(set(shares) != {"optimizer", "optimizer.lr", "optimizer.beta2"} or abs(sum(shares.values()) - 1) > 1e-9)
PY
bad 3 '[0-9] trials have a metric' tune --importance d.db
bad 3 'text.db' tune --importance text.db
bad 2 'alone' tune r.yaml --importance one.db
code 0 report one.db --json
[[ $(grep -c . one.html) -gt 20 && $(grep -o '<svg' one.html | wc -l) -eq 6 ]] || short "the page of a study has $(grep -o '<svg' one.html | wc -l) pictures"
has one.html 'Parallel coordinates'
grep -qE '<script|https?://[^w]' one.html && short "the page asks for something from elsewhere"
bad 2 'name it alone' report one.db all.db
bad 3 'cut.db' report cut.db

# Ctrl-C: at the next update, with its own exit code, and the study goes on.
sed 's/steps: 18/steps: 2000000/' r.yaml >long.yaml
"$gradus" tune long.yaml --try 'optimizer.lr={0.01}' --method grid --study long.db >out.txt 2>err.txt &
until_holds test -e long.db-trials
sleep 0.3
kill -INT $!
wait $!
[[ $? -eq 5 ]] || short "an interrupted search ends with $?: $(cat err.txt)"
has err.txt 'goes on with long.db'

finish
