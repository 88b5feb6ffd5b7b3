# patches/local.mk - fetch coturn, unpack and patch it, compile it to libcoturn.a
#
# fetch -> unpack and patch -> objects -> archive -> turnserver, all below coturn/ in the build folder.
# For other folders:
#   COTURN_STAMP     exists once the patched tree does: an order-only prerequisite of what includes its headers
#   COTURN_TREE      the patched tree
#   COTURN_CPPFLAGS  coturn's include path (as system headers, so that our warnings stay ours) and defines
#   COTURN_LINK      libraries for a program that links libcoturn.a, libcoturn.a and coturn-ext included
#   COTURN_STOCK_*   the same of coturn as it came: a test linked twice shows what a patch is for
#   turnserver-hook  the hook group alone: what the hook itself costs is measured with it
#   COTURN_EXT_LIBS  set in coturn-ext/local.mk: what the patched objects call

EXTRA_DIST += \
	patches/README \
	patches/$(COTURN_VERSION) \
	patches/fetch-coturn.sh \
	patches/turnutils_asan.c \
	patches/unpack-coturn.sh

COTURN_TREE = coturn/patched-$(COTURN_PATCHES)
COTURN_STAMP = $(COTURN_TREE).stamp

COTURN_MODULES = \
	apps/common/apputils \
	apps/common/hiredis_libevent2 \
	apps/common/ns_turn_utils \
	apps/common/stun_buffer \
	apps/relay/acme \
	apps/relay/dbdrivers/dbd_mongo \
	apps/relay/dbdrivers/dbd_mysql \
	apps/relay/dbdrivers/dbd_pgsql \
	apps/relay/dbdrivers/dbd_redis \
	apps/relay/dbdrivers/dbd_sqlite \
	apps/relay/dbdrivers/dbdriver \
	apps/relay/dtls_listener \
	apps/relay/http_server \
	apps/relay/libtelnet \
	apps/relay/mainrelay \
	apps/relay/netengine \
	apps/relay/ns_ioalib_engine_impl \
	apps/relay/prom_server \
	apps/relay/tls_listener \
	apps/relay/turn_admin_server \
	apps/relay/turn_ports \
	apps/relay/userdb \
	client/ns_turn_ioaddr \
	client/ns_turn_msg \
	client/ns_turn_msg_addr \
	server/ns_turn_allocation \
	server/ns_turn_maps \
	server/ns_turn_maps_rtcp \
	server/ns_turn_server
COTURN_UCLIENT_MODULES = apps/uclient/mainuclient apps/uclient/startuclient apps/uclient/uclient
COTURN_PEER_MODULES = apps/peer/mainudpserver apps/peer/udpserver
COTURN_RFC5769_MODULES = apps/rfc5769/rfc5769check

COTURN_OBJECTS = $(COTURN_MODULES:%=$(COTURN_TREE).obj/%.o)
COTURN_STOCK_STAMP = coturn/stock.stamp
COTURN_STOCK_OBJECTS = $(COTURN_MODULES:%=coturn/stock.obj/%.o)
# For the archive: main is renamed.
COTURN_STOCK_MAIN = coturn/stock.obj/apps/relay/coturn_main.o
COTURN_STOCK_ARCHIVED = $(filter-out %/mainrelay.o,$(COTURN_STOCK_OBJECTS)) $(COTURN_STOCK_MAIN)
COTURN_HOOK_OBJECTS = $(COTURN_MODULES:%=coturn/hook.obj/%.o)
COTURN_HOOK_EXT_OBJECTS = $(patsubst coturn-ext/%.c,coturn/hook.obj/coturn-ext/%.o,$(filter %.c,$(libcoturn_ext_hooks_a_SOURCES)))
COTURN_UCLIENT_OBJECTS = $(COTURN_UCLIENT_MODULES:%=$(COTURN_TREE).obj/%.o)
COTURN_PEER_OBJECTS = $(COTURN_PEER_MODULES:%=$(COTURN_TREE).obj/%.o)
COTURN_RFC5769_OBJECTS = $(COTURN_RFC5769_MODULES:%=$(COTURN_TREE).obj/%.o)

COTURN_INCLUDE_DIRS = src src/apps/common src/apps/relay src/server src/client
COTURN_BASE_CPPFLAGS = $(COTURN_DEFS) $(COTURN_DEP_CFLAGS) $(EVENT_ALL_CFLAGS) $(SSL_CFLAGS)
COTURN_CPPFLAGS = $(COTURN_INCLUDE_DIRS:%=-isystem $(COTURN_TREE)/%) $(COTURN_BASE_CPPFLAGS)
COTURN_STOCK_CPPFLAGS = $(COTURN_INCLUDE_DIRS:%=-isystem coturn/stock/%) $(COTURN_BASE_CPPFLAGS)

COTURN_SYSTEM_LIBS = $(COTURN_DEP_LIBS) $(EVENT_ALL_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(ZLIB_LIBS) -lpthread
# Twice: the patched objects call coturn-ext and coturn-ext calls them.
COTURN_LINK = libcoturn.a $(COTURN_EXT_LIBS) libcoturn.a $(COTURN_SYSTEM_LIBS)
COTURN_STOCK_LINK = libcoturn-stock.a $(COTURN_SYSTEM_LIBS)

# coturn's own warnings are not ours to fix here (-w); everything else is as for our files.
COTURN_COMPILE = $(CC) $(COTURN_BASE_CPPFLAGS) $(CPPFLAGS) -w $(HARDEN_CFLAGS) $(CFLAGS) $(COTURN_SAN_CFLAGS)

# --- source ---------------------------------------------------------------------
coturn/fetch.stamp: $(srcdir)/patches/fetch-coturn.sh $(srcdir)/patches/$(COTURN_VERSION)/UPSTREAM
	@printf '  %-8s %s\n' FETCH 'coturn $(COTURN_VERSION)'
	@$(MKDIR_P) coturn
	$(AM_V_at)$(srcdir)/patches/fetch-coturn.sh $(COTURN_SOURCE) >/dev/null
	@touch $@

$(COTURN_TREE).stamp: coturn/fetch.stamp $(srcdir)/patches/unpack-coturn.sh \
		$(wildcard $(srcdir)/patches/$(COTURN_VERSION)/*/*)
	@printf '  %-8s %s\n' PATCH 'coturn $(COTURN_VERSION), groups up to $(COTURN_PATCHES)'
	$(AM_V_at)$(srcdir)/patches/unpack-coturn.sh $(COTURN_TREE) $(COTURN_PATCHES) $(COTURN_SOURCE)
	@touch $@

coturn/stock.stamp: coturn/fetch.stamp $(srcdir)/patches/unpack-coturn.sh
	@printf '  %-8s %s\n' UNPACK 'coturn $(COTURN_VERSION)'
	$(AM_V_at)$(srcdir)/patches/unpack-coturn.sh coturn/stock none $(COTURN_SOURCE)
	@touch $@

coturn/hook.stamp: coturn/fetch.stamp $(srcdir)/patches/unpack-coturn.sh \
		$(wildcard $(srcdir)/patches/$(COTURN_VERSION)/hook/*)
	@printf '  %-8s %s\n' PATCH 'coturn $(COTURN_VERSION), the hook group alone'
	$(AM_V_at)$(srcdir)/patches/unpack-coturn.sh coturn/hook hook $(COTURN_SOURCE)
	@touch $@

# --- objects --------------------------------------------------------------------
# The sources appear with the stamp, so the stamp stands for them; headers of ours come from the .d files.
$(COTURN_OBJECTS) $(COTURN_UCLIENT_OBJECTS) $(COTURN_PEER_OBJECTS) $(COTURN_RFC5769_OBJECTS): $(COTURN_TREE).obj/%.o: $(COTURN_TREE).stamp
	@$(MKDIR_P) $(@D)
	$(AM_V_CC)$(COTURN_COMPILE) $(COTURN_INCLUDE_DIRS:%=-I$(COTURN_TREE)/%) -I$(srcdir)/coturn-ext -I$(srcdir)/shared \
		$(COTURN_MAIN) -MMD -MP -c -o $@ $(COTURN_TREE)/src/$*.c

$(COTURN_STOCK_OBJECTS): coturn/stock.obj/%.o: coturn/stock.stamp
	@$(MKDIR_P) $(@D)
	$(AM_V_CC)$(COTURN_COMPILE) $(COTURN_INCLUDE_DIRS:%=-Icoturn/stock/%) -c -o $@ coturn/stock/src/$*.c

$(COTURN_STOCK_MAIN): coturn/stock.stamp
	@$(MKDIR_P) $(@D)
	$(AM_V_CC)$(COTURN_COMPILE) $(COTURN_INCLUDE_DIRS:%=-Icoturn/stock/%) -Dmain=coturn_main -c -o $@ \
		coturn/stock/src/apps/relay/mainrelay.c

COTURN_COMPILE_HOOK = $(COTURN_COMPILE) $(COTURN_INCLUDE_DIRS:%=-Icoturn/hook/%) -I$(srcdir)/coturn-ext -I$(srcdir)/shared
$(COTURN_HOOK_OBJECTS): coturn/hook.obj/%.o: coturn/hook.stamp
	@$(MKDIR_P) $(@D)
	$(AM_V_CC)$(COTURN_COMPILE_HOOK) -MMD -MP -c -o $@ coturn/hook/src/$*.c

# Those of ours that include coturn's headers, which are others in this tree.
$(COTURN_HOOK_EXT_OBJECTS): coturn/hook.obj/coturn-ext/%.o: $(srcdir)/coturn-ext/%.c coturn/hook.stamp
	@$(MKDIR_P) $(@D)
	$(AM_V_CC)$(COTURN_COMPILE_HOOK) $(SAN_CFLAGS) -std=gnu11 -DCOTURN_PACKAGE_VERSION=\"$(COTURN_VERSION)\" -DCOTURN_EXT_VERSION=\"$(COTURN_EXT_VERSION)\" -MMD -MP -c -o $@ $<

-include $(COTURN_HOOK_OBJECTS:.o=.d) $(COTURN_HOOK_EXT_OBJECTS:.o=.d)

COTURN_PARSERS = $(COTURN_TREE).obj/client/ns_turn_ioaddr.o $(COTURN_TREE).obj/client/ns_turn_msg.o \
	$(COTURN_TREE).obj/client/ns_turn_msg_addr.o
$(COTURN_PARSERS): private COTURN_SAN_CFLAGS = $(COTURN_PARSER_SAN_CFLAGS)

# The archive has no main: programs of ours call coturn_main().
$(COTURN_TREE).obj/apps/relay/mainrelay.o: COTURN_MAIN = -Dmain=coturn_main

-include $(COTURN_OBJECTS:.o=.d)

libcoturn.a: $(COTURN_OBJECTS) config.status
	@printf '  %-8s %s\n' AR $@
	$(AM_V_at)rm -f $@
	$(AM_V_at)$(AR) cr $@ $(COTURN_OBJECTS)
	$(AM_V_at)$(RANLIB) $@

libcoturn-stock.a: $(COTURN_STOCK_ARCHIVED) config.status
	@printf '  %-8s %s\n' AR $@
	$(AM_V_at)rm -f $@
	$(AM_V_at)$(AR) cr $@ $(COTURN_STOCK_ARCHIVED)
	$(AM_V_at)$(RANLIB) $@

# --- programs -------------------------------------------------------------------
if COTURN
bin_PROGRAMS += turnserver
man_MANS = coturn-ext/turnserver-ext.7
# The files that need coturn's headers are objects of this archive, too.
libcoturn_ext_a_LIBADD = $(libcoturn_ext_hooks_a_OBJECTS)
turnserver_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/coturn-ext -DCOTURN_PACKAGE_VERSION=\"$(COTURN_VERSION)\"
turnserver_LDADD = $(COTURN_LINK)
turnserver_DEPENDENCIES = libcoturn.a $(COTURN_EXT_LIBS)
endif

COTURN_LINK_PROGRAM = $(CC) $(CFLAGS) $(HARDEN_LDFLAGS) $(SAN_CFLAGS) $(LDFLAGS) -o $@

.PHONY: stock turnutils

# Unpatched, with the same flags: what every comparison is made against.
stock: turnserver-stock
turnserver-stock: $(COTURN_STOCK_OBJECTS)
	$(AM_V_CCLD)$(COTURN_LINK_PROGRAM) $(COTURN_STOCK_OBJECTS) $(COTURN_SYSTEM_LIBS)

# The hook without what the other groups change. An archive of its own objects stands before the one that has them
# too; what only the other groups call is not taken from it.
turnserver-hook: $(COTURN_HOOK_OBJECTS) $(COTURN_HOOK_EXT_OBJECTS) $(COTURN_EXT_LIBS)
	$(AM_V_at)rm -f coturn/hook-ext.a && $(AR) cr coturn/hook-ext.a $(COTURN_HOOK_EXT_OBJECTS)
	$(AM_V_CCLD)$(COTURN_LINK_PROGRAM) $(COTURN_HOOK_OBJECTS) coturn/hook-ext.a $(COTURN_EXT_LIBS) $(COTURN_SYSTEM_LIBS)

# coturn's test client and echo peer, for our tests; not installed.
turnutils: turnutils_uclient turnutils_peer
turnutils_uclient: $(COTURN_UCLIENT_OBJECTS) $(TURNUTILS_OPTIONS) libcoturn.a $(COTURN_EXT_LIBS)
	$(AM_V_CCLD)$(COTURN_LINK_PROGRAM) $(COTURN_UCLIENT_OBJECTS) $(TURNUTILS_OPTIONS) $(COTURN_LINK)

turnutils_peer: $(COTURN_PEER_OBJECTS) $(TURNUTILS_OPTIONS) libcoturn.a $(COTURN_EXT_LIBS)
	$(AM_V_CCLD)$(COTURN_LINK_PROGRAM) $(COTURN_PEER_OBJECTS) $(TURNUTILS_OPTIONS) $(COTURN_LINK)

# What coturn's own "make check" runs: the vectors of RFC 5769, and OAuth tokens.
if COTURN
TESTS += turnutils_rfc5769check
endif
turnutils_rfc5769check: $(COTURN_RFC5769_OBJECTS) $(TURNUTILS_OPTIONS) libcoturn.a $(COTURN_EXT_LIBS)
	$(AM_V_CCLD)$(COTURN_LINK_PROGRAM) $(COTURN_RFC5769_OBJECTS) $(TURNUTILS_OPTIONS) $(COTURN_LINK)

if SANITIZERS
TURNUTILS_OPTIONS = coturn/turnutils_asan.o
endif
coturn/turnutils_asan.o: $(srcdir)/patches/turnutils_asan.c
	@$(MKDIR_P) $(@D)
	$(AM_V_CC)$(CC) $(CFLAGS) -c -o $@ $(srcdir)/patches/turnutils_asan.c

CLEANFILES += libcoturn.a libcoturn-stock.a turnserver-stock turnserver-hook turnutils_uclient turnutils_peer turnutils_rfc5769check
CLEAN_LOCAL += clean-coturn
.PHONY: clean-coturn
clean-coturn:
	rm -rf coturn
