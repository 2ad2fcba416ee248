#!/bin/sh
# Who may look into a secret, and why.
. "$(dirname "$0")/common.sh"

callers='
base/secret.c: it is the one that holds it
base/child.c: the standard input of a program that gets it
base/blot.c: stars it out of what a program said
base/http.c: the PRIVATE-TOKEN header and the bodies of requests
base/http_site.c: the URL of a webhook, which may be a secret, up to its host
base/json.c: decodes answers
base/json_write.c: encodes the bodies of requests
base/atomic_file.c: writes it into a file
destination/exec.c: reads a stamp off what a program printed
flow/setup.c: what glrotate check printed
verb/by_hand.c: what systemctl prints of the unit
destination/format.c: puts it into the text of a file that holds more, and finds it there
destination/format_json.c: the name and secret of an entry of docker
gitlab/variable.c: whether GitLab could mask it
store/seal.c: encrypts it for the disk, and reads the key
'

reveals() {
	code agent include | grep '\<secret_reveal\>' | grep -v '^include/base/secret\.h:'
}

check_callers() {
	reveals | while IFS= read -r line; do
		file=${line%%:*}
		printf '%s' "$callers" | grep -q "^${file#agent/}: " ||
			echo "$line: not in the list of secrets.sh"
	done
}

# A right that nobody uses any more is taken back.
check_rows() {
	printf '%s' "$callers" | sed -n 's/: .*//p' | while read -r file; do
		[ -e "agent/$file" ] && ! grep -q '\<secret_reveal\>' "agent/$file" &&
			echo "agent/$file: does not look into secrets: take it out of secrets.sh"
	done
}

# A secret ends up in a text, or in memory that nobody wipes, through one of these.
check_leaks() {
	reveals |
		grep -E '\<(err_set|err_wrap|log_event|log_line|[a-z]*printf|puts|fputs|strdup|strndup|asprintf|arena_[a-z_]*|diags_[a-z]*)\(.*secret_reveal' |
		sed 's/$/: a secret becomes a text/'
}

faults() {
	check_callers
	check_rows
	check_leaks
}
report
