# shared/local.mk
