#!/bin/bash
# bash completes what signalctl takes: commands, options, choices, files, and what signald says is there.
set -u
: "${srcdir:=.}"
bad=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# In the place of a signalctl that reaches a signald.
cat >"$dir/signalctl" <<'EOF'
#!/bin/sh
for word; do
	case $word in
	calls) printf '[\n{"call":"-bcdefghijklmnopqrstuv","room":"\\"call\\":\\"x\\""},\n{"call":"Abcdefghijklmnopqrstuv"}\n]\n' ;;
	users) printf '[\n{"user":"alice@example.org","sockets":1},\n{"user":"$(touch hacked)","sockets":1},\n{"user":"7"}\n]\n' ;;
	away) exit 3 ;;
	esac
done
EOF
chmod +x "$dir/signalctl"
./signalctl/signalctl --completion bash >"$dir/completion" || exit 1
PATH=$dir:$PATH
# shellcheck source=/dev/null
. "$dir/completion"

# WANTED WORD...: the last word is being typed.
completes() {
	local wanted=$1 got
	shift
	COMP_WORDS=(signalctl "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_signalctl
	got=${COMPREPLY[*]}
	[ "$got" = "$wanted" ] || {
		echo "signalctl $*: completed with '$got', not '$wanted'"
		bad=1
	}
}

touch "$dir/file.conf"
mkdir "$dir/folder"
cd "$dir" || exit 1
completes 'status' sta
completes '--config --json --help --version --completion' -
completes '--config --completion' --co
completes '--config --json --help --version --completion --ended --user' calls --
completes 'list rotate' secrets ''
completes 'rotate' secrets r
completes '' secrets list ''
completes '' status ''
completes '' nonsense ''
completes 'bash' --completion ''
completes 'bash' --completion = ''
completes 'bash' --completion =
completes '-bcdefghijklmnopqrstuv Abcdefghijklmnopqrstuv' call ''
completes 'Abcdefghijklmnopqrstuv' --json end --reason x A
completes '' end --reason ''
completes 'alice@example.org 7' kick ''
completes '7' calls --user 7
completes '7' calls --user = 7
completes '' token 7 ''
completes '' token 7 --ttl ''
completes 'file.conf' -c file
completes 'file.conf' status --config file
completes '' -c away call ''
[ ! -e hacked ] || {
	echo 'a user name was run'
	bad=1
}
exit $bad
