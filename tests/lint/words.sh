#!/bin/sh
# No file names a path of the machine on which it was written. A test may, when the line or the one before it
# says that the path is optional.
. "$(dirname "$0")/common.sh"

# In brackets, so that this file does not find itself.
paths='(^|[^A-Za-z0-9_.])/wor[k](/|["'"'"' ]|$)|[.][.]/share[d]([^a-z]|$)|/tmp/h[-]|/roo[t]/|/hom[e]/[a-z]'

# Build folders have any name; all name the machine.
all_files() {
	find . \( -name .git -o -type d -exec test -d '{}/meson-private' \; \) -prune -o -type f -print |
		sed 's|^\./||' | sort
}

faults() {
	all_files | while IFS= read -r file; do
		may=0
		case $file in
		tests/*) may=1 ;;
		esac
		grep -IqE "$paths" "$file" || continue
		PATHS=$paths awk -v file="$file" -v may="$may" '
			$0 ~ ENVIRON["PATHS"] && !(may && (/optional/ || before ~ /optional/)) {
				printf "%s:%d: a path of one machine: %s\n", file, FNR, $0
			}
			{ before = $0 }' "$file"
	done
}
report
