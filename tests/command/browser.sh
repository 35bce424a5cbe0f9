# Pages in Debian's Chromium: sourced by tests that look at pages, after lib.sh. Without that browser a test says so and is skipped.
command -v chromium >/dev/null || { echo "chromium is not here (apt-get install chromium): pages are not looked at"; exit 77; }

# The browser without a window, with a profile of its own, asking for nothing by itself where that can be told it. Once more where it does not begin at all.
browse() {
  local try
  for try in 1 2; do
    timeout 120 chromium --headless=new --no-sandbox --no-zygote --disable-gpu --disable-dev-shm-usage --no-first-run --hide-scrollbars --disable-background-networking \
      --disable-component-update --disable-sync --user-data-dir="$work/profile$try" --allow-file-access-from-files --enable-logging=stderr "$@" >dom.txt 2>browser.txt && [[ -s dom.txt || $* != *--dump-dom* ]] && return
  done
}

# shown light|dark PAGE WIDTH [PAGE WIDTH]...: each page in a frame so wide. A line a page into shown.txt: milliseconds until it is there, its own width, the least
# contrast of its words, and where that is.
shown() {
  local colours=$1 n=$((($# - 1) / 2))
  shift
  {
    echo '<body><script>var began = performance.now(), left = '$n'</script>'
    for (( ; $# > 1; )); do
      echo "<iframe width=\"$2\" height=\"900\" style=\"border:0\" data-src=\"file://$(readlink -f "$1")\"></iframe>"
      shift 2
    done
    cat <<'HTML'
<pre id="told"></pre>
<script>
function parts(c) { var m = c.match(/[\d.]+/g).map(Number); return m.length < 4 ? m.concat(1) : m }
function light(c) { return c.slice(0, 3).map(function (x) { x /= 255; return x <= 0.03928 ? x / 12.92 : Math.pow((x + 0.055) / 1.055, 2.4) }).reduce(function (s, x, i) { return s + x * [0.2126, 0.7152, 0.0722][i] }, 0) }
function ground(e, view) { // what lies under it, from the page up
  var list = []
  for (; e; e = e.parentElement) list.unshift(parts(view.getComputedStyle(e).backgroundColor))
  return list.reduce(function (under, c) { return [0, 1, 2].map(function (i) { return under[i] * (1 - c[3]) + c[i] * c[3] }) }, [255, 255, 255])
}
function measure(frame) {
  var took = performance.now() - began, d = frame.contentDocument, view = frame.contentWindow, least = 99, where = ''
  d.querySelectorAll('body *').forEach(function (e) {
    if (e.ownerSVGElement || e.tagName == 'svg' || !Array.from(e.childNodes).some(function (n) { return n.nodeType == 3 && n.data.trim() })) return
    var a = light(parts(view.getComputedStyle(e).color)), b = light(ground(e, view)), c = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    if (c < least) { least = c; where = e.tagName + ' ' + e.className }
  })
  frame.told = ['told', Math.round(took), d.documentElement.scrollWidth, least.toFixed(2), where].join(' ')
  next()
}
function next() { // one after the other, each with its own time
  var frames = Array.from(document.querySelectorAll('iframe')), f = frames.find(function (f) { return !f.src })
  began = performance.now()
  if (f) { f.onload = function () { measure(f) }; f.src = f.dataset.src }
  else document.getElementById('told').textContent = frames.map(function (f) { return f.told }).join('\n')
}
next()
</script></body>
HTML
  } >frames.html
  browse --window-size=1700,1000 --blink-settings=preferredColorScheme="$([[ $colours == dark ]] && echo 0 || echo 1)" --log-net-log=net.json \
    --virtual-time-budget=30000 --dump-dom "file://$PWD/frames.html"
  grep -oE 'told [0-9]+ [0-9]+ [0-9.]+ [^<]*' dom.txt | sed 's/^told //' >shown.txt
  [[ $(wc -l <shown.txt) -eq $n ]] || short "the browser told of $(wc -l <shown.txt) pages, not $n: $(tail -n 2 browser.txt)"
}
said() { grep -E 'CONSOLE|[Rr]efused' browser.txt; }
# what was asked for, but for what the browser asks on its own account
asked() { grep -oE '"url":"[^"]*"' net.json | grep -vE '"url":"(file:|data:|chrome|https?://[a-z0-9.-]*\.?(google|googleapis|gvt1)\.com/)'; }
