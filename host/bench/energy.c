/* SPDX-License-Identifier: Apache-2.0
 *
 * Energy, by counters only: RAPL's of the processor's packages for CPU devices, the energy counter that a GPU's driver
 * shows in hwmon where there is a single card. What the machine takes while it does nothing is measured just before,
 * and the difference is told beside the whole. Where there is no counter, or it may not be read, the reason is told. */
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/once.h"
#include "bench/sensors.h"

/* A counter ticks each ms or so, on cards ten times a second, and other things run on the machine too: shorter runs say
 * little. */
static const double LEAST_S = 10, LEAST_TICKS = 20, IDLE_S = 2;

static bool read_number(const char *path, uint64_t *value)
{
    FILE *file = fopen(path, "r");
    const bool read = file && fscanf(file, "%" SCNu64, value) == 1;
    const int error = errno;
    if (file) fclose(file);
    errno = error;
    return read;
}

static void find_counters(zoe__energy *e)
{
    glob_t found = {0};
    char pattern[256];
    zoe__sys_path(pattern, sizeof pattern,
                  e->cpu ? "/sys/class/powercap/intel-rapl:[0-9]/energy_uj"
                         : "/sys/class/drm/card[0-9]/device/hwmon/hwmon*/energy1_input");
    if (glob(pattern, 0, NULL, &found) != 0 || !found.gl_pathc)
        e->reason = e->cpu ? "no counter: /sys/class/powercap has none" : "no counter: no card shows one in hwmon";
    else if (!e->cpu && found.gl_pathc > 1)
        e->reason = "several cards have counters: which is this one?";
    for (size_t i = 0; !e->reason && i < found.gl_pathc && e->count < ZOE__ENERGY_COUNTERS; i++) {
        zoe__format(e->path[e->count], sizeof *e->path, "%s", found.gl_pathv[i]);
        if (!read_number(found.gl_pathv[i], &e->first[e->count++]))
            e->reason = errno == EACCES ? "no permission to read the counter" : "the counter cannot be read";
    }
    globfree(&found);
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

/* J since the start; false: a counter cannot be read any more. */
static bool joules_since(const zoe__energy *e, double *joules)
{
    *joules = 0;
    for (size_t i = 0; i < e->count; i++) {
        uint64_t last = 0;
        if (!read_number(e->path[i], &last)) return false;
        *joules += (double)difference(e, i, last) * 1e-6;
    }
    return true;
}

/* Does nothing for a while and looks at the counters: W, and how often they tick. */
static void measure_idle(zoe__energy *e)
{
    const double start = zoe__seconds();
    double joules = 0, before = 0;
    int ticks = 0;
    while (zoe__seconds() - start < IDLE_S && joules_since(e, &joules)) {
        const struct timespec pause = {.tv_nsec = 1000000};
        ticks += joules > before;
        before = joules;
        nanosleep(&pause, NULL);
    }
    const double took = zoe__seconds() - start;
    e->idle_watts = joules / took;
    e->tick = ticks ? took / ticks : INFINITY;
    for (size_t i = 0; i < e->count; i++)
        if (!read_number(e->path[i], &e->first[i])) e->reason = "the counter cannot be read";
}

void zoe__energy_start(zoe__energy *e, bool cpu, double seconds)
{
    *e = (zoe__energy){.cpu = cpu};
    find_counters(e);
    if (!e->reason && seconds < LEAST_S) e->reason = "too short: a counter needs 10 s (--seconds 10)";
    if (!e->reason) measure_idle(e);
    if (!e->reason && !(e->tick * LEAST_TICKS <= seconds)) e->reason = "too short: the counter ticks too seldom";
    e->start = zoe__seconds();
}

void zoe__energy_end(const zoe__energy *e, double runs, json_t *out)
{
    const double seconds = zoe__seconds() - e->start;
    double joules = 0;
    const char *reason = e->reason;
    char source[160];
    if (!reason && (runs < 1 || !joules_since(e, &joules))) reason = "the counter cannot be read";
    zoe__format(source, sizeof source, "%s; gross, and net of %.2f W idle before it",
                e->cpu ? "RAPL, all packages" : "hwmon, the card", e->idle_watts);
    json_object_set_new(out, "energy_J", reason ? json_null() : json_real(joules / runs));
    json_object_set_new(out, "energy_net_J",
                        reason ? json_null() : json_real(fmax(0, joules - e->idle_watts * seconds) / runs));
    json_object_set_new(out, "energy_source", json_string(reason ? reason : source));
}
