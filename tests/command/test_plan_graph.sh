#!/bin/bash
# gradus plan --graph: schedules of graphs of one's own under a budget, and files that are no such graph. [mission M4, SYS36; algorithms 9.5]
. "$(dirname "$0")/lib.sh"
chain() { # LAYERS: forward and backward, all cost and take 1
  awk -v L="$1" 'BEGIN { printf "{\"fixed\": 0, \"nodes\": ["
    for (i = 0; i < 2 * L; i++) {
      k = 2 * L - 1 - i
      from = i < L ? (i ? i - 1 : "") : (k ? k - 1 ", " k : k) (i > L ? ", " i - 1 : "")
      printf "%s{\"cost\": 1, \"bytes\": 1, \"from\": [%s]}", i ? ", " : "", from
    }
    print "]}" }'
}
chain 8 >chain8.json
for pair in 4:31 5:21 6:19 7:18 8:17 9:16; do
  code 0 plan --graph chain8.json --budget "${pair%:*}" --json
  has out.txt "^\{\"cost\":${pair#*:},\"peak\":${pair%:*},\"bound\":${pair#*:},\"gap\":0,\"steps\":\[\[\"compute\",0\],"
done
code 0 plan --graph chain8.json --budget 4
has out.txt '^cost 31, 15 of it computed again; at most 4 bytes stand$'
has out.txt '^found by search; none costs less$'
cp out.txt once.txt
code 0 plan --graph chain8.json --budget 4 --way auto
same once.txt out.txt "the same question twice"
code 0 plan --graph chain8.json --budget 4 --way chain
has out.txt '^found by chain; no schedule costs less than 16, so 48.4 % at most are to be gained$'
code 0 plan --graph chain8.json --budget 1G --way keep
has out.txt '^cost 16, 0 of it computed again; at most 9 bytes stand$'
bad 4 'no schedule fits 3 bytes: a computation and what it reads need 4' plan --graph chain8.json --budget 3 --json
has out.txt '"code":"E_BUDGET"'
bad 4 'no schedule within 4 bytes was found' plan --graph chain8.json --budget 4 --way keep
# What stands all the time counts; edges may come in any order; no node at all is a graph
echo '{"nodes": [{"cost": 2, "bytes": 3}, {"cost": 0.5, "bytes": 1, "from": [0]}, {"cost": 1, "bytes": 0, "from": [1, 0]}], "fixed": 10}' >little.json
code 0 plan --graph little.json --budget 14 --json
has out.txt '^\{"cost":3.5,"peak":14,"bound":3.5,"gap":0,"steps":\[\["compute",0\],\["compute",1\],\["compute",2\],\["free",[0-9]\],\["free",[0-9]\],\["free",[0-9]\]\],"way":"keep"\}$'
bad 4 'no schedule fits 13 bytes: a computation and what it reads need 14' plan --graph little.json --budget 13
echo '{"nodes": []}' >empty.json
code 0 plan --graph empty.json --budget 1 --json
has out.txt '"cost":0,"peak":0'

# Files that are no graph
wrong() { # PATTERN JSON
  echo "$2" >wrong.json
  bad 3 "wrong.json.*$1" plan --graph wrong.json --budget 100
}
wrong ':2: no JSON' '{"nodes": ['
wrong 'no \{"nodes"' '[1, 2]'
wrong 'no \{"nodes"' '{"nodes": {}}'
wrong 'nodes\[0\] is no \{' '{"nodes": [1]}'
wrong 'nodes\[0\].cost is to be a number from 0' '{"nodes": [{"bytes": 1}]}'
wrong 'nodes\[0\].cost is to be a number from 0' '{"nodes": [{"cost": -1, "bytes": 1}]}'
wrong 'nodes\[0\].cost is to be a number from 0' '{"nodes": [{"cost": 1e300, "bytes": 1}]}'
wrong 'nodes\[0\].bytes is to be a whole number of bytes' '{"nodes": [{"cost": 1, "bytes": 1.5}]}'
wrong 'nodes\[0\].bytes is to be a whole number of bytes' '{"nodes": [{"cost": 1, "bytes": "1"}]}'
wrong 'nodes\[1\].from is to be a list' '{"nodes": [{"cost": 1, "bytes": 1}, {"cost": 1, "bytes": 1, "from": 0}]}'
wrong 'nodes\[1\].from names what is no node before it' '{"nodes": [{"cost": 1, "bytes": 1}, {"cost": 1, "bytes": 1, "from": [1]}]}'
wrong 'nodes\[1\].from names what is no node before it' '{"nodes": [{"cost": 1, "bytes": 1}, {"cost": 1, "bytes": 1, "from": [-1]}]}'
wrong 'nodes\[1\].from names 0 twice' '{"nodes": [{"cost": 1, "bytes": 1}, {"cost": 1, "bytes": 1, "from": [0, 0]}]}'
wrong 'fixed is to be a whole number' '{"nodes": [], "fixed": -1}'
bad 3 'missing.json' plan --graph missing.json --budget 100
bad 2 'wants --budget BYTES' plan --graph little.json
bad 2 'is planned alone' plan "$here/../../recipes/fashion.yaml" --graph little.json --budget 100
bad 2 'an argument is missing: RECIPE, or --graph FILE' plan
bad 2 'serch.*search' plan --graph little.json --budget 100 --way serch
bad 2 'way goes with --graph' plan "$here/../../recipes/fashion.yaml" --way search
bad 2 'chain takes the forward and backward pass of a chain' plan --graph little.json --budget 100 --way chain
finish
