#!/bin/sh
# Every test is run: a file that no meson.build names would pass for ever.
. "$(dirname "$0")/common.sh"

# By its whole name, or by what a list of names there says of test_NAME.
faults() {
	for file in $(find tests -name 'test_*.c' -o -name 'test_*.py' | sort); do
		name=$(basename "$file")
		short=${name#test_}
		grep -qs -e "'$name'" -e "'${short%.*}'" "$(dirname "$file")/meson.build" ||
			echo "$file: no test of $(dirname "$file")/meson.build"
	done
}
report
