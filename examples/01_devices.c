/* SPDX-License-Identifier: Apache-2.0
 *
 * Introduces: the context (who holds error texts) and the list of devices.
 *
 *     cc 01_devices.c $(pkg-config --cflags --libs zoetrope) && ./a.out */
#include <stdio.h>
#include <stdlib.h>

#include <zoe/zoe.h>

int main(void)
{
    zoe_context *context;
    if (zoe_context_new(&context) != ZOE_OK) return 1;

    zoe_device_info *devices;
    size_t count;
    const zoe_status status = zoe_device_list(context, &devices, &count);
    if (status != ZOE_OK) {
        /* Every failure is a status, and one line of text in the context. */
        fprintf(stderr, "01_devices: %s\n", zoe_context_error(context));
        zoe_context_free(&context);
        return zoe_status_exit_code(status);
    }
    /* In order of preference: the first one is what a program gets that does not ask. `host` is always there. */
    for (size_t i = 0; i < count; i++)
        printf("%-14s %-7s %3u units  %6.1f GiB  %s\n", devices[i].id, zoe_family_name(devices[i].family),
               devices[i].compute_units, (double)devices[i].global_mem_bytes / (1 << 30), devices[i].name);
    free(devices);
    zoe_context_free(&context);
    return 0;
}
