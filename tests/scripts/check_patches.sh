#!/bin/sh
# Patches are as patches/README wants them: each in its group's series, in order; a header; nothing that diff or an
# editor left behind.
set -u
: "${srcdir:=.}"
bad=0

complain() {
	echo "$*"
	bad=1
}

# The words that begin the fields of a header, in order.
fields() {
	sed '/^--- /,$d' "$1" | sed -n 's/^\([A-Z][a-z]*\):.*/\1/p' | tr '\n' ' '
}

for series in "$srcdir"/patches/*/*/series; do
	group=${series%/series}
	listed=$(sed -e 's/#.*//' -e '/^$/d' "$series")
	[ "$listed" = "$(cd "$group" && ls -- *.patch)" ] || complain "$series: not the patches that are there, in their order"
	case $group in
	*/speed) wanted="Subject Why Measured Upstream Tried " ;;
	*) wanted="Subject Why Upstream Tried " ;;
	esac
	for patch in $listed; do
		[ "$(fields "$group/$patch")" = "$wanted" ] || complain "$patch: its header is '$(fields "$group/$patch")', not '$wanted'"
		grep -qE -e '^(diff|Only in|Index:) ' -e '^(---|\+\+\+) [^ ]*[[:space:]]' "$group/$patch" &&
			complain "$patch: lines of diff that no patch needs"
		grep -qE -e '^\+.*[[:space:]]$' "$group/$patch" && complain "$patch: space at the end of a line that it adds"
	done
done
find "$srcdir/patches" -name '*.orig' -o -name '*.rej' | while read -r file; do
	echo "$file: left behind"
	exit 1
done || bad=1
exit $bad
