#!/bin/bash
# A report in a browser: nothing is said on its console, nothing asked for; it is as wide as the window at 400 and 1600 pixels, and its words stand out,
# light and dark. Skipped where there is no Chromium. [mission SYS13, X10]
. "$(dirname "$0")/lib.sh"
. "$here/browser.sh"

small r.yaml 'stop: {epochs: 2}'
code 0 train r.yaml --out run --quiet
code 0 train r.yaml --out "a run with a rather long name that goes on" --quiet --set optimizer.lr=0.05
code 0 report run
code 0 report run "a run with a rather long name that goes on" -o both.html

pages=(run/report.html 400 run/report.html 1600 both.html 400 both.html 1600)
for colours in light dark; do
  shown $colours "${pages[@]}"
  said && short "$colours: the console has something to say"
  asked && short "$colours: something was asked for"
  i=0
  while read -r _ wide contrast where; do
    [[ $wide -le ${pages[i + 1]} ]] || short "${pages[i]} is $wide pixels wide at ${pages[i + 1]}"
    awk -v c="$contrast" 'BEGIN { exit !(c >= 4.5) }' || short "${pages[i]}, $colours: contrast of $contrast in $where"
    i=$((i + 2))
  done <shown.txt
done

# The test can fail: a picture from elsewhere, a line that cannot break, words that are hardly there
sed 's|<h2>Summary</h2>|&<img alt="x" src="http://example.invalid/x.png"/>|' run/report.html >bad.html
sed 's|<h2>Summary</h2>|&<p style="width:700px">wide</p><p style="color:#ccc">faint</p>|' run/report.html >worse.html
shown light bad.html 400 worse.html 400
[[ $(said) || $(asked) ]] || short "a picture from elsewhere is not noticed"
read -r _ wide contrast _ < <(tail -n 1 shown.txt)
[[ $wide -gt 400 ]] || short "a page too wide is not noticed"
awk -v c="$contrast" 'BEGIN { exit !(c < 2) }' || short "faint words are not noticed: $contrast"
finish
