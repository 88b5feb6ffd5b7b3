#!/bin/sh
# The security ledger is complete and true: every patch of the security group is in a row, every row's patch and test
# exist, rows are in the order of the patches, and turnserver --security-status prints it, without a configuration.
set -u
: "${srcdir:=.}"
ledger=$(ls "$srcdir"/patches/*/SECURITY.md) || exit 1
patches=${ledger%/*}
bad=0

complain() {
	echo "$*"
	bad=1
}

# id, patches, test, status of each row, with a tab between.
rows=$(awk -F ' *\\| *' '/^\|/ && !/^\| *id *\|/ && !/^\|[-: |]*$/ {
		gsub(/`/, "")
		print $2 "\t" $5 "\t" $6 "\t" $7
	}' "$ledger")
[ -n "$rows" ] || { echo "$ledger: no rows"; exit 1; }

# A test is "file: name"; several are separated by "; ". In sources quotes of a name may be escaped.
test_exists() {
	file=$(find "$srcdir/tests" -name "${1%%: *}" ! -path '*/node_modules/*' | head -n 1)
	[ -n "$file" ] && sed "s/\\\\'/'/g" "$file" | grep -qF -e "${1#*: }"
}

tab=$(printf '\t')
while IFS=$tab read -r id names tests status; do
	case $status in
	fixed) needs="patch test" ;;
	mitigated | warned) needs=test ;;
	"not affected" | open) needs= ;;
	*) complain "$id: status is '$status'" ;;
	esac
	case $needs:$names in *patch*:-) complain "$id: no patch" ;; esac
	case $needs:$tests in *test*:-) complain "$id: no test" ;; esac
	[ "$names" = - ] || for name in $(echo "$names" | tr , ' '); do
		case $name in */*) ;; *) name=security/$name ;; esac
		grep -qxF -e "${name#*/}.patch" "$patches/${name%%/*}/series" || complain "$id: $name is not in its series"
	done
	[ "$tests" = - ] || while read -r one; do
		test_exists "$one" || complain "$id: there is no test '$one'"
	done <<-EOT
		$(echo "$tests" | sed 's/; /\n/g')
	EOT
done <<EOT
$rows
EOT

for patch in $(sed 's/#.*//' "$patches/security/series"); do
	echo "$rows" | cut -f 2 | tr -d ' ' | tr , '\n' | grep -qxF -e "${patch%.patch}" || complain "$patch is in no row"
done

# Rows are in the order of their patches; those without one are the last.
echo "$rows" | cut -f 2 | sed -e 's/,.*//' -e 's/^-$/~/' -e 's,^[0-9],security/&,' | LC_ALL=C sort -c ||
	complain "the rows are not in the order of the patches"

printed=$(cd / && env -i "$OLDPWD/turnserver" --security-status </dev/null) || complain "--security-status: exit $?"
echo "$printed" | head -n 1 | grep -q '^turnserver .*: [0-9]* fixed' || complain "--security-status: first line: $(echo "$printed" | head -n 1)"
[ "$(echo "$printed" | grep -c '^    In stock by default: ')" = "$(echo "$rows" | wc -l)" ] || complain "--security-status does not print every row"
echo "$rows" | cut -f 1 | while read -r id; do
	echo "$printed" | grep -q "^$id: " || { echo "--security-status lacks $id"; exit 1; }
done || bad=1
long=$(echo "$printed" | awk 'length > 80 && / .* /' | head -n 1)
[ -z "$long" ] || complain "--security-status: a line of more than 80 columns: $long"
exit $bad
