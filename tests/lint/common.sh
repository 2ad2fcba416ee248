# Sourced by every lint: LINT [ROOT] looks at the tree under ROOT and prints a line a fault.
# A lint defines faults(), which prints them, and ends with `report`.

cd "${1:-$(dirname "$0")/../..}" || exit 2
[ -d agent/base ] && [ -d include/base ] || {
	echo "no source tree here: $PWD"
	exit 2
}

# The files of some suffixes below some folders: sources 'c h' agent include
sources() {
	suffixes=$1
	shift
	for suffix in $suffixes; do
		find "$@" -name "*.$suffix" -type f
	done | sort
}

# FILE:LINE:TEXT of all C below some folders, without the comments.
code() {
	sources 'c h' "$@" | xargs awk '
		FNR == 1 { inside = 0 }
		{
			line = $0
			out = ""
			while (line != "") {
				mark = index(line, inside ? "*/" : "/*")
				if (!inside)
					out = out (mark ? substr(line, 1, mark - 1) : line)
				if (!mark)
					break
				line = substr(line, mark + 2)
				inside = !inside
			}
			if (out != "")
				print FILENAME ":" FNR ":" out
		}'
}

report() {
	found=$(faults)
	[ -z "$found" ] && exit 0
	printf '%s\n' "$found"
	exit 1
}
