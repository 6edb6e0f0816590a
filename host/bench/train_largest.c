/* SPDX-License-Identifier: Apache-2.0
 *
 * How many pictures a step can have at most. Powers of two only: the same number on the same device, whatever else
 * holds a little of its memory. */
#include "bench/bench.h"
#include "core/core.h"

enum { MOST_BATCH = 65536 };

/* Drivers and other programs hold some of what a device says it has; a processor's is the machine's. */
static uint64_t room(const zoe_device_info *device)
{
    const uint64_t all = device->global_mem_bytes / 10 * 9, free_now = (uint64_t)zoe__memory_available() / 4 * 3;
    return device->is_cpu && free_now < all ? free_now : all;
}

zoe_status zoe__train_largest(zoe_context *context, const zoe_device_info *device, zoe__bytes_of_batch *bytes_of,
                              void *user, int *batch)
{
    const uint64_t most = room(device);
    *batch = 0;
    for (int n = 1; n <= MOST_BATCH; n *= 2) {
        uint64_t bytes = 0;
        zoe_status status = bytes_of(user, n, &bytes);
        if (status == ZOE_OK && bytes > most)
            status = zoe__fail(context, ZOE_DEVICE_MEMORY, "memory of %s: a step of %d needs %llu bytes, %llu are free",
                               device->id, n, (unsigned long long)bytes, (unsigned long long)most);
        if (status == ZOE_DEVICE_MEMORY && *batch) break;
        ZOE_TRY(status);
        *batch = n;
    }
    zoe_context_clear(context);
    return ZOE_OK;
}
