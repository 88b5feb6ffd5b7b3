#!/bin/sh
# embed.sh NAME FILE...: a C source with each file's text in a string of its name
set -eu

printf '/* Made by embed.sh. */\n#include "setup_templates.h"\n'
while [ $# -gt 0 ]; do
	printf '\nconst char %s[] =\n' "$1"
	sed -e 's/[\\"]/\\&/g' -e 's/.*/\t"&\\n"/' "$2"
	printf '\t;\n'
	shift 2
done
