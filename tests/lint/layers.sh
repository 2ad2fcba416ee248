#!/bin/sh
# Who may include whom, and which module knows which foreign library.
. "$(dirname "$0")/common.sh"

# layer: the layers, or single headers, that its files may include
layers='
base: base/
gitlab: gitlab/ base/
store: store/ base/
destination: destination/ gitlab/ base/
policy: policy/ destination/destination.h base/
flow: flow/ policy/ store/ gitlab/ destination/ base/
report: report/ flow/ policy/ store/ gitlab/ destination/ base/
verb: verb/ report/ flow/ policy/ store/ gitlab/ destination/ base/
'

# foreign header: the modules that know it
libraries='
curl/: base/http.c base/http_escape.c base/http_head.c base/http_site.c
openssl/: base/http.c base/http_site.c
jansson: base/json.c base/json_write.c
yaml: base/yaml.c
sqlite3: store/db.c
systemd/: base/log.c base/notify.c
sodium: base/secret.c report/alert_mail.c store/seal.c
libsmartcols: base/table.c
threads:
'

foreign_types='\<(CURL[A-Za-z]*|curl_[a-z_]+|SSL(_CTX)?|X509[A-Z_]*|EVP_[A-Z_]+|json_t|yaml_[a-z]+_t|sqlite3(_[a-z]+)?|crypto_[a-z_]+|libscols_[a-z]+|sd_[a-z_]+)\>'

check_layers() {
	printf '%s' "$layers" | sed -n 's/^\(.*\): \(.*\)$/\1 \2/p' | while read -r layer allowed; do
		pattern=$(echo "$allowed" | sed 's/ /|/g')
		grep -E "^(agent|include)/$layer/.*#[ \t]*include \"" "$scratch" |
			grep -vE "include \"($pattern)" |
			sed "s|\$|: $layer may include $allowed only|"
	done
}

check_every_folder_is_a_layer() {
	sources 'c h' agent include | cut -d/ -f2 | grep -vF . | sort -u | while read -r folder; do
		printf '%s' "$layers" | grep -q "^$folder:" || echo "$folder: no such layer in layers.sh"
	done
}

# A verb is a file that defines its entry; a header of its name would be a way in for others.
check_verbs() {
	for file in agent/verb/*.c; do
		name=$(basename "$file" .c)
		if grep -q "^verb_$name(" "$file" && [ -e "include/verb/$name.h" ]; then
			echo "include/verb/$name.h: a verb has no header, for no verb includes another"
		fi
	done
	grep -E '#[ \t]*include "[^"]*\.c"' "$scratch" |
		sed 's/$/: a source is not included/'
}

check_libraries() {
	printf '%s' "$libraries" | grep : | while IFS=: read -r library modules; do
		modules=${modules# }
		pattern=$(echo "$modules" | sed 's/ /|/g')
		grep -E "^(agent|include)/.*#[ \t]*include <$library" "$scratch" | grep -vE "^agent/(${pattern:-nobody}):" |
			sed "s|\$|: known to ${modules:-nobody} only|"
	done
}

check_headers() {
	grep ^include/ "$scratch" | grep -E "$foreign_types" | sed 's/$/: a header shows no foreign type/'
}

check_threads() {
	grep -E '^(agent|include)/.*\<(pthread_create|thrd_create|fork|vfork)[ \t]*\(' "$scratch" |
		grep -v '^agent/base/workers\.c:' |
		sed 's/$/: threads are started in workers.c, children by posix_spawn/'
}

# The simulator and the agent share no code, or a mistake in one would hide one in the other.
check_simulator() {
	grep -E '^tests/gitlab/.*#[ \t]*include "(base|gitlab|store|destination|policy|flow|report|verb)/' "$scratch" |
		sed 's/$/: the simulator includes nothing of the agent/'
}

faults() {
	check_layers
	check_every_folder_is_a_layer
	check_verbs
	check_libraries
	check_headers
	check_threads
	check_simulator
}

scratch=$(mktemp) && trap 'rm -f "$scratch"' EXIT
code agent include tests >"$scratch"
report
