# coturn-ext/local.mk
