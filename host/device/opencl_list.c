/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks the ICD loader for every platform and device. A platform without a device is normal, and so is no loader at all.
 */
#include "device/opencl.h"

#include <CL/cl_ext.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Queries that older headers do not name. */
enum {
    DEVICE_MAX_NUM_SUB_GROUPS = 0x105C,
    NV_PCI_BUS_ID = 0x4008,
    NV_PCI_SLOT_ID = 0x4009,
    NV_PCI_DOMAIN_ID = 0x400A,
    AMD_TOPOLOGY_PCIE = 1
};

/* Drivers start at the first enumeration, and not all of them do that safely from two threads. */
static pthread_mutex_t enumeration = PTHREAD_MUTEX_INITIALIZER;

/* Which id and rank a platform's devices get. The first row that fits; the last fits all. */
static const struct platform_row {
    const char *name; /* part of the platform's name */
    const char *cpu, *other;
    int cpu_rank;
} platform_rows[] = {
    {"Portable Computing Language", "pocl", "pocl", ZOE__RANK_POCL},
    {"Intel", "intel-cpu", "intel-gpu", ZOE__RANK_INTEL_CPU},
    {"rusticl", "rusticl", "rusticl", ZOE__RANK_CPU},
    {"Clover", "clover", "clover", ZOE__RANK_CPU},
    {"NVIDIA", "nvidia", "nvidia", ZOE__RANK_CPU},
    {"AMD", "amd-cpu", "amd", ZOE__RANK_CPU},
    {"Oclgrind", "oclgrind", "oclgrind", ZOE__RANK_CPU},
    {"", NULL, NULL, ZOE__RANK_CPU}, /* a slug of the name */
};

static const struct platform_row *platform_row(const char *platform)
{
    const struct platform_row *row = platform_rows;
    while (!strstr(platform, row->name)) row++;
    return row;
}

/* "Some Platform (TM)" to "some-platform-tm". */
static void slug(char *out, size_t size, const char *text)
{
    size_t n = 0;
    for (; *text && n + 1 < size; text++) {
        const char c = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            out[n++] = c;
        else if (n && out[n - 1] != '-')
            out[n++] = '-';
    }
    while (n && out[n - 1] == '-') n--;
    out[n] = '\0';
    if (!n) zoe__format(out, size, "opencl");
}

/* Cuts leading and trailing blanks of the driver's text; "" when the driver has no answer. */
static void copy_trimmed(char *out, size_t size, char *text)
{
    text += strspn(text, " \t\n");
    size_t n = strlen(text);
    while (n && strchr(" \t\n", text[n - 1])) n--;
    text[n] = '\0';
    zoe__format(out, size, "%s", text);
}

/* Notes in *code the first failure of a query that every driver must answer. */
static char *device_text(cl_device_id device, cl_device_info what, cl_int *code)
{
    size_t size = 0;
    cl_int now = clGetDeviceInfo(device, what, 0, NULL, &size);
    char *text = now == CL_SUCCESS && size ? calloc(size + 1, 1) : NULL;
    if (text) now = clGetDeviceInfo(device, what, size, text, NULL);
    if (text && now != CL_SUCCESS) text[0] = '\0';
    if (*code == CL_SUCCESS) *code = now;
    return text;
}

static void get_device_text(char *out, size_t size, cl_device_id device, cl_device_info what, cl_int *code)
{
    char *text = device_text(device, what, code);
    out[0] = '\0';
    if (text) copy_trimmed(out, size, text);
    free(text);
}

static void get_platform_text(char *out, size_t size, cl_platform_id platform, cl_platform_info what, cl_int *code)
{
    size_t needed = 0;
    out[0] = '\0';
    cl_int now = clGetPlatformInfo(platform, what, 0, NULL, &needed);
    char *text = now == CL_SUCCESS && needed ? calloc(needed + 1, 1) : NULL;
    if (text) now = clGetPlatformInfo(platform, what, needed, text, NULL);
    if (text && now == CL_SUCCESS) copy_trimmed(out, size, text);
    if (*code == CL_SUCCESS) *code = now;
    free(text);
}

static uint64_t device_number(cl_device_id device, cl_device_info what, cl_int *code)
{
    uint64_t number = 0;
    unsigned char bytes[8] = {0};
    size_t size = 0;
    const cl_int now = clGetDeviceInfo(device, what, sizeof bytes, bytes, &size);
    if (*code == CL_SUCCESS) *code = now;
    if (now != CL_SUCCESS) return 0;
    if (size == 4) {
        uint32_t small;
        memcpy(&small, bytes, sizeof small);
        number = small;
    } else if (size == 8) {
        memcpy(&number, bytes, sizeof number);
    }
    return number;
}

/* A whole word of the extension list. */
static bool has_word(const char *list, const char *word)
{
    const size_t n = strlen(word);
    for (const char *at = list ? strstr(list, word) : NULL; at; at = strstr(at + n, word))
        if ((at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0')) return true;
    return false;
}

static void get_uuid(char *out, size_t size, cl_device_id device, const char *extensions)
{
    cl_uchar uuid[CL_UUID_SIZE_KHR] = {0};
    bool any = false;
    out[0] = '\0';
    if (!has_word(extensions, "cl_khr_device_uuid")) return;
    if (clGetDeviceInfo(device, CL_DEVICE_UUID_KHR, sizeof uuid, uuid, NULL) != CL_SUCCESS) return;
    for (size_t i = 0; i < sizeof uuid; i++) any = any || uuid[i];
    for (size_t i = 0; any && i < sizeof uuid; i++) zoe__format(out + 2 * i, size - 2 * i, "%02x", uuid[i]);
}

static void get_pci(char *out, size_t size, cl_device_id device, const char *extensions)
{
    unsigned domain = 0, bus = 0, slot = 0, function = 0;
    cl_int ignored = CL_SUCCESS;
    out[0] = '\0';
    if (has_word(extensions, "cl_khr_pci_bus_info")) {
        cl_device_pci_bus_info_khr pci = {0};
        if (clGetDeviceInfo(device, CL_DEVICE_PCI_BUS_INFO_KHR, sizeof pci, &pci, NULL) != CL_SUCCESS) return;
        domain = pci.pci_domain, bus = pci.pci_bus, slot = pci.pci_device, function = pci.pci_function;
    } else if (has_word(extensions, "cl_nv_device_attribute_query")) {
        domain = (unsigned)device_number(device, NV_PCI_DOMAIN_ID, &ignored);
        bus = (unsigned)device_number(device, NV_PCI_BUS_ID, &ignored);
        const unsigned both = (unsigned)device_number(device, NV_PCI_SLOT_ID, &ignored);
        slot = both >> 3, function = both & 7;
    } else if (has_word(extensions, "cl_amd_device_attribute_query")) {
        struct {
            cl_uint type;
            cl_uchar unused[17], bus, device, function;
        } topology = {0};
        if (clGetDeviceInfo(device, CL_DEVICE_TOPOLOGY_AMD, sizeof topology, &topology, NULL) != CL_SUCCESS) return;
        if (topology.type != AMD_TOPOLOGY_PCIE) return;
        bus = topology.bus, slot = topology.device, function = topology.function;
    } else {
        return;
    }
    zoe__format(out, size, "%04x:%02x:%02x.%x", domain, bus, slot, function);
}

static void get_numbers(zoe_device_info *info, cl_device_id device, cl_int *code)
{
    info->compute_units = (uint32_t)device_number(device, CL_DEVICE_MAX_COMPUTE_UNITS, code);
    info->clock_mhz = (uint32_t)device_number(device, CL_DEVICE_MAX_CLOCK_FREQUENCY, code);
    info->global_mem_bytes = device_number(device, CL_DEVICE_GLOBAL_MEM_SIZE, code);
    info->max_alloc_bytes = device_number(device, CL_DEVICE_MAX_MEM_ALLOC_SIZE, code);
    info->local_mem_bytes = device_number(device, CL_DEVICE_LOCAL_MEM_SIZE, code);
    const uint32_t preferred = (uint32_t)device_number(device, CL_DEVICE_PREFERRED_VECTOR_WIDTH_FLOAT, code);
    const uint32_t native = (uint32_t)device_number(device, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, code);
    info->vector_width = preferred > native ? preferred : native; /* Intel's CPU runtime prefers 1 and has 16 */
    info->max_work_group = (uint32_t)device_number(device, CL_DEVICE_MAX_WORK_GROUP_SIZE, code);
    const uint32_t align = (uint32_t)device_number(device, CL_DEVICE_MEM_BASE_ADDR_ALIGN, code) / 8;
    info->base_align = align > 64 ? align : 64;
    info->lanes = 8;
}

/* Where a compiler may choose (cl_intel_required_subgroup_size): the least, and whether 8 is among them. */
static void get_sub_groups(zoe_device_info *info, cl_device_id device, const char *extensions)
{
    enum { SUB_GROUP_SIZES_INTEL = 0x4108, ROOM = 16 };
    size_t sizes[ROOM], bytes = 0, least = 0;
    if (!has_word(extensions, "cl_intel_required_subgroup_size")) return;
    if (clGetDeviceInfo(device, SUB_GROUP_SIZES_INTEL, sizeof sizes, sizes, &bytes) != CL_SUCCESS) return;
    for (size_t i = 0; i < bytes / sizeof sizes[0]; i++) {
        if (!least || sizes[i] < least) least = sizes[i];
        if (sizes[i] == 8) info->sub_group_8 = has_word(extensions, "cl_intel_subgroups");
    }
    info->sub_group = (uint32_t)least;
}

int zoe__opencl_info(zoe_device_info *info, cl_platform_id platform, cl_device_id device)
{
    cl_int code = CL_SUCCESS, ignored = CL_SUCCESS;
    *info = (zoe_device_info){0};
    char *extensions = device_text(device, CL_DEVICE_EXTENSIONS, &code);
    get_device_text(info->name, sizeof info->name, device, CL_DEVICE_NAME, &code);
    get_device_text(info->vendor, sizeof info->vendor, device, CL_DEVICE_VENDOR, &code);
    get_device_text(info->driver, sizeof info->driver, device, CL_DRIVER_VERSION, &code);
    get_device_text(info->version, sizeof info->version, device, CL_DEVICE_VERSION, &code);
    get_platform_text(info->platform, sizeof info->platform, platform, CL_PLATFORM_NAME, &code);
    get_uuid(info->uuid, sizeof info->uuid, device, extensions);
    get_pci(info->pci, sizeof info->pci, device, extensions);
    get_numbers(info, device, &code);
    const uint64_t type = device_number(device, CL_DEVICE_TYPE, &code);
    info->is_gpu = type & CL_DEVICE_TYPE_GPU;
    info->is_cpu = (type & CL_DEVICE_TYPE_CPU) && !info->is_gpu;
    info->fp16 = has_word(extensions, "cl_khr_fp16");
    info->fp64 = has_word(extensions, "cl_khr_fp64") || device_number(device, CL_DEVICE_DOUBLE_FP_CONFIG, &ignored);
    info->subgroups = has_word(extensions, "cl_khr_subgroups") || has_word(extensions, "cl_intel_subgroups") ||
                      device_number(device, DEVICE_MAX_NUM_SUB_GROUPS, &ignored);
    get_sub_groups(info, device, extensions);
    info->family = info->is_cpu ? ZOE_FAMILY_VECTOR : ZOE_FAMILY_SIMT;
    free(extensions);
    return code;
}

static int rank_of(const zoe__device_entry *entry, const struct platform_row *row)
{
    if (entry->quirks & ZOE__QUIRK_BY_NAME) return ZOE__RANK_BY_NAME;
    return entry->info.is_cpu ? row->cpu_rank : ZOE__RANK_GPU;
}

/* "slug:K", K counting the entries of that slug so far. */
static void set_id(zoe__device_entry *entries, size_t index, const struct platform_row *row)
{
    zoe_device_info *info = &entries[index].info;
    char base[48];
    const char *fixed = info->is_cpu ? row->cpu : row->other;
    if (fixed)
        zoe__format(base, sizeof base, "%s", fixed);
    else
        slug(base, sizeof base, info->platform);
    const size_t n = strlen(base);
    unsigned number = 0;
    for (size_t i = 0; i < index; i++)
        if (!strncmp(entries[i].info.id, base, n) && entries[i].info.id[n] == ':') number++;
    zoe__format(info->id, sizeof info->id, "%s:%u", base, number);
}

/* False: the driver does not answer, and the entry is none. */
static bool add_device(zoe__device_entry *entries, size_t index, cl_platform_id platform, cl_device_id device,
                       cl_int *code)
{
    zoe__device_entry *entry = &entries[index];
    *code = zoe__opencl_info(&entry->info, platform, device);
    if (*code != CL_SUCCESS) return false;
    entry->platform = platform;
    entry->device = device;
    entry->quirks = zoe__quirk_flags(entry->info.platform, entry->info.name, entry->info.driver);
    if (entry->quirks & ZOE__QUIRK_SIMT) entry->info.family = ZOE_FAMILY_SIMT;
    const struct platform_row *row = platform_row(entry->info.platform);
    set_id(entries, index, row);
    entry->rank = rank_of(entry, row);
    return true;
}

/* A device that does not answer is left out. Where it is the only one, that must not pass for "there is none". */
typedef struct listing {
    zoe_context *context;
    zoe__device_entry *entries;
    size_t capacity, count;
    cl_int broken; /* the code of a failed query; CL_SUCCESS = none failed */
} listing;

static void leave_out(listing *l, cl_platform_id platform, cl_int code)
{
    char name[128];
    cl_int ignored = CL_SUCCESS;
    get_platform_text(name, sizeof name, platform, CL_PLATFORM_NAME, &ignored);
    zoe__log(l->context, ZOE_LOG_WARN, "a device of platform '%s' is left out, it does not answer: %s", name,
             zoe__cl_error_name(code));
    l->broken = code;
}

/* Adds the usable devices of one platform: those that are there and can compile. */
static zoe_status list_platform(listing *l, cl_platform_id platform)
{
    cl_uint n = 0;
    cl_int code = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &n);
    if (code == CL_DEVICE_NOT_FOUND || (code == CL_SUCCESS && !n)) {
        char name[128];
        get_platform_text(name, sizeof name, platform, CL_PLATFORM_NAME, &code);
        zoe__log(l->context, ZOE_LOG_DEBUG, "platform '%s' has no device", name);
        return ZOE_OK;
    }
    cl_device_id *devices = NULL;
    ZOE_TRY(zoe__calloc(l->context, &devices, n + 1, sizeof *devices));
    zoe_status status = ZOE_OK;
    if (code == CL_SUCCESS) code = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, n, devices, NULL);
    if (code != CL_SUCCESS) leave_out(l, platform, code);
    for (cl_uint i = 0; i < n && code == CL_SUCCESS && status == ZOE_OK; i++) {
        cl_int answer = CL_SUCCESS;
        const bool usable = device_number(devices[i], CL_DEVICE_AVAILABLE, &answer) &&
                            device_number(devices[i], CL_DEVICE_COMPILER_AVAILABLE, &answer);
        if (usable) status = zoe__grow(l->context, &l->entries, &l->capacity, l->count + 1, sizeof *l->entries);
        if (usable && status == ZOE_OK && add_device(l->entries, l->count, platform, devices[i], &answer)) l->count++;
        if (answer != CL_SUCCESS) leave_out(l, platform, answer);
    }
    free(devices);
    return status;
}

static zoe_status list_all(listing *l)
{
    cl_uint n = 0;
    zoe__quirk_environment();
    const cl_int code = clGetPlatformIDs(0, NULL, &n);
    if (code != CL_SUCCESS || !n) { /* CL_PLATFORM_NOT_FOUND_KHR: the loader knows no driver */
        zoe__log(l->context, ZOE_LOG_DEBUG, "no OpenCL platform: %s", zoe__cl_error_name(code));
        return ZOE_OK;
    }
    cl_platform_id *platforms = NULL;
    ZOE_TRY(zoe__calloc(l->context, &platforms, n, sizeof *platforms));
    zoe_status status = ZOE_OK;
    if (clGetPlatformIDs(n, platforms, NULL) != CL_SUCCESS) n = 0;
    for (cl_uint i = 0; i < n && status == ZOE_OK; i++) status = list_platform(l, platforms[i]);
    free(platforms);
    ZOE_TRY(status);
    ZOE_FAIL_IF(l->context, !l->count && l->broken != CL_SUCCESS, ZOE_DEVICE,
                "the only OpenCL device does not answer: %s (the device 'host' needs none)",
                zoe__cl_error_name(l->broken));
    return ZOE_OK;
}

zoe_status zoe__opencl_list(zoe_context *context, zoe__device_entry **entries, size_t *count)
{
    listing l = {.context = context, .broken = CL_SUCCESS};
    pthread_mutex_lock(&enumeration);
    const zoe_status status = list_all(&l);
    pthread_mutex_unlock(&enumeration);
    if (status != ZOE_OK) free(l.entries);
    *entries = status == ZOE_OK ? l.entries : NULL;
    *count = status == ZOE_OK ? l.count : 0;
    return status;
}
