# patches/local.mk
