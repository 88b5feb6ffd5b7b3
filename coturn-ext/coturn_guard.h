/* coturn_guard.h - what the patches of security/ and speed/ call
 *
 * Beside coturn_ext.h, which is what hook/ calls: coturn-ext compiles and links
 * also where hook/ alone is applied. Needs no other header, ours or coturn's;
 * addresses are an ioa_addr, sessions a ts_ur_super_session. */
#ifndef COTURN_GUARD_H
#define COTURN_GUARD_H

#include <stddef.h>
#include <stdint.h>

#endif
