# coturn-ext.mk - our part of turnserver, built inside Debian's coturn package
#
# coturn's Makefile calls it with its own flags, in a folder for the objects:
#   make -C OBJECTS -f coturn-ext.mk srcdir=... COTURN_TREE=... CC=... CPPFLAGS=... CFLAGS=...
# Which files there are is said in coturn-ext/local.mk and shared/local.mk, which automake reads as well.
#   libcoturn-ext.a  what the patched objects call
#   main.a           turnserver's main
#   turnclient       (a list of objects) what libturnclient.a calls, so that it is complete
#   list-sources     prints the files that all of this needs

COTURN_PATCHES = speed
AWK = awk
MKDIR_P = mkdir -p
AM_V_GEN =

all: libcoturn-ext.a main.a turnclient

-include $(srcdir)/version.mk

include $(srcdir)/shared/local.mk
include $(srcdir)/coturn-ext/local.mk

library = $(filter %.c,$(libshared_a_SOURCES) $(libcoturn_ext_a_SOURCES) $(libcoturn_ext_hooks_a_SOURCES))
main = $(filter %.c,$(turnserver_SOURCES))
turnclient = coturn-ext/peer_address.o shared/auth_hash.o shared/turn_credential.o
# What the awk program makes lies beside the objects, the rest in the source.
made = $(nodist_libcoturn_ext_a_SOURCES:.c=.o)

library_objects = $(library:.c=.o) $(made)
main_objects = $(main:.c=.o)

compile = $(CC) -I$(srcdir)/shared -I$(srcdir)/coturn-ext \
	$(patsubst %,-isystem $(COTURN_TREE)/%,src src/apps/common src/apps/relay src/server src/client) \
	$(CPPFLAGS) $(CFLAGS) -std=gnu11 -D_GNU_SOURCE -DPACKAGE_VERSION=\"$(PACKAGE_VERSION)\" \
	-DCOTURN_PACKAGE_VERSION=\"$(COTURN_VERSION)\" -DCOTURN_EXT_VERSION=\"$(COTURN_EXT_VERSION)\" -c -o $@

$(library:.c=.o) $(main_objects): %.o: $(srcdir)/%.c
	@$(MKDIR_P) $(@D)
	$(compile) $<

$(made): %.o: %.c
	$(compile) $<

libcoturn-ext.a: $(library_objects)
main.a: $(main_objects)
libcoturn-ext.a main.a:
	rm -f $@
	$(AR) crD $@ $^

turnclient: $(turnclient)
	echo $(addprefix $(CURDIR)/,$(turnclient)) >$@

# coturn-ext/local.mk makes the ledger's rows again after another ./configure; here there is none.
config.status: ;

list-sources:
	@printf '%s\n' coturn-ext/local.mk shared/local.mk $(libshared_a_SOURCES) $(libcoturn_ext_a_SOURCES) \
		$(libcoturn_ext_hooks_a_SOURCES) $(turnserver_SOURCES) \
		$(filter coturn-ext/%,$(EXTRA_DIST)) $(SECURITY_LEDGER:$(srcdir)/%=%) | sort -u

.PHONY: all list-sources
