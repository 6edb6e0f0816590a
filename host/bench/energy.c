/* SPDX-License-Identifier: Apache-2.0
 *
 * Energy, by counters only: RAPL's of the processor's packages for CPU devices, the energy counter that a GPU's driver
 * shows in hwmon where there is a single card. Where there is none, or it may not be read, the reason is told. */
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/once.h"

/* A counter ticks each ms or so, and other things run on the machine too: shorter runs say little. */
static const double LEAST_S = 10;

static bool read_number(const char *path, uint64_t *value)
{
    FILE *file = fopen(path, "r");
    const bool read = file && fscanf(file, "%" SCNu64, value) == 1;
    const int error = errno;
    if (file) fclose(file);
    errno = error;
    return read;
}

void zoe__energy_start(zoe__energy *e, bool cpu)
{
    glob_t found = {0};
    *e = (zoe__energy){.cpu = cpu};
    const char *pattern = cpu ? "/sys/class/powercap/intel-rapl:[0-9]/energy_uj"
                              : "/sys/class/drm/card[0-9]/device/hwmon/hwmon*/energy1_input";
    if (glob(pattern, 0, NULL, &found) != 0 || !found.gl_pathc)
        e->reason = cpu ? "no counter: /sys/class/powercap has none" : "no counter: no card shows one in hwmon";
    else if (!cpu && found.gl_pathc > 1)
        e->reason = "several cards have counters: which is this one?";
    for (size_t i = 0; !e->reason && i < found.gl_pathc && e->count < ZOE__ENERGY_COUNTERS; i++) {
        zoe__format(e->path[e->count], sizeof *e->path, "%s", found.gl_pathv[i]);
        if (!read_number(found.gl_pathv[i], &e->first[e->count++]))
            e->reason = errno == EACCES ? "no permission to read the counter" : "the counter cannot be read";
    }
    globfree(&found);
    e->start = zoe__seconds();
}

/* A package's counter begins anew at its largest number. */
static uint64_t difference(const zoe__energy *e, size_t i, uint64_t last)
{
    char path[sizeof *e->path + 32];
    uint64_t largest = 0;
    if (last >= e->first[i]) return last - e->first[i];
    zoe__format(path, sizeof path, "%.*smax_energy_range_uj", (int)(strlen(e->path[i]) - strlen("energy_uj")),
                e->path[i]);
    return read_number(path, &largest) ? last + largest - e->first[i] : 0;
}

void zoe__energy_end(const zoe__energy *e, double runs, json_t *out)
{
    const double seconds = zoe__seconds() - e->start;
    double joules = 0;
    const char *reason = e->reason;
    for (size_t i = 0; !reason && i < e->count; i++) {
        uint64_t last = 0;
        if (!read_number(e->path[i], &last)) reason = "the counter cannot be read";
        joules += (double)difference(e, i, last) * 1e-6;
    }
    if (!reason && seconds < LEAST_S) reason = "too short: a counter needs 10 s (--seconds 10)";
    json_object_set_new(out, "energy_J", reason || runs < 1 ? json_null() : json_real(joules / runs));
    json_object_set_new(out, "energy_source",
                        json_string(reason   ? reason
                                    : e->cpu ? "RAPL, all packages, gross"
                                             : "hwmon, the card, gross"));
}
