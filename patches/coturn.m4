dnl coturn.m4 - which coturn is built, and with which of its optional libraries
dnl
dnl coturn's own configure is a shell script that cannot build out of tree and makes no objects, so it is not
dnl run: the defines it would set are found here. Same choices as Debian's package, except that
dnl a database whose -dev package is missing is left out.

COTURN_VERSION=4.6.1-2
AC_SUBST([COTURN_VERSION])
dnl Our package's own version, which turnserver tells: that of its changelog.
COTURN_EXT_VERSION=$(sed -n '1s/^coturn (\(@<:@^)@:>@*\)).*/\1/p' "$srcdir/packaging/coturn/changelog")
AC_SUBST([COTURN_EXT_VERSION])
AC_SUBST([CONFIG_STATUS_DEPENDENCIES], ['$(top_srcdir)/packaging/coturn/changelog'])

dnl Debian's package of signald is built alone: nothing is fetched for it, and turnserver is another package.
AC_ARG_WITH([coturn],
	[AS_HELP_STRING([--without-coturn],
		[build signald alone: nothing is fetched, turnserver is not built, tests that need it are left out])],
	[], [with_coturn=yes])
AS_CASE([$with_coturn],
	[yes|no], [],
	[AC_MSG_ERROR([--with-coturn=$with_coturn: yes or no; a folder goes with --with-coturn-source])])
AM_CONDITIONAL([COTURN], [test "$with_coturn" = yes])

AC_ARG_WITH([coturn-source],
	[AS_HELP_STRING([--with-coturn-source=DIR],
		[take coturn's Debian source files from DIR instead of fetching them with apt])],
	[], [with_coturn_source=no])
AS_CASE([$with_coturn_source],
	[no], [COTURN_SOURCE=],
	[yes], [AC_MSG_ERROR([--with-coturn-source needs a folder])],
	[COTURN_SOURCE=$(cd "$with_coturn_source" 2>/dev/null && pwd) ||
		AC_MSG_ERROR([--with-coturn-source: no folder $with_coturn_source])])
AC_SUBST([COTURN_SOURCE])

AC_ARG_WITH([coturn-patches],
	[AS_HELP_STRING([--with-coturn-patches=GROUP],
		[last patch group to apply: hook, security or speed (default: speed, that is all)])],
	[], [with_coturn_patches=speed])
AS_CASE([$with_coturn_patches],
	[hook|security|speed], [],
	[AC_MSG_ERROR([--with-coturn-patches: hook, security or speed, not $with_coturn_patches])])
COTURN_PATCHES=$with_coturn_patches
AC_SUBST([COTURN_PATCHES])
AM_CONDITIONAL([COTURN_SPEED], [test "$with_coturn$COTURN_PATCHES" = yesspeed])

dnl INSTALL_PREFIX and TURNDB are where turnserver looks for its files; TURNDB as in Debian's package.
COTURN_DEFS='-DLIBEV_OK -D_FILE_OFFSET_BITS=64 -DTURN_NO_PROMETHEUS -DTURN_NO_SCTP -DTURN_NO_MONGO'
COTURN_DEFS="$COTURN_DEFS "'-DINSTALL_PREFIX=$(prefix) -DTURNDB=/var/lib/turn/turndb'
COTURN_DEP_CFLAGS=
COTURN_DEP_LIBS=
coturn_features=
AC_CHECK_FUNC([daemon], [COTURN_DEFS="$COTURN_DEFS -DTURN_HAS_DAEMON"])
AC_SEARCH_LIBS([pthread_create], [pthread])
AC_CHECK_FUNC([pthread_barrier_init], [], [COTURN_DEFS="$COTURN_DEFS -DTURN_NO_THREAD_BARRIERS"])

dnl COTURN_OPTIONAL(name in the summary, pkg-config modules to try in order, define when there is none)
AC_DEFUN([COTURN_OPTIONAL], [
	AC_MSG_CHECKING([for $1 (coturn)])
	coturn_module=
	for module in $2; do
		if test -z "$coturn_module" && $PKG_CONFIG --exists $module; then
			coturn_module=$module
		fi
	done
	AS_IF([test -n "$coturn_module"], [
		COTURN_DEP_CFLAGS="$COTURN_DEP_CFLAGS $($PKG_CONFIG --cflags $coturn_module)"
		COTURN_DEP_LIBS="$COTURN_DEP_LIBS $($PKG_CONFIG --libs $coturn_module)"
		coturn_features="$coturn_features $1"
		AC_MSG_RESULT([$coturn_module])
	], [
		COTURN_DEFS="$COTURN_DEFS -D$3"
		AC_MSG_RESULT([no])
	])
])
COTURN_OPTIONAL([sqlite], [sqlite3], [TURN_NO_SQLITE])
COTURN_OPTIONAL([postgresql], [libpq], [TURN_NO_PQ])
COTURN_OPTIONAL([mysql], [libmariadb mariadb mysqlclient], [TURN_NO_MYSQL])
COTURN_OPTIONAL([redis], [hiredis], [TURN_NO_HIREDIS])
COTURN_OPTIONAL([systemd], [libsystemd], [TURN_NO_SYSTEMD])
AC_SUBST([COTURN_DEFS])
AC_SUBST([COTURN_DEP_CFLAGS])
AC_SUBST([COTURN_DEP_LIBS])

dnl Foreign code gets AddressSanitizer, whose findings there matter to us (our hook shares its memory), but not
dnl UndefinedBehaviorSanitizer: coturn reads unaligned words on purpose and the run would end there.
dnl ThreadSanitizer has to see every lock and every access, so it is the same for all.
COTURN_SAN_CFLAGS=
AS_IF([test "$enable_sanitizers" = thread], [COTURN_SAN_CFLAGS=$SAN_CFLAGS],
	[test -n "$SAN_CFLAGS"], [COTURN_SAN_CFLAGS="-fsanitize=address -fno-omit-frame-pointer"])
AC_SUBST([COTURN_SAN_CFLAGS])
dnl But the parsers of what strangers send get all of it, as our files do, and where fuzz targets are built its counters.
dnl Only with security/: before it they read unaligned words, too.
COTURN_PARSER_SAN_CFLAGS=$COTURN_SAN_CFLAGS
AS_IF([test "$COTURN_PATCHES" != hook], [COTURN_PARSER_SAN_CFLAGS=$SAN_CFLAGS])
AS_IF([test "$enable_fuzzing" = yes], [COTURN_PARSER_SAN_CFLAGS="$COTURN_PARSER_SAN_CFLAGS -fsanitize=fuzzer-no-link"])
AC_SUBST([COTURN_PARSER_SAN_CFLAGS])

coturn_summary="$COTURN_VERSION, patches up to $COTURN_PATCHES, with${coturn_features:- nothing optional}"
AS_IF([test "$with_coturn" = no], [coturn_summary="not built"])
