/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of devices: order of preference, aliases, and what a name means. Knows no OpenCL, so tests drive it with
 * made-up machines. */
#include "device/internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool same_device(const zoe_device_info *a, const zoe_device_info *b)
{
    const bool uuid = a->uuid[0] && !strcmp(a->uuid, b->uuid);
    const bool pci = a->pci[0] && !strcmp(a->pci, b->pci);
    return (uuid || pci) && !strcmp(a->driver, b->driver) && a->is_cpu == b->is_cpu;
}

/* One platform may show two equal devices (PoCL does when asked); only another platform's is an alias. */
static void mark_aliases(zoe__device_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++) {
            const zoe_device_info *first = &entries[j].info;
            if (entries[i].platform == entries[j].platform || first->alias_of[0]) continue;
            if (!same_device(&entries[i].info, first)) continue;
            zoe__format(entries[i].info.alias_of, sizeof entries[i].info.alias_of, "%s", first->id);
            break;
        }
}

void zoe__device_order(zoe__device_entry *entries, size_t count)
{
    for (size_t i = 1; i < count; i++) { /* insertion: stable, and there are few */
        const zoe__device_entry moved = entries[i];
        size_t j = i;
        for (; j > 0 && entries[j - 1].rank > moved.rank; j--) entries[j] = entries[j - 1];
        entries[j] = moved;
    }
    mark_aliases(entries, count);
}

zoe_status zoe__device_entries(zoe_context *context, zoe__device_entry **entries, size_t *count)
{
    zoe__device_entry *found = NULL;
    size_t n = 0;
    zoe_status status = zoe__opencl_list(context, &found, &n);
    if (status == ZOE_OK) status = zoe__calloc(context, entries, n + 1, sizeof **entries);
    if (status == ZOE_OK) {
        if (n) memcpy(*entries, found, n * sizeof *found);
        zoe__host_info(&(*entries)[n].info);
        (*entries)[n].rank = ZOE__RANK_HOST;
        *count = n + 1;
        zoe__device_order(*entries, *count);
    }
    free(found);
    return status;
}

zoe_status zoe_device_list(zoe_context *context, zoe_device_info **out, size_t *count)
{
    zoe__device_entry *entries = NULL;
    *out = NULL;
    *count = 0;
    ZOE_TRY(zoe__device_entries(context, &entries, count));
    const zoe_status status = zoe__calloc(context, out, *count, sizeof **out);
    if (status == ZOE_OK)
        for (size_t i = 0; i < *count; i++) (*out)[i] = entries[i].info;
    else
        *count = 0;
    free(entries);
    return status;
}

bool zoe__device_split_name(const char *name, char *base, size_t size, unsigned *part, unsigned *parts)
{
    *part = 0;
    *parts = 1;
    const char *slash = strrchr(name, '/');
    char *end = NULL;
    if (slash && isdigit((unsigned char)slash[1])) {
        const unsigned long k = strtoul(slash + 1, &end, 10);
        unsigned long n = 2;
        if (!strncmp(end, "of", 2) && isdigit((unsigned char)end[2])) n = strtoul(end + 2, &end, 10);
        if (!*end && k < n && n <= 1024) {
            *part = (unsigned)k;
            *parts = (unsigned)n;
            return zoe__format(base, size, "%.*s", (int)(slash - name), name);
        }
    }
    return zoe__format(base, size, "%s", name);
}

/* strcasestr(), which C does not have. */
static bool contains(const char *text, const char *part)
{
    for (; *text; text++) {
        size_t i = 0;
        while (part[i] && tolower((unsigned char)text[i]) == tolower((unsigned char)part[i])) i++;
        if (!part[i]) return true;
    }
    return false;
}

/* How well a name fits, best first; NO_FIT: not at all. An id beats a part of one ("intel" is intel-cpu:0, though
 * PoCL's device may be called "... Intel Xeon ..."). */
enum { FIT_ID, FIT_ADDRESS, FIT_ID_PART, FIT_NAME, FIT_PLATFORM, FIT_VENDOR, NO_FIT };

static int fit(const zoe_device_info *info, const char *name)
{
    if (!strcmp(info->id, name)) return FIT_ID;
    if (!strcmp(info->pci, name) || !strcmp(info->uuid, name)) return FIT_ADDRESS;
    if (info->family == ZOE_FAMILY_HOST) return NO_FIT; /* its processor's name is that of a real device too */
    if (contains(info->id, name)) return FIT_ID_PART;
    if (contains(info->name, name)) return FIT_NAME;
    if (contains(info->platform, name)) return FIT_PLATFORM;
    return contains(info->vendor, name) ? FIT_VENDOR : NO_FIT;
}

/* "cpu" and "gpu" never mean the host, nor what is used only by name. */
static size_t first_of_kind(const zoe__device_entry *entries, size_t count, const char *kind)
{
    const bool gpu = !strcmp(kind, "gpu");
    for (size_t i = 0; i < count && entries[i].rank < ZOE__RANK_HOST; i++)
        if (gpu ? entries[i].info.is_gpu : entries[i].info.is_cpu) return i;
    return count;
}

static zoe_status no_such_device(zoe_context *context, const zoe__device_entry *entries, size_t count, const char *name)
{
    ZOE_FAIL_IF(
        context, count <= 1, ZOE_DEVICE,
        "no OpenCL device found (wanted '%s'); PoCL makes one of any processor: apt-get install pocl-opencl-icd", name);
    char list[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < count && used < sizeof list; i++) {
        zoe__format(list + used, sizeof list - used, "%s%s", i ? ", " : "", entries[i].info.id);
        used += strlen(list + used);
    }
    return zoe__fail(context, ZOE_DEVICE, "no device '%s'; there are: %s", name, list);
}

zoe_status zoe__device_select(zoe_context *context, const zoe__device_entry *entries, size_t count, const char *name,
                              size_t *index)
{
    *index = 0;
    if (!name || !name[0]) return ZOE_OK;
    if (!strcmp(name, "cpu") || !strcmp(name, "gpu")) {
        *index = first_of_kind(entries, count, name);
        return *index < count ? ZOE_OK : no_such_device(context, entries, count, name);
    }
    int best = NO_FIT, equals = 0;
    for (size_t i = 0; i < count; i++) {
        const int f = fit(&entries[i].info, name);
        if (f < best) {
            best = f;
            *index = i;
            equals = 0;
        } else if (f == best && f != NO_FIT) {
            equals++;
        }
    }
    if (best == NO_FIT) return no_such_device(context, entries, count, name);
    if (equals)
        zoe__log(context, ZOE_LOG_INFO, "'%s' fits %d devices; taking %s", name, equals + 1, entries[*index].info.id);
    return ZOE_OK;
}
