# coturn-ext/local.mk

# What the patched coturn objects call; linked into turnserver (patches/local.mk).
COTURN_EXT_LIBS =
