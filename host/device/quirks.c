/* SPDX-License-Identifier: Apache-2.0
 *
 * Driver faults and habits: the one file with names of vendors. A row says what was seen, where, and which test shows
 * it; everything else decides by capability. */
#include "device/internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

const zoe__quirk zoe__quirks[] = {
    {"Portable Computing Language", NULL, NULL, ZOE__QUIRK_OWN_CACHE,
     "PoCL 3.1 to 7.1: reading CL_PROGRAM_BINARIES compiles the program once more; it has a cache of its own",
     "cache: pocl_keeps_its_own_cache"},
    {"Portable Computing Language", NULL, NULL, ZOE__QUIRK_LAZY,
     "PoCL 3.1: a program costs 0.09 s whatever is in it, and 0.02 s when it is in PoCL's cache; a kernel costs "
     "nothing "
     "before its first launch",
     "graph compile: small_kernels_are_one_program"},
    {"NVIDIA CUDA", NULL, NULL, ZOE__QUIRK_OWN_CACHE,
     "all: the driver caches compiled programs by itself (~/.nv/ComputeCache)", "list: quirk_rows"},
    {"rusticl", NULL, NULL, ZOE__QUIRK_OWN_CACHE | ZOE__QUIRK_NO_HINTS,
     "Mesa 22.3: a foreign program binary ends the process, and so does llvm.prefetch, which its translator to SPIR-V "
     "does not know; Mesa has a shader cache of its own",
     "list: quirk_rows"},
    {"Oclgrind", NULL, NULL, ZOE__QUIRK_OWN_CACHE | ZOE__QUIRK_NO_HINTS,
     "21.10: a simulator; programs must come from source for its reports to name lines; no llvm.prefetch",
     "list: quirk_rows"},
    {NULL, "llvmpipe", NULL, ZOE__QUIRK_SIMT | ZOE__QUIRK_BY_NAME,
     "Mesa 22.3: says CPU, but a work-group of one with float8 takes 26 s for PoCL's 13 ms", "list: quirk_rows"},
    {"Clover", NULL, NULL, ZOE__QUIRK_BY_NAME, "Mesa 22.3: OpenCL 1.1 only, and wrong results are reported by others",
     "list: quirk_rows"},
};
const size_t zoe__quirk_count = sizeof zoe__quirks / sizeof zoe__quirks[0];

static bool matches(const char *part, const char *text)
{
    return !part || strstr(text, part);
}

unsigned zoe__quirk_flags(const char *platform, const char *device, const char *driver)
{
    unsigned flags = 0;
    for (size_t i = 0; i < zoe__quirk_count; i++) {
        const zoe__quirk *row = &zoe__quirks[i];
        if (matches(row->platform, platform) && matches(row->device, device) && matches(row->driver, driver))
            flags |= row->flags;
    }
    return flags;
}

/* PoCL 3.1 asks hwloc 2.9 for the machine, which reads /sys; where there is none (a bare chroot, some sandboxes) it
 * finds no memory and PoCL aborts the whole process. A description of the machine in the environment is taken instead.
 */
void zoe__quirk_environment(void)
{
    if (access("/sys/devices/system/cpu", F_OK) == 0) return;
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE),
               processors = sysconf(_SC_NPROCESSORS_ONLN);
    char machine[96];
    if (zoe__format(machine, sizeof machine, "numa:1(memory=%lld) pu:%ld", (long long)pages * page,
                    processors < 1 ? 1 : processors))
        setenv("HWLOC_SYNTHETIC", machine, 0);
}

/* PoCL: $POCL_CACHE_DIR, else $XDG_CACHE_HOME/pocl/kcache, else ~/.cache/pocl/kcache; POCL_KERNEL_CACHE=0: none. */
bool zoe__quirk_cache_id(const char *platform, char *text, size_t size)
{
    const char *off = zoe__environment("POCL_KERNEL_CACHE"), *folder = zoe__environment("POCL_CACHE_DIR");
    const char *xdg = zoe__environment("XDG_CACHE_HOME"), *home = zoe__environment("HOME");
    char path[4096];
    struct stat info = {0};
    if (!strstr(platform, "Portable Computing Language") || (off && !strcmp(off, "0"))) return false;
    const char *base = folder ? folder : xdg ? xdg : home ? home : "";
    const char *rest = folder ? "" : xdg ? "/pocl/kcache" : "/.cache/pocl/kcache";
    if (!zoe__format(path, sizeof path, "%s%s", base, rest) || stat(path, &info)) info = (struct stat){0};
    return zoe__format(text, size, "%llu %llu %lld", (unsigned long long)info.st_dev, (unsigned long long)info.st_ino,
                       (long long)info.st_uid);
}

/* PoCL 3.1 writes the preprocessed source (0.9 MiB with its own headers) into its cache for every program, compiled
 * before or not, and LLVM ends the process when a file-size limit cuts that short. */
zoe_status zoe__quirk_check_file_limit(zoe_context *context, const char *platform)
{
    enum { NEEDED = 2 << 20 };
    struct rlimit limit;
    if (!strstr(platform, "Portable Computing Language") || getrlimit(RLIMIT_FSIZE, &limit) < 0) return ZOE_OK;
    ZOE_FAIL_IF(context, limit.rlim_cur < NEEDED, ZOE_DISK,
                "PoCL's cache needs files of up to %d bytes, but the file-size limit is %llu (ulimit -f)", NEEDED,
                (unsigned long long)limit.rlim_cur);
    return ZOE_OK;
}
