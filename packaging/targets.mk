# targets.mk - make deb and its companions, which need no configure
#
# Read by GNUmakefile in a checkout that is not configured, and by packaging/local.mk in one that is. srcdir is
# the checkout there; DEB_OUTPUT is where the packages go.
PACKAGING = $(or $(srcdir),.)/packaging

.PHONY: deb
deb:
	$(PACKAGING)/make-deb.sh $(if $(COTURN_SOURCE),--coturn-source $(COTURN_SOURCE)) $(if $(DEB_OUTPUT),-o $(DEB_OUTPUT)) $(DEB_PACKAGES)

.PHONY: check-deb
check-deb:
	$(PACKAGING)/check-deb.sh $(if $(COTURN_SOURCE),--coturn-source $(COTURN_SOURCE)) $(if $(DEB_OUTPUT),-o $(DEB_OUTPUT))

# make apt-repo DIR=/srv/www/apt [URL=https://...] [KEYS=...]
.PHONY: apt-repo
apt-repo:
	$(PACKAGING)/make-apt-repo.sh $(if $(DEB_OUTPUT),-i $(DEB_OUTPUT)) $(if $(KEYS),-k $(KEYS)) $(if $(URL),-u $(URL)) $(DIR)

.PHONY: reproducible-deb
reproducible-deb:
	$(PACKAGING)/reproducible.sh $(if $(COTURN_SOURCE),--coturn-source $(COTURN_SOURCE)) $(DEB_PACKAGES)

# The packages tried on booted machines, of this host's release or of SUITE.
.PHONY: check-packages
check-packages:
	$(or $(srcdir),.)/tests/packages/run.sh --build $(if $(SUITE),--suite $(SUITE)) $(CASES)
