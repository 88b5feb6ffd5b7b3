#!/usr/bin/env bash
# checkout-files.sh - the files of the checkout that are not made by a build, each ended by a NUL
#
# Of a release's tarball, which has no list of them, those that are not below a folder of builds.
set -eu -o pipefail

cd "$(dirname "$0")/.."
if [ -e .git ] && command -v git >/dev/null; then
	# Also what is new; but not what was removed and is still listed.
	git -c safe.directory="$PWD" ls-files -z --cached --others --exclude-standard |
		while IFS= read -r -d '' file; do
			if [ -e "$file" ] || [ -L "$file" ]; then printf '%s\0' "$file"; fi
		done
else
	find . -path ./build -prune -o -name node_modules -prune -o -path ./coturn -prune \
		-o '(' -type f -o -type l ')' -printf '%P\0'
fi
