#!/bin/bash
# patches_test.sh - how coturn's source is checked, unpacked and patched, and what is said when it cannot be
set -u

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/shell_test.sh
. "$top/tests/shell_test.sh"
version=$(sed -n 's/^version: //p' "$top"/patches/*/UPSTREAM | head -n 1)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

source_dir=$("$top/patches/fetch-coturn.sh") || { printf 'not ok - the source is there to test with\n# pass 0\n# fail 1\n'; exit 1; }
cp -r "$top/patches" "$tmp/patches"
fetch=$tmp/patches/fetch-coturn.sh
unpack=$tmp/patches/unpack-coturn.sh

files_given_by_hand_are_taken() {
	is "$source_dir" "$("$fetch" "$source_dir")" "folder"
}

a_changed_file_is_refused_by_name() {
	cp -r "$source_dir" "$tmp/changed"
	printf x >>"$tmp/changed/coturn_$version.dsc"
	fails_saying "coturn_$version.dsc \(wrong sha256\)" "$fetch" "$tmp/changed"
}

a_missing_file_is_refused_by_name() {
	cp -r "$source_dir" "$tmp/missing"
	rm "$tmp"/missing/*.orig.tar.gz
	fails_saying '[.]orig[.]tar[.]gz \(missing\)' "$fetch" "$tmp/missing"
}

no_network_leaves_an_empty_cache() {
	fails_saying 'network|--with-coturn-source' env XDG_CACHE_HOME="$tmp/cache" http_proxy=http://127.0.0.1:1 \
		https_proxy=http://127.0.0.1:1 "$fetch" || return
	is "" "$(find "$tmp/cache" -type f)" "files left in the cache"
}

every_group_applies() {
	local group
	for group in none hook security speed; do
		"$unpack" "$tmp/tree-$group" $group "$source_dir" || return
		[ -f "$tmp/tree-$group/src/server/ns_turn_server.c" ] || return
	done
}

the_hook_is_thin() {
	local changed
	changed=$(cat "$top/patches/$version"/hook/*.patch 2>/dev/null | grep -E '^[-+]' | grep -cvE '^(---|\+\+\+) ')
	[ "$changed" -le 150 ] || { printf '%s changed lines\n' "$changed"; return 1; }
}

every_patch_has_a_header() {
	local patch word
	for patch in "$top/patches/$version"/*/*.patch; do
		[ -f "$patch" ] || continue
		for word in Subject Why Upstream Tried; do
			sed '/^--- /q' "$patch" | grep -q "^$word:" || { printf '%s has no "%s:"\n' "$patch" $word; return 1; }
		done
		grep -qxF "$(basename "$patch")" "$(dirname "$patch")/series" || { printf '%s is not in series\n' "$patch"; return 1; }
	done
}

# With BUILT_SOURCES automake's all is a make of its own, and "make -j all check_x" would unpack the tree twice at once.
one_make_builds_all() {
	[ -f "$top/Makefile.in" ] || (cd "$top" && autoreconf -fi) >/dev/null 2>&1
	is "all: all-am" "$(grep '^all:' "$top/Makefile.in")" "automake's rule"
}

a_patch_that_does_not_apply_is_named_with_its_file() {
	printf -- '--- a/src/server/ns_turn_server.c\n+++ b/src/server/ns_turn_server.c\n@@ -10,2 +10,3 @@\n no\n+yes\n such\n' \
		>"$tmp/patches/$version/speed/9999-wrong.patch"
	echo 9999-wrong.patch >>"$tmp/patches/$version/speed/series"
	fails_saying 'speed/9999-wrong.patch .*src/server/ns_turn_server.c' "$unpack" "$tmp/broken/tree" speed "$source_dir" || return
	is "" "$(ls -A "$tmp/broken")" "left behind"
}

test_that "files given by hand are taken" files_given_by_hand_are_taken
test_that "a changed file is refused by name" a_changed_file_is_refused_by_name
test_that "a missing file is refused by name" a_missing_file_is_refused_by_name
test_that "without a network one line says so and the cache stays empty" no_network_leaves_an_empty_cache
test_that "every group applies on top of those before it" every_group_applies
test_that "the hook group changes at most 150 lines" the_hook_is_thin
test_that "every patch has its header and is in its series" every_patch_has_a_header
test_that "whatever is asked for beside all is built by the same make" one_make_builds_all
test_that "a patch that does not apply is named with its file and leaves nothing" a_patch_that_does_not_apply_is_named_with_its_file
summary
