/* SPDX-License-Identifier: Apache-2.0
 *
 * What Linux tells of a machine's state in /sys and /proc: temperatures, clocks, throttling, memory errors, battery.
 * What it does not tell is null, with the reason. */
#include "bench/sensors.h"

#include <errno.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"

bool zoe__sys_path(char *out, size_t size, const char *path)
{
#if ZOE_TEST_HOOKS
    const char *root = getenv("ZOE_SYS");
    if (root) return zoe__format(out, size, "%s%s", root, path + strlen("/sys"));
#endif
    return zoe__format(out, size, "%s", path);
}

bool zoe__sys_text(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "r");
    out[0] = '\0';
    if (!file) return false;
    const bool read = fgets(out, (int)size, file) != NULL;
    fclose(file);
    out[strcspn(out, "\n")] = '\0';
    return read;
}

/* ---- many files, one number ---- */

typedef enum join { SUM, MOST, MEAN } join;

typedef struct sensor {
    const char *key, *pattern, *or_pattern; /* of files in /sys with a number each */
    double unit;                            /* of the number in that of the key */
    join join;
    const char *none; /* the reason where there is no such file */
} sensor;

/* clang-format off */
static const sensor sensors[] = {
    {"temperature_C", "/sys/class/hwmon/hwmon*/temp*_input", "/sys/class/thermal/thermal_zone*/temp", 1e-3, MOST,
     "no sensor in /sys/class/hwmon and /sys/class/thermal"},
    {"clock_MHz", "/sys/devices/system/cpu/cpu*/cpufreq/scaling_cur_freq", NULL, 1e-3, MEAN,
     "no cpufreq in /sys/devices/system/cpu"},
    {"throttled", "/sys/devices/system/cpu/cpu*/thermal_throttle/core_throttle_count",
     "/sys/devices/system/cpu/cpu*/thermal_throttle/package_throttle_count", 1, SUM,
     "no thermal_throttle in /sys/devices/system/cpu"},
    {"ecc_errors", "/sys/devices/system/edac/mc/mc*/ce_count", NULL, 1, SUM,
     "no memory controller in /sys/devices/system/edac: no ECC, or no driver"},
    {"gpu_temperature_C", "/sys/class/drm/card*/device/hwmon/hwmon*/temp1_input", NULL, 1e-3, MOST,
     "no card shows one in hwmon"},
    {"gpu_clock_MHz", "/sys/class/drm/card*/device/hwmon/hwmon*/freq1_input", NULL, 1e-6, MOST,
     "no card shows one in hwmon"},
};
/* clang-format on */

/* False: no file could be read. *reason: why. */
static bool read_all(const sensor *s, const char *pattern, double *value, const char **reason)
{
    glob_t found = {0};
    char path[256], text[64];
    size_t count = 0;
    *value = 0;
    *reason = s->none;
    if (!pattern || !zoe__sys_path(path, sizeof path, pattern) || glob(path, 0, NULL, &found) != 0) {
        globfree(&found);
        return false;
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        errno = 0;
        if (!zoe__sys_text(found.gl_pathv[i], text, sizeof text)) {
            *reason = errno == EACCES ? "no permission to read it" : "it cannot be read";
            continue;
        }
        const double one = strtod(text, NULL) * s->unit;
        *value = s->join == MOST && count ? fmax(*value, one) : s->join == MOST ? one : *value + one;
        count++;
    }
    if (s->join == MEAN && count) *value /= (double)count;
    globfree(&found);
    return count > 0;
}

static bool read_sensor(const sensor *s, double *value, const char **reason)
{
    const char *other;
    return read_all(s, s->pattern, value, reason) || read_all(s, s->or_pattern, value, &other);
}

/* ---- battery ---- */

/* "Discharging", "Charging", "Full", ..; *reason where there is none. */
static bool read_battery(char *state, size_t size, const char **reason)
{
    glob_t found = {0};
    char path[256], text[64];
    bool any = false;
    *reason = "no battery in /sys/class/power_supply";
    if (!zoe__sys_path(path, sizeof path, "/sys/class/power_supply/*/type") || glob(path, 0, NULL, &found) != 0)
        found.gl_pathc = 0;
    for (size_t i = 0; !any && i < found.gl_pathc; i++) {
        const char *type = found.gl_pathv[i];
        if (!zoe__sys_text(type, text, sizeof text) || strcmp(text, "Battery")) continue;
        zoe__format(path, sizeof path, "%.*sstatus", (int)(strlen(type) - strlen("type")), type);
        any = zoe__sys_text(path, state, size);
        if (!any) *reason = "the battery does not tell its state";
    }
    globfree(&found);
    return any;
}

void zoe__sensors_add(json_t *host)
{
    json_t *not_known = json_object();
    char state[32];
    const char *reason;
    for (size_t i = 0; i < sizeof sensors / sizeof *sensors; i++) {
        double value;
        const bool known = read_sensor(&sensors[i], &value, &reason);
        json_object_set_new(host, sensors[i].key, known ? json_real(value) : json_null());
        if (!known) json_object_set_new(not_known, sensors[i].key, json_string(reason));
    }
    const bool battery = read_battery(state, sizeof state, &reason);
    json_object_set_new(host, "battery", battery ? json_string(state) : json_null());
    if (!battery) json_object_set_new(not_known, "battery", json_string(reason));
    json_object_set_new(host, "not_known", not_known);
}

double zoe__throttle_events(void)
{
    double value;
    const char *reason;
    for (size_t i = 0; i < sizeof sensors / sizeof *sensors; i++)
        if (!strcmp(sensors[i].key, "throttled")) return read_sensor(&sensors[i], &value, &reason) ? value : 0;
    return 0;
}
