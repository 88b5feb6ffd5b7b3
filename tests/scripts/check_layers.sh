#!/bin/sh
# Includes go one way: what ARCHITECTURE.md draws, file by file.
set -u
: "${srcdir:=.}"
cd "$srcdir" || exit 1

# FOLDER: the folders whose headers its files may include, beside its own.
layers='
shared:
coturn-ext: shared
signald/transport: shared signald signald/engineio
signald/engineio: shared signald signald/transport
signald/socketio: shared signald signald/transport signald/engineio
signald/calls: shared signald signald/socketio
signald/auth: shared signald signald/transport signald/calls
signald/relay: shared signald
signald/backend: shared signald signald/calls
signald/control: shared signald signald/calls signald/relay
signald/admin: shared signald signald/backend signald/auth signald/control signald/transport signald/engineio signald/socketio signald/calls signald/relay
signald: shared signald/admin signald/auth signald/backend signald/control signald/transport signald/engineio signald/socketio signald/calls signald/relay
client: shared
signalctl: shared client signald signald/transport signald/control signald/calls signald/auth
'
# LIBRARY HEADER: the files that may name it. Code of coturn is what is ours nowhere.
libraries='
event2/ ^(coturn-ext/|signald/transport/|signald/(loop|worker)[.]c$|signald/control/control_socket[.]c$|signald/relay/(feed|ledger)[.]c$|signald/backend/http_client[.]c$)
curl/ ^signald/backend/http_client[.]c$
microhttpd[.]h ^signald/transport/
systemd/ ^signald/(transport/inherited|service_manager)[.]c$
coturn ^coturn-ext/hooks(_[a-z]+)?[.][ch]$
'
# Deciding code, which includes no header of an I/O library; these layers not even ours over one.
core=$(awk '/_(SOURCES|sources) \+?=/ { on = /libsignald_core_a|calls_sources/ } on { for (i = 1; i <= NF; i++) if ($i ~ /[.][ch]$/) print $i }
	!/\\$/ { on = 0 }' signald/local.mk)
[ -n "$core" ] || { echo "signald/local.mk lists no deciding code"; exit 1; }

find shared coturn-ext signald client signalctl -name node_modules -prune -o -name '*.[ch]' -print | sort |
	xargs grep -HE '^#include' |
	awk -v layers="$layers" -v libraries="$libraries" -v core="$core" '
function folder(path) { sub("/[^/]*$", "", path); return path }
function known(path, line) {
	if (!(path in exists)) {
		exists[path] = (getline line < path) >= 0
		close(path)
	}
	return exists[path]
}
function find(header, from, n, i, places) { # "" when it is none of ours
	n = split(folder(from) " shared coturn-ext signald client signalctl", places, " ")
	for (i = 1; i <= n; i++)
		if (known(places[i] "/" header))
			return places[i] "/" header
	return ""
}
function wrong(from, header, why) { print from " includes " header ": " why; bad = 1 }
BEGIN {
	n = split(layers, line, "\n")
	for (i = 1; i <= n; i++) {
		m = split(line[i], word, "[: ]+")
		may[word[1], word[1]] = 1
		for (j = 2; j <= m; j++)
			may[word[1], word[j]] = 1
	}
	rules = split(libraries, rule, "\n")
	n = split(core, word, "\n")
	for (i = 1; i <= n; i++)
		deciding[word[i]] = 1
}
{
	from = $0
	sub(":#include.*", "", from)
	header = $0
	sub(".*#include *[<\"]", "", header)
	sub("[>\"].*", "", header)
	ours = $0 ~ /#include *"/ ? find(header, from) : ""
	seen++
	if (ours) {
		if (!((folder(from), folder(ours)) in may))
			wrong(from, header, folder(ours) " is not below " folder(from))
		if (ours ~ /_priv[.]h$/ && folder(ours) != folder(from))
			wrong(from, header, "it is private to " folder(ours))
		if (from in deciding && from !~ /^signald\/admin\// && ours ~ /^signald\// && !(ours in deciding))
			wrong(from, header, "deciding code includes what touches the world")
		next
	}
	name = $0 ~ /#include *"/ ? "coturn" : header
	for (i = 1; i <= rules; i++) {
		split(rule[i], part, " ")
		if (part[1] != "" && name ~ "^" part[1] && (from !~ part[2] || from in deciding))
			wrong(from, header, "that library stops elsewhere")
	}
}
END {
	if (seen < 100) {
		print "only " seen " includes seen"
		bad = 1
	}
	exit bad
}'
