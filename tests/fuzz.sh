#!/bin/sh
# Looks for input that breaks a parser, for so many minutes in all: sh tests/fuzz.sh MINUTES [TARGET…]
# Each target goes on from what it found worth keeping before; what broke one stays in the folder that is named, and is the
# end of its turn. Exit code 1 when something was found.
set -eu
minutes=${1:?how many minutes?}
shift
cd "$(dirname "$0")/.."
. tests/packages.sh

command -v clang-14 >/dev/null || need clang-14 libclang-rt-14-dev
echo "building"
targets=
for source in tests/fuzz/fuzz_*.c; do
	name=${source#tests/fuzz/fuzz_}
	targets="$targets tests/fuzz/fuzz_${name%.c}"
done
build build-fuzz --native-file tests/fuzz.ini

[ $# -gt 0 ] || set -- $(basename -a $targets | sed 's/^fuzz_//')
seconds=$((minutes * 60 / $#))
findings=$PWD/build-fuzz/findings
mkdir -p "$findings"
found=0
for name in "$@"; do
	kept=build-fuzz/kept/$name
	mkdir -p "$kept" "$findings/$name"
	corpora=
	for corpus in "tests/fuzz/corpus/$name" tests/fuzz/corpus/yaml; do
		case $name:$corpus in
		policy:* | yaml:* | *:"tests/fuzz/corpus/$name") [ ! -d "$corpus" ] || corpora="$corpora $corpus" ;;
		esac
	done
	echo "$name: $seconds s"
	"build-fuzz/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -close_fd_mask=1 \
		-artifact_prefix="$findings/$name/" -print_final_stats=1 "$kept" $corpora \
		>"$findings/$name.log" 2>&1 || {
		found=1
		echo "$name: broken, see $findings/$name.log"
	}
	grep -E '^stat::number_of_executed_units' "$findings/$name.log" || :
done
find "$findings" -mindepth 2 -type f
exit $found
