#!/bin/sh
# No source over 500 lines, no function over 60, its braces included.
. "$(dirname "$0")/common.sh"

check_files() {
	for file in $(sources 'c h sh' agent include tests); do
		lines=$(wc -l <"$file")
		[ "$lines" -le 500 ] || echo "$file: $lines lines, 500 are the most"
	done
}

# By the format, the braces of functions alone stand in the first column.
check_functions() {
	for file in $(sources c agent tests); do
		awk -v file="$file" '
			/^{/ { begin = FNR }
			/^}/ && begin {
				lines = FNR - begin + 1
				if (lines > 60)
					printf "%s:%d: a function of %d lines, 60 are the most\n", file, begin, lines
				begin = 0
			}' "$file"
	done
}

faults() {
	check_files
	check_functions
}
report
