/* SPDX-License-Identifier: Apache-2.0
 *
 * A loop cut over the processors, for the few places of the host that touch a hundred million numbers. Internal. */
#ifndef ZOE_PARALLEL_H
#define ZOE_PARALLEL_H

#include <stddef.h>

/* Works on items first .. first+count-1; may run beside other calls, so it must write to these items only. */
typedef void zoe__range_function(size_t first, size_t count, void *user);

/* Calls fn for ranges that together are 0 .. count-1, none but the last smaller than `least`, and returns when all are
 * done. Where no thread is to be had the caller's does the work. */
void zoe__parallel(size_t count, size_t least, zoe__range_function *fn, void *user);

#endif
