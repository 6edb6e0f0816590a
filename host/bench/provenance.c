/* SPDX-License-Identifier: Apache-2.0
 *
 * What a reader of a figure must know of the machine that made it. Names of machine and user stay out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/sensors.h"
#include "core/sha256.h"
#include "device/device.h"
#include "tune/tuning.h"

/* The rest of the first line of `path` that begins with key ("model name"), behind its colon; "" if there is none. */
static void read_line(const char *path, const char *key, char *out, size_t size)
{
    char line[512];
    FILE *file = fopen(path, "r");
    out[0] = '\0';
    if (!file) return;
    while (!out[0] && fgets(line, sizeof line, file)) {
        if (strncmp(line, key, strlen(key))) continue;
        const char *text = line + strlen(key);
        text += strspn(text, " \t:");
        zoe__format(out, size, "%.*s", (int)strcspn(text, "\n"), text);
    }
    fclose(file);
}

size_t zoe__peak_resident(void)
{
    char text[64];
    read_line("/proc/self/status", "VmHWM", text, sizeof text);
    return (size_t)strtoull(text, NULL, 10) * 1024; /* "123456 kB" */
}

size_t zoe__memory_available(void)
{
    char text[64];
    read_line("/proc/meminfo", "MemAvailable", text, sizeof text);
    return *text ? (size_t)strtoull(text, NULL, 10) * 1024 : SIZE_MAX;
}

json_t *zoe__bench_host(void)
{
    char cpu[128], governor[64], system[256] = "";
    struct utsname name;
    double load = 0;
    read_line("/proc/cpuinfo", "model name", cpu, sizeof cpu);
    read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "", governor, sizeof governor);
    if (uname(&name) == 0) zoe__format(system, sizeof system, "%s %s %s", name.sysname, name.release, name.machine);
    if (getloadavg(&load, 1) != 1) load = -1;
    json_t *host = json_pack("{s:s, s:s, s:i, s:I, s:s, s:s, s:f}", "version", ZOE_VERSION, "cpu", cpu, "cores",
                             (int)sysconf(_SC_NPROCESSORS_ONLN), "memory_bytes",
                             (json_int_t)sysconf(_SC_PHYS_PAGES) * (json_int_t)sysconf(_SC_PAGESIZE), "system", system,
                             "governor", governor, "load", load);
    if (host) zoe__sensors_add(host);
    return host;
}

/* Of what was measured of this device and stands for its choices; null: nothing. */
static json_t *tuning_hash(const zoe_device *device)
{
    const zoe__tune_hook *own = zoe__device_own_tuning(device);
    json_t *rows = own ? zoe__tune_table_json(zoe__tuning_table(own)) : NULL;
    const bool any = json_array_size(json_object_get(rows, "rows")) > 0;
    char *text =
             any ? json_dumps(json_object_get(rows, "rows"), JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(15))
                 : NULL,
         hex[65];
    zoe__sha256 sha;
    uint8_t digest[32];
    if (text) {
        zoe__sha256_start(&sha);
        zoe__sha256_add(&sha, text, strlen(text));
        zoe__sha256_end(&sha, digest);
        zoe__sha256_hex(digest, hex);
    }
    json_t *out = text ? json_string(hex) : json_null();
    free(text);
    json_decref(rows);
    return out;
}

json_t *zoe__bench_device(const zoe_device *device)
{
    const zoe_device_info *d = zoe_device_get_info(device);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:I, s:o}", "id", d->id, "name", d->name,
                     "platform", d->platform, "driver", d->driver, "version", d->version, "type",
                     d->is_cpu   ? "cpu"
                     : d->is_gpu ? "gpu"
                                 : "other",
                     "family", zoe_family_name(d->family), "storage", d->half ? "fp16" : "fp32", "compute_units",
                     (int)d->compute_units, "lanes", (int)d->lanes, "memory_bytes", (json_int_t)d->global_mem_bytes,
                     "tuning_sha256", tuning_hash(device));
}

zoe_status zoe__bench_is_quiet(zoe_context *context)
{
    const double most = 0.5;
    double load = 0;
    const double events = zoe__throttle_events();
    const struct timespec pause = {.tv_nsec = 300000000};
    nanosleep(&pause, NULL);
    ZOE_FAIL_IF(context, zoe__throttle_events() > events, ZOE_CONFIG,
                "--strict: the processor is being throttled: %.0f events before, more 0.3 s later", events);
    ZOE_FAIL_IF(context, getloadavg(&load, 1) == 1 && load > most, ZOE_CONFIG,
                "--strict: the load is %.2f, at most %.1f: other programs run", load, most);
    return ZOE_OK;
}
