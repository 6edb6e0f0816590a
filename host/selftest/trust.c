/* SPDX-License-Identifier: Apache-2.0 */
#include "selftest/trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/cache.h"
#include "device/internal.h"
#include "device/source.h"
#include "train/safe_file.h"

typedef struct verdict {
    char variant[ZOE__VARIANT];
    bool good;
    char *detail;
} verdict;

struct zoe__trust {
    zoe_device *device;
    bool test, breaking;
    char broken[ZOE__VARIANT];                      /* by ZOE_BREAK */
    char who[640];                                  /* device, driver, build: how lines of quarantine.txt begin */
    char good_path[ZOE__PATH], bad_path[ZOE__PATH]; /* "" = none */
    verdict *items;
    size_t count, capacity;
    bool changed;
};

static verdict *find(const zoe__trust *trust, const char *variant)
{
    for (size_t i = 0; trust && i < trust->count; i++)
        if (!strcmp(trust->items[i].variant, variant)) return &trust->items[i];
    return NULL;
}

static zoe_status set(zoe__trust *trust, const char *variant, bool good, const char *detail)
{
    zoe_context *context = trust->device->context;
    verdict *v = find(trust, variant);
    if (!v) {
        ZOE_TRY(zoe__grow(context, &trust->items, &trust->capacity, trust->count + 1, sizeof *trust->items));
        v = &trust->items[trust->count++];
        *v = (verdict){.good = true};
        zoe__format(v->variant, sizeof v->variant, "%s", variant);
    }
    if (!v->good) return ZOE_OK; /* once wrong, always wrong */
    v->good = good;
    free(v->detail);
    v->detail = NULL;
    return detail ? zoe__strdup(context, &v->detail, detail) : ZOE_OK;
}

/* ---- files ---- */

/* Calls take(trust, line) for each line that is no comment; a file that is not there has none. */
static void each_line(const char *path, zoe__trust *trust, void (*take)(zoe__trust *trust, char *line))
{
    enum { MOST = 1 << 16 };
    char line[4096];
    FILE *file = path[0] ? fopen(path, "r") : NULL;
    for (int i = 0; file && i < MOST && fgets(line, sizeof line, file); i++) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] && line[0] != '#') take(trust, line);
    }
    if (file) fclose(file);
}

static void take_good(zoe__trust *trust, char *line)
{
    if (strlen(line) < ZOE__VARIANT) set(trust, line, true, NULL);
}

/* "WHO<tab>VARIANT<tab>detail" */
static void take_bad(zoe__trust *trust, char *line)
{
    const size_t length = strlen(trust->who);
    if (strncmp(line, trust->who, length) || line[length] != '\t') return;
    char *variant = line + length + 1, *detail = strchr(variant, '\t');
    if (detail) *detail++ = '\0';
    if (strlen(variant) < ZOE__VARIANT) set(trust, variant, false, detail ? detail : "");
}

/* Device, driver and build, and the paths that follow from them. */
static zoe_status find_files(zoe__trust *trust)
{
    const zoe_device_info *info = &trust->device->info;
    char build[64], key[65], *folder = NULL;
    zoe__build_id(build);
    zoe__format(trust->who, sizeof trust->who, "%s, %s, %s, %s, %u lanes%s, build %s", info->platform, info->name,
                info->driver, zoe_family_name(info->family), info->lanes, info->half ? ", fp16" : "", build);
    for (char *c = trust->who; *c; c++)
        if (*c == '\t' || *c == '\n') *c = ' ';
    if (trust->breaking) return ZOE_OK;
    ZOE_TRY(zoe__cache_folder(&folder, trust->device->context));
    zoe__cache_key(key, (const char *const[]){"selftest", trust->who, NULL});
    if (folder && (!zoe__format(trust->good_path, sizeof trust->good_path, "%s/selftest-%.16s.txt", folder, key) ||
                   !zoe__format(trust->bad_path, sizeof trust->bad_path, "%s/quarantine.txt", folder)))
        trust->good_path[0] = trust->bad_path[0] = '\0';
    free(folder);
    return ZOE_OK;
}

zoe_status zoe__trust_open(zoe__trust **out, zoe_device *device, bool test)
{
    zoe__trust *trust = NULL;
    *out = NULL;
    if (zoe__device_is_host(device)) return ZOE_OK;
    ZOE_TRY(zoe__calloc(device->context, &trust, 1, sizeof *trust));
    *out = trust;
    trust->device = device;
    trust->test = test;
#if ZOE_TEST_HOOKS
    const char *broken = zoe__environment("ZOE_BREAK");
    if (broken && zoe__format(trust->broken, sizeof trust->broken, "%s", broken)) {
        trust->breaking = true;
        zoe__log(device->context, ZOE_LOG_WARN, "ZOE_BREAK: kernels of %s write wrong numbers, as a test", broken);
    }
#endif
    ZOE_TRY(find_files(trust));
    each_line(trust->good_path, trust, take_good);
    each_line(trust->bad_path, trust, take_bad);
    return ZOE_OK;
}

void zoe__trust_forget(zoe__trust *trust)
{
    for (size_t i = 0; i < trust->count; i++) free(trust->items[i].detail);
    trust->count = 0;
    trust->changed = false;
}

void zoe__trust_close(zoe__trust **trust)
{
    if (!*trust) return;
    zoe__trust_forget(*trust);
    free((*trust)->items);
    free(*trust);
    *trust = NULL;
}

bool zoe__trust_is_bad(const zoe_device *device, const char *variant)
{
    const verdict *v = find(device->trust, variant);
    return v && !v->good;
}

bool zoe__trust_is_known(const zoe_device *device, const char *variant)
{
    return find(device->trust, variant) != NULL;
}

bool zoe__trust_tests(const zoe_device *device)
{
    return device->trust && device->trust->test;
}

void zoe__trust_set_testing(zoe_device *device, bool test)
{
    if (device->trust) device->trust->test = test;
}

const char *zoe__trust_bad_at(const zoe__trust *trust, size_t index)
{
    for (size_t i = 0; i < trust->count; i++)
        if (!trust->items[i].good && index-- == 0) return trust->items[i].variant;
    return NULL;
}

zoe_status zoe__trust_note(zoe__trust *trust, const char *variant, bool good, const char *detail)
{
    trust->changed = true;
    return set(trust, variant, good, detail);
}

const char *zoe__trust_quarantine(const zoe__trust *trust)
{
    return trust->bad_path;
}

/* ---- writing ---- */

/* What quarantine.txt says of other devices, drivers and builds stays. */
static void copy_others(const char *path, const char *who, FILE *out)
{
    char line[4096];
    FILE *in = fopen(path, "r");
    const size_t length = strlen(who);
    while (in && fgets(line, sizeof line, in))
        if (line[0] != '#' && (strncmp(line, who, length) || line[length] != '\t')) fputs(line, out);
    if (in) fclose(in);
}

static void write_bad(const zoe__trust *trust, FILE *out)
{
    fputs("# Kernels that gave wrong numbers in the self-test: device, driver and build; variant; what was seen.\n"
          "# Other kernels take their place. Delete a line to have its variant tested again.\n",
          out);
    copy_others(trust->bad_path, trust->who, out);
    for (size_t i = 0; i < trust->count; i++)
        if (!trust->items[i].good)
            fprintf(out, "%s\t%s\t%s\n", trust->who, trust->items[i].variant,
                    trust->items[i].detail ? trust->items[i].detail : "");
}

static void write_good(const zoe__trust *trust, FILE *out)
{
    fprintf(out, "# %s: these variants passed the self-test\n", trust->who);
    for (size_t i = 0; i < trust->count; i++)
        if (trust->items[i].good) fprintf(out, "%s\n", trust->items[i].variant);
}

static void write_file(const zoe__trust *trust, const char *path, void (*fill)(const zoe__trust *trust, FILE *out))
{
    zoe_context *context = trust->device->context;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (!out) return;
    fill(trust, out);
    if (!fclose(out) && zoe__cache_make_folder_of(path) && zoe__safe_write_text(context, path, text) != ZOE_OK) {
        zoe__log(context, ZOE_LOG_DEBUG, "%s not written: %s", path, zoe_context_error(context));
        zoe_context_clear(context);
    }
    free(text);
}

zoe_status zoe__trust_save(zoe__trust *trust)
{
    if (!trust || !trust->changed || !trust->good_path[0]) return ZOE_OK;
    bool bad = false;
    FILE *before = fopen(trust->bad_path, "r"); /* a file that is there is brought up to date */
    for (size_t i = 0; i < trust->count; i++) bad = bad || !trust->items[i].good;
    if (bad || before) write_file(trust, trust->bad_path, write_bad);
    if (before) fclose(before);
    write_file(trust, trust->good_path, write_good);
    trust->changed = false;
    return ZOE_OK;
}

/* ---- ZOE_BREAK ---- */

zoe_status zoe__break(zoe_plan *plan, const zoe__node *node, const char *variant, zoe__mem *mem, size_t count,
                      size_t bytes)
{
    enum { EACH = 4096 };
    const zoe__trust *trust = zoe__plan_device(plan)->trust;
    if (!trust || !trust->breaking || !mem || strcmp(trust->broken, variant)) return ZOE_OK;
    const zoe__launch_spec spec = {.program = "break",
                                   .kernel = bytes == sizeof(float) ? "break_floats" : "break_halves",
                                   .dims = 1,
                                   .global = {(count + EACH - 1) / EACH},
                                   .bytes = 1};
    return zoe__plan_launch(plan, node, &spec, "mii", mem, (int)count, EACH);
}
