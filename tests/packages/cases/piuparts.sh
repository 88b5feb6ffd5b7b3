# shellcheck shell=bash
# piuparts.sh - Debian's own test of coming and going, for both packages

# piuparts_of PACKAGE...: by the .deb files; what they depend on is in the base, or in our repository.
piuparts_of() {
	local package debs=() root=$WORK/piuparts
	for package; do debs+=("$WORK/extra/srv/repo/ours/${package}"_*.deb); done
	[ -d "$root" ] || {
		mkdir -p "$root" "$WORK/piuparts.upper" "$WORK/piuparts.work"
		mount -t overlay -o "lowerdir=$WORK/extra:$BASE,upperdir=$WORK/piuparts.upper,workdir=$WORK/piuparts.work" overlay "$root"
		printf 'deb [trusted=yes] file:/srv/repo/ours ./\n' >"$root/etc/apt/sources.list"
	} || return
	TMPDIR=$WORK piuparts --existing-chroot "$root" --tmpdir "$WORK" --keep-sources-list --skip-minimize --no-diversions \
		--no-upgrade-test --warn-on-usr-move disabled --distribution "$SUITE" "${debs[@]}" >"$WORK/piuparts.log" 2>&1 ||
		{ grep -E 'ERROR|FAIL|WARN' "$WORK/piuparts.log" | head -n 30; tail -n 20 "$WORK/piuparts.log"; return 1; }
}

coturn_alone() { piuparts_of coturn; }
both() { piuparts_of coturn signald; }

if command -v piuparts >/dev/null; then
	test_that "piuparts of coturn" coturn_alone
	test_that "piuparts of both" both
else
	skip_test "piuparts" "it is not installed"
fi
