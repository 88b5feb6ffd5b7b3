# packaging/signald/local.mk - what makes signald's Debian package; shipped, not installed by make
EXTRA_DIST += \
	debian \
	packaging/signald \
	Containerfile .containerignore
