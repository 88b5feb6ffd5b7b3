#!/bin/sh
# Every configuration key and option that signald and coturn-ext know is in the manual, and the other way round.
set -u
: "${srcdir:=.}"
signald=./signald/signald
[ -x "$signald" ] || signald=./signald
page=$srcdir/signald/signald.conf.5
bad=0

known=$("$signald" --help-config | sed -n 's/^\([a-z][a-z-]*\).*/\1/p' | sort)
told=$(sed -n 's/^\.BR\{0,1\} \([a-z][a-z-]*\)\( .*\)\{0,1\}$/\1/p' "$page" | sort -u)
[ -n "$known" ] || { echo "signald --help-config printed no keys"; exit 1; }
for key in $known; do
	echo "$told" | grep -qx -e "$key" || { echo "signald.conf.5 lacks $key"; bad=1; }
done

# "key", then "    help; 1 to 3600; default 45": the manual repeats range and default.
ranges=$("$signald" --help-config | sed -n -e '/^[a-z]/{s/ .*//;h;d;}' \
	-e 's/.*; \([0-9]*\) to \([0-9]*\); default \([0-9]*\)$/\1 to \2. Default: \3./;T' -e 'H;x;s/\n/ /;p')
[ -n "$ranges" ] || { echo "signald --help-config printed no ranges"; exit 1; }
echo "$ranges" | while read -r key range; do
	sed -n "/^\.B $key\$/,/^\.TP/p" "$page" | grep -q -e "$range" || {
		echo "signald.conf.5: $key lacks '$range'"
		exit 1
	}
done || bad=1

"$signald" --help | grep -o -e '--[a-z][a-z-]*' | sort -u | while read -r option; do
	sed 's/\\//g' "$srcdir/signald/signald.8" | grep -q -e "$option" || {
		echo "signald.8 lacks $option"
		exit 1
	}
done || bad=1

[ -x ./turnserver ] || exit $bad # configured --without-coturn

# turnserver: the rows we add to its table of options, those of its main, its -h, and turnserver-ext(7).
known=$({
	sed -n 's/^\t{ "\([a-z-]*\)", [a-z]*_argument, NULL, COTURN_EXT_.*/\1/p' "$srcdir/coturn-ext/coturn_ext.h"
	sed -n 's/.*"--\([a-z][a-z-]*\)".*/\1/p' "$srcdir/coturn-ext/turnserver_main.c"
} | sort)
described=$(sed -n 's/^\t" --\([a-z-]*\).*/\1/p' "$srcdir/coturn-ext/coturn_ext.h" | sort)
helped=$(./turnserver -h 2>&1 | sed -n 's/^ --\([a-z-]*\).*/\1/p' | grep -xF -e "$described" | sort)
told=$(sed 's/\\-/-/g' "$srcdir/coturn-ext/turnserver-ext.7" |
	sed -n -e 's/^\.BI \([a-z-]*\)= .*/\1/p' -e 's/^\.B --\([a-z-]*\)$/\1/p' | sort)
[ -n "$known" ] || { echo "coturn_ext.h: no options found"; bad=1; }
[ "$known" = "$helped" ] || { echo "turnserver -h tells of: $helped; it knows: $known"; bad=1; }
[ "$known" = "$told" ] || { echo "turnserver-ext.7 tells of: $told; turnserver knows: $known"; bad=1; }
exit $bad
