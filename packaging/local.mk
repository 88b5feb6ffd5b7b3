# packaging/local.mk - the Debian packages; shipped, not installed
EXTRA_DIST += GNUmakefile packaging/targets.mk packaging/make-deb.sh packaging/check-deb.sh \
	packaging/debian-version.sh packaging/coturn

# GNU make's own functions, so it is not automake that reads it.
-include $(srcdir)/packaging/targets.mk
