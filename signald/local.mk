# signald/local.mk
AM_CPPFLAGS += -I$(srcdir)/signald
