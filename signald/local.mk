# signald/local.mk
