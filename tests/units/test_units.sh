#!/bin/sh
# The units of both managers are valid, and shut in: test_units.sh FOLDER of the built units, PROGRAM.
set -eu
folder=$(realpath "$1") program=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

command -v systemd-analyze >/dev/null || exit 77
mkdir "$work/system" "$work/user" "$work/run"
cp "$folder"/glrotate* "$work/system"
for unit in "$folder"/user-glrotate*; do
	cp "$unit" "$work/user/$(basename "$unit" | sed 's/^user-//')"
done
# Not installed here, and neither are the manuals.
sed -i -e "s|^ExecStart=[^ ]*glrotate |ExecStart=$program |" -e '/^Documentation=man:/d' "$work"/system/* "$work"/user/*
failed=0

# MANAGER: exposure at the most, in tenths. A person's may reach what they may: their home, any host, /proc.
judge() {
	cd "$work/$1"
	XDG_RUNTIME_DIR=$work/run systemd-analyze "--$1" verify --recursive-errors=no ./glrotate.service ./glrotate.timer \
		./glrotate@main.service ./glrotate@main.timer ./glrotate-failed@x.service &&
		echo "units: systemd-analyze --$1 verify has nothing to say" || failed=1
	for unit in glrotate.service glrotate@main.service glrotate-failed@x.service; do
		systemd-analyze security --offline=true "--threshold=$2" "./$unit" >exposure || failed=1
		sed -n "s/^.*Overall exposure level for \([^:]*\): \([0-9.]* [A-Z]*\).*\$/units: systemd-analyze security, exposure of the $1's \1: \2/p" exposure
	done
}
judge system 10
judge user 22

# Each switch that is left off says why, one that only the system's manager has included.
why() {
	grep -Eq "^# Left off: ([A-Za-z]+= and )?$2=.*, for " "$1" || {
		echo "$1: $2= is left off, and nothing says why"
		failed=1
	}
}
keys() {
	sed -n 's/^\([A-Z][A-Za-z]*\)=.*/\1/p' "$1" | sort -u
}
cd "$work"
for switch in PrivateNetwork RootDirectory; do
	why system/glrotate.service $switch
done
for unit in glrotate.service glrotate@.service glrotate-failed@.service; do
	keys "system/$unit" >all
	for switch in $(keys "user/$unit" | comm -23 all -); do
		case $switch in
		# What goes with another one, or is the boot's.
		StateDirectoryMode | IPAddressAllow | Wants) ;;
		*) why "user/$unit" "$switch" ;;
		esac
	done
done
exit $failed
