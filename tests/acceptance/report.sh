#!/bin/bash
# The report of the demo in a browser: below 1 MB, there within a second, nothing on the console, nothing asked for; pictures of it at 400 and 1600 pixels, light and
# dark, and on paper, for a person to look at. tests/acceptance/report.sh GRADUS FOLDER: needs Fashion-MNIST (dataset-fashion-mnist) and chromium; takes a minute.
. "$(dirname "$0")/../command/lib.sh"
. "$here/../command/browser.sh"
pictures=$(mkdir -p "$OLDPWD/$2" && cd "$OLDPWD/$2" && pwd) || exit 99
recipe=$(readlink -f "$here/../../recipes/fashion.yaml")

code 0 train "$recipe" --out run --quiet --set stop.epochs=3 --set data.limit.train=10000
code 0 report run
bytes=$(stat -c %s run/report.html)
echo "bytes $bytes"
[[ $bytes -lt 1000000 ]] || short "$bytes bytes"
for colours in light dark; do
  shown $colours run/report.html 400 run/report.html 1600
  while read -r ms wide contrast where; do
    echo "$colours: there after $ms ms, $wide pixels wide, least contrast $contrast ($where)"
    [[ $ms -lt 1000 ]] || short "$ms ms"
  done <shown.txt
  said && short "the console has something to say"
  asked && short "something was asked for"
  scheme=$([[ $colours == dark ]] && echo 0 || echo 1)
  echo "<body style='margin:0'><iframe src='file://$PWD/run/report.html' width=400 height=16000 style='border:0'></iframe>" >narrow.html
  browse --window-size=1600,9000 --blink-settings=preferredColorScheme="$scheme" --screenshot="$pictures/1600-$colours.png" "file://$PWD/run/report.html"
  browse --window-size=500,16000 --blink-settings=preferredColorScheme="$scheme" --screenshot="$pictures/400-$colours.png" "file://$PWD/narrow.html"
done
browse --no-pdf-header-footer --print-to-pdf="$pictures/paper.pdf" "file://$PWD/run/report.html"
for f in 1600-light.png 1600-dark.png 400-light.png 400-dark.png paper.pdf; do [[ -s $pictures/$f ]] || short "no $f"; done
cp run/report.html "$pictures"
finish
