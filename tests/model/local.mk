# tests/model/local.mk - signald/calls beside a model of what its users may observe
#
# The calls a second time, with faults that can be planted (signald/calls/fault.h).
check_LIBRARIES += libcalls-faults.a
libcalls_faults_a_SOURCES = $(calls_sources)
libcalls_faults_a_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS) -DCALLS_FAULTS

check_PROGRAMS += random_walk
TESTS += random_walk
random_walk_SOURCES = \
	tests/model/main.c \
	tests/model/model.c tests/model/model.h tests/model/model_priv.h \
	tests/model/model_calls.c tests/model/model_mesh.c tests/model/model_sockets.c \
	tests/model/walk.c tests/model/walk.h \
	tests/model/wording.c tests/model/wording.h \
	tests/model/world.c tests/model/world.h
random_walk_CPPFLAGS = $(AM_CPPFLAGS) -DCALLS_FAULTS
random_walk_LDADD = libcalls-faults.a libsignald-core.a libshared.a $(CRYPTO_LIBS) -lm
EXTRA_DIST += tests/model/README.md
