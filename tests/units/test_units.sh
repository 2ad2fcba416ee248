#!/bin/sh
# The units are valid, and shut in: test_units.sh FOLDER of the built units, PROGRAM.
set -eu
folder=$1 program=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

command -v systemd-analyze >/dev/null || exit 77
cp "$folder"/glrotate*.service "$folder"/glrotate*.timer "$work"
# Not installed here, and neither are the manuals.
sed -i -e "s|^ExecStart=[^ ]*glrotate |ExecStart=$program |" -e '/^Documentation=man:/d' "$work"/*
cd "$work"
failed=0
systemd-analyze verify --recursive-errors=no ./glrotate.service ./glrotate.timer ./glrotate@main.service \
	./glrotate@main.timer ./glrotate-failed@x.service && echo "units: systemd-analyze verify has nothing to say" || failed=1
for unit in glrotate.service glrotate@main.service glrotate-failed@x.service; do
	systemd-analyze security --offline=true --threshold=10 "./$unit" >exposure || failed=1
	sed -n 's/^.*Overall exposure level for \([^:]*\): \([0-9.]* [A-Z]*\).*$/units: systemd-analyze security, exposure of \1: \2/p' exposure
done
# Each switch that is left off says why.
for switch in PrivateNetwork RootDirectory; do
	grep -q "^# Left off: $switch=.*, for " glrotate.service || {
		echo "$switch= is left off, and nothing says why"
		failed=1
	}
done
exit $failed
