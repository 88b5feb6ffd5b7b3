# coturn-ext/local.mk - the static library linked into turnserver
#
# GNU make reads this file and shared/local.mk as they are, too: packaging/coturn/coturn-ext.mk builds the
# library of the Debian package from the same lists. So: assignments and rules, no conditionals of automake
# (what depends on --without-coturn is in patches/local.mk).

# What the patched coturn objects call; linked into turnserver (patches/local.mk).
COTURN_EXT_LIBS = libcoturn-ext.a libshared.a

EXTRA_DIST += coturn-ext/PROTOCOL.md coturn-ext/security_rows.awk coturn-ext/turnserver-ext.7

noinst_LIBRARIES += libcoturn-ext.a
libcoturn_ext_a_SOURCES = \
	coturn-ext/admin_client.c coturn-ext/admin_command.c coturn-ext/admin_stats.c coturn-ext/admin_ledger.c \
	coturn-ext/admin_walk.c coturn-ext/admin_users.c coturn-ext/admin_users.h \
	coturn-ext/admin_socket.c coturn-ext/admin_socket.h coturn-ext/admin_priv.h \
	coturn-ext/cell_ring.c coturn-ext/cells.c coturn-ext/cells.h coturn-ext/cells_priv.h \
	coturn-ext/denials.c coturn-ext/denials.h \
	coturn-ext/expiry_walk.c coturn-ext/expiry_walk.h \
	coturn-ext/file_lines.c coturn-ext/file_lines.h \
	coturn-ext/guard.c coturn-ext/guard.h \
	coturn-ext/lean_table.c coturn-ext/lean_table.h \
	coturn-ext/live.c coturn-ext/live.h \
	coturn-ext/live_file.c coturn-ext/live_file.h coturn-ext/live_recover.c coturn-ext/live_recover.h \
	coturn-ext/live_text.c coturn-ext/live_text.h \
	coturn-ext/nonce.c coturn-ext/nonce.h \
	coturn-ext/options.c coturn-ext/options.h \
	coturn-ext/own_addresses.c coturn-ext/own_addresses.h \
	coturn-ext/own_file.c coturn-ext/own_file.h \
	coturn-ext/peer_address.c coturn-ext/peer_address.h \
	coturn-ext/peer_policy.c coturn-ext/peer_policy.h \
	coturn-ext/policy.c coturn-ext/policy.h coturn-ext/published.h \
	coturn-ext/policy_watch.c coturn-ext/policy_watch.h \
	coturn-ext/read_batch.h coturn-ext/reasons.c coturn-ext/reasons.h \
	coturn-ext/registry.c coturn-ext/registry.h \
	coturn-ext/relay_limits.c coturn-ext/relay_limits.h \
	coturn-ext/revocations.c coturn-ext/revocations.h \
	coturn-ext/revoked_file.c coturn-ext/revoked_file.h \
	coturn-ext/secrets.c coturn-ext/secrets.h coturn-ext/security_rows.h \
	coturn-ext/source_limit.c coturn-ext/source_limit.h \
	coturn-ext/spool.c coturn-ext/spool.h coturn-ext/spool_merge.c coturn-ext/spool_priv.h \
	coturn-ext/spool_index.c coturn-ext/spool_scan.c \
	coturn-ext/state.c coturn-ext/state.h coturn-ext/stop.c coturn-ext/stop.h \
	coturn-ext/stranger.c coturn-ext/stranger.h \
	coturn-ext/turn_stream.c coturn-ext/turn_stream.h coturn-ext/udp_burst.c coturn-ext/udp_burst.h \
	coturn-ext/watch.c coturn-ext/watch.h coturn-ext/watch_priv.h coturn-ext/watch_secrets.c \
	coturn-ext/watch_stop.c \
	coturn-ext/wire.c coturn-ext/wire.h
nodist_libcoturn_ext_a_SOURCES = coturn-ext/security_rows.c
libcoturn_ext_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/coturn-ext $(EVENT_CFLAGS)

# The files that need coturn's headers, and so the patched tree; objects of the same archive.
EXTRA_LIBRARIES = libcoturn-ext-hooks.a
libcoturn_ext_hooks_a_SOURCES = coturn-ext/hooks.c coturn-ext/hooks_count.c coturn-ext/hooks_peers.c \
	coturn-ext/hooks_policy.c coturn-ext/hooks_sources.c coturn-ext/hooks_warnings.c \
	coturn-ext/hooks_priv.h coturn-ext/coturn_ext.h coturn-ext/coturn_guard.h
libcoturn_ext_hooks_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/coturn-ext $(COTURN_CPPFLAGS) \
	-DCOTURN_PACKAGE_VERSION=\"$(COTURN_VERSION)\" -DCOTURN_EXT_VERSION=\"$(COTURN_EXT_VERSION)\"
$(libcoturn_ext_hooks_a_OBJECTS): | $(COTURN_STAMP)

# --- turnserver's main, and turnserver --security-status --------------------------
turnserver_SOURCES = coturn-ext/turnserver_main.c coturn-ext/security_status.c coturn-ext/security_status.h
# The rows are those of the ledger beside the patches; what is not built in is not fixed.
SECURITY_LEDGER = $(srcdir)/patches/$(COTURN_VERSION)/SECURITY.md
COTURN_GROUPS_hook = hook
COTURN_GROUPS_security = hook security
COTURN_GROUPS_speed = hook security speed

coturn-ext/security_rows.c: $(SECURITY_LEDGER) $(srcdir)/coturn-ext/security_rows.awk config.status
	@$(MKDIR_P) $(@D)
	$(AM_V_GEN)$(AWK) -v groups="$(COTURN_GROUPS_$(COTURN_PATCHES))" -f $(srcdir)/coturn-ext/security_rows.awk \
		$(SECURITY_LEDGER) >$@.new && mv $@.new $@
CLEANFILES += coturn-ext/security_rows.c coturn-ext/security_rows.c.new
