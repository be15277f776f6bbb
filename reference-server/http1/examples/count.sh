#!/bin/sh
# Prints user instructions per round for every scenario of the example `instructions`, by the difference of two runs
# under callgrind. usage: count.sh PATH-OF-THE-EXAMPLE
set -eu
program=$1
count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>&1 |
        sed -n 's/.*Collected : //p'
}
for scenario in httparse-small httparse-browser respond parse-small parse-browser copy-small copy-browser cycle-small cycle-upload; do
    few=$(count "$scenario" 1000)
    many=$(count "$scenario" 3000)
    printf '%-16s %6d instructions\n' "$scenario" $(((many - few) / 2000))
done
