# packaging/local.mk - the Debian packages; shipped, not installed
EXTRA_DIST += GNUmakefile packaging/targets.mk packaging/make-deb.sh packaging/check-deb.sh packaging/checks.sh \
	packaging/debian-version.sh packaging/checkout-files.sh packaging/reproducible.sh packaging/make-apt-repo.sh \
	packaging/new-base.sh packaging/rehearse-update.sh packaging/coturn docs/security-updates.md

# GNU make's own functions, so it is not automake that reads it.
-include $(srcdir)/packaging/targets.mk
