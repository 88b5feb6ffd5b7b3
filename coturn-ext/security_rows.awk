# security_rows.awk - the table of SECURITY.md as security_rows.c
#
# groups: the patch groups that are built in. A row with a patch of another group is not fixed here.

function trim(s) {
	gsub(/`/, "", s)
	gsub(/^[ \t]+|[ \t.]+$/, "", s)
	gsub(/\\/, "\\\\", s)
	gsub(/"/, "\\\"", s)
	return s
}

# Are the groups of all patches of the cell built in?
function built_in(patches,	i, n, name) {
	n = split(patches, name, /, */)
	for (i = 1; i <= n; i++) {
		sub(/\/.*/, "", name[i])
		if (name[i] ~ /^[0-9]/)
			name[i] = "security"
		if (name[i] != "-" && index(" " groups " ", " " name[i] " ") == 0)
			return 0
	}
	return 1
}

BEGIN {
	FS = "|"
	print "/* Made of SECURITY.md by security_rows.awk. */"
	print "#include \"security_rows.h\"\n"
	print "const struct security_row security_rows[] = {"
}

/^Checked up to / {
	checked = $0
	sub(/^Checked up to /, "", checked)
	if (match(checked, /[0-9]+\.[0-9.]*[0-9]/))
		version = substr(checked, RSTART, RLENGTH)
	if (match(checked, /[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]/))
		date = substr(checked, RSTART, RLENGTH)
}

# | id | what was wrong | by default? | patch | test | status |
/^\|/ && !/^\| *id *\|/ && !/^\|[-: |]*$/ {
	if (NF != 8) {
		print FILENAME ":" FNR ": not six columns" >"/dev/stderr"
		failed = 1
		exit 1
	}
	status = trim($7)
	if (status != "not affected" && status != "open" && !built_in(trim($5)))
		status = "not built in"
	printf "\t{ \"%s\", \"%s\", \"%s\",\n\t  \"%s\", \"%s\", \"%s\" },\n",
		trim($2), trim($3), trim($4), trim($5), trim($6), status
	n++
}

END {
	if (failed || !n || version == "" || date == "")
		exit 1
	print "};"
	print "const size_t security_rows_n = " n ";"
	print "const char security_checked[] = \"" trim(checked) "\";"
	print "const char security_checked_version[] = \"" version "\";"
	print "const char security_checked_date[] = \"" date "\";"
}
