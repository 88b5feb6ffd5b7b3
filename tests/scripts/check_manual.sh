#!/bin/sh
# What the programs know, the manual says, and nothing else: keys, options and commands, with ranges and defaults.
set -u
: "${srcdir:=.}"
signald=./signald/signald
[ -x "$signald" ] || signald=./signald
bad=0

complain() {
	echo "$1"
	bad=1
}

# The same words, a line each, or a complaint: WHERE KNOWN TOLD
same() {
	[ -n "$2" ] || complain "$1: the program told of nothing"
	[ "$2" = "$3" ] || complain "$1 tells of: $(echo "$3" | tr '\n' ' '); the program knows: $(echo "$2" | tr '\n' ' ')"
}

# Entries of a page, and the text of one: PAGE [NAME]
entries() {
	sed 's/\\-/-/g' "$1" | awk '/^\.TP/ { getline; if ($0 ~ /^\.B[RI]? [a-z]/) { sub("=$", "", $2); print $2 } }' | sort -u
}
entry() {
	sed 's/\\-/-/g' "$1" | awk -v name="$2" '
		/^\.(TP|SH|PP)/ { inside = 0 }
		inside
		after_tp && /^\.B[RI]? / { word = $2; sub("=$", "", word); if (word == name) inside = 1 }
		{ after_tp = /^\.TP/ }'
}

# --- signald.conf(5) ----------------------------------------------------------
page=$srcdir/signald/signald.conf.5
keys=$("$signald" --help-config)
known=$(echo "$keys" | sed -n 's/^\([a-z][a-z-]*\).*/\1/p' | sort)
same signald.conf.5 "$known" "$(entries "$page")"

# "key", then "    help; a|b; 1 to 3600; default 45": the manual says all of that.
for key in $known; do
	told=$(entry "$page" "$key" | tr '\n' ' ')
	help=$(echo "$keys" | awk -v key="$key" 'next_is { print; exit } $1 == key { next_is = 1 }')
	range=$(echo "$help" | sed -n 's/.*; \([0-9]* to [0-9]*\); .*/\1/p')
	default=$(echo "$help" | sed -n 's/.*; default \(.*\)$/\1/p')
	case $told in *"$range"*) ;; *) complain "signald.conf.5: $key lacks '$range'" ;; esac
	case $told in
	*"Default: $default."*) ;;
	*) [ -z "$default" ] || complain "signald.conf.5: $key lacks 'Default: $default.'" ;;
	esac
	for choice in $(echo "$help" | sed -n 's/.*; \([a-z]*|[a-z|]*\)\(;.*\)*$/\1/p' | tr '|' ' '); do
		case $told in *"$choice"*) ;; *) complain "signald.conf.5: $key lacks $choice" ;; esac
	done
done

# --- signald(8) ---------------------------------------------------------------
for option in $("$signald" --help | grep -o -e '--[a-z][a-z-]*' | sort -u); do
	sed 's/\\//g' "$srcdir/signald/signald.8" | grep -q -e "$option" || complain "signald.8 lacks $option"
done

# --- signalctl(8) -------------------------------------------------------------
# A section of COMMANDS for each, with its operands, and in it a paragraph for each option with its value.
page=$srcdir/signalctl/signalctl.8
signalctl=./signalctl/signalctl
section() {
	sed -e 's/\\-/-/g' "$page" | awk -v name="$1" '/^\.S[SH] / { inside = ($2 == name); next } inside'
}
options() { # of --help
	sed -n 's/^  \(-[a-zA-Z], \)*\(--.*\)/\2/p' | sed 's/   *.*//' | sort
}
told_options() { # of a section
	sed -n -e '/^\.TP/{n;s/\\f[RI]//g;s/^\.B[IR]* .*\(--[a-z]\)/\1/;/^--/{s/"//g;s/  */ /g;p}}' | sort
}
help=$("$signalctl" --help)
known=$(echo "$help" | sed -n '/^Commands:/,/^$/s/^  \([a-z].*\)/\1/p' | sed 's/   *.*//' | sort)
same "signalctl.8, COMMANDS" "$known" "$(sed -n 's/^\.SS //p' "$page" | sort)"
same "signalctl.8, OPTIONS" "$(echo "$help" | options)" "$(section OPTIONS | told_options)"
for command in $(echo "$known" | sed 's/ .*//'); do
	known=$("$signalctl" "$command" --help | sed '/^Options of every/,$d' | options)
	told=$(section "$command" | told_options)
	[ "$known" = "$told" ] || complain "signalctl.8, $command: has '$told', the program '$known'"
done

# --- turnserver-ext(7) --------------------------------------------------------
# The rows we add to turnserver's table of options, those of its main, its -h, and the page.
page=$srcdir/coturn-ext/turnserver-ext.7
known=$({
	sed -n 's/^\t{ "\([a-z-]*\)", [a-z]*_argument, NULL, COTURN_EXT_.*/\1/p' "$srcdir/coturn-ext/coturn_ext.h"
	sed -n 's/.*"--\([a-z][a-z-]*\)".*/\1/p' "$srcdir/coturn-ext/turnserver_main.c"
} | sort)
described=$(sed -n 's/^\t" --\([a-z-]*\).*/\1/p' "$srcdir/coturn-ext/coturn_ext.h" | sort)
told=$(sed 's/\\-/-/g' "$page" | sed -n -e 's/^\.BI \([a-z-]*\)= .*/\1/p' -e 's/^\.B --\([a-z-]*\)$/\1/p' | sort)
same turnserver-ext.7 "$known" "$told"

# configure --without-coturn, as for the package of signald, makes no turnserver to ask.
numbers=
if [ -x ./turnserver ]; then
	usage=$(./turnserver -h 2>&1)
	helped=$(echo "$usage" | sed -n 's/^ --\([a-z-]*\).*/\1/p' | grep -xF -e "$described" | sort)
	same "turnserver -h" "$known" "$helped"
	numbers=$(sed -n 's/.*number(o, "\([a-z-]*\)".*/\1/p' "$srcdir/coturn-ext/options.c")
fi

# A number that is none: turnserver says which it takes. Its default is in its -h.
for option in $numbers; do
	range=$(./turnserver -c /dev/null --log-file=stdout --listening-ip=127.0.0.1 --no-cli --pidfile= \
		--admin-socket=./check_manual.sock "--$option=x" 2>&1 |
		sed -n 's/.*is not a number.* from \([0-9]* to [0-9]*\)$/\1/p' | head -n 1)
	default=$(echo "$usage" | awk -v name="--$option" '$1 == name { print; inside = 1; next } /^ --/ { inside = 0 } inside' |
		sed -n -e 's/.*(\([0-9]*\), the default.*/\1/p' -e 's/.*default \([0-9]*\).*/\1/p' | head -n 1)
	told=$(entry "$page" "$option" | tr '\n' ' ')
	[ -n "$range" ] || complain "turnserver --$option=x told no range"
	case $told in *"$range"*) ;; *) complain "turnserver-ext.7: $option lacks '$range'" ;; esac
	case $told in
	*"Default: $default."* | *"$default, the default"*) ;;
	*) [ -z "$default" ] || complain "turnserver-ext.7: $option lacks 'Default: $default.'" ;;
	esac
done
rm -f ./check_manual.sock*

# --- how they are written -----------------------------------------------------
if command -v mandoc >/dev/null; then
	for page in "$srcdir"/signald/*.[1-8] "$srcdir"/signalctl/*.[1-8] "$srcdir"/coturn-ext/*.[1-8]; do
		[ -f "$page" ] || continue
		found=$(mandoc -T lint -W warning "$page")
		[ -z "$found" ] || complain "$found"
	done
fi
exit $bad
