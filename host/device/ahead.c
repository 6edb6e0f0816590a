/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of what to compile, what is remembered of earlier lists, and the children. Knows no OpenCL. */
#include "device/ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device/cache.h"
#include "device/internal.h"
#include "device/source.h"

extern char **environ;

enum {
    LINE = 4096,
    MOST_COMPILERS = 4, /* each takes about 150 MB */
    WORTH = 4,          /* fewer kernels are compiled sooner than children have started */
    PATIENCE_MS = 60000 /* for one kernel */
};

typedef struct item {
    char *line;
    uint64_t hash;
    bool small; /* a kernel of a program without options: these come last */
    bool given; /* to a child */
} item;

struct zoe__ahead {
    bool open;
    char key[65]; /* of what is remembered */
    uint64_t *known;
    size_t known_count, known_capacity;
    item *items;
    size_t count, capacity;
};

typedef struct compiler {
    pid_t pid;
    int socket;
    size_t item; /* that it works on */
    bool busy;
} compiler;

static uint64_t hash_text(const char *text)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

/* ---- what is remembered: hashes of the lines that were compiled, for this driver, build and cache of the driver ----
 */

static bool make_key(const zoe_device *device, char key[65])
{
    char build[64], cache[160], kind[32];
    const zoe_device_info *info = &device->info;
    if (!zoe__quirk_cache_id(info->platform, cache, sizeof cache)) return false;
    zoe__build_id(build);
    zoe__format(kind, sizeof kind, "%s %u%s", zoe_family_name(info->family), info->lanes, info->half ? " fp16" : "");
    zoe__cache_key(key, (const char *const[]){"ahead", info->platform, info->version, info->driver, info->name, kind,
                                              build, cache, NULL});
    return true;
}

static void read_known(zoe_device *device)
{
    struct zoe__ahead *a = device->ahead;
    size_t bytes = 0;
    char *folder = NULL;
    if (zoe__cache_folder(&folder, device->context) != ZOE_OK) return;
    a->known = zoe__cache_read(device->context, folder, a->key, "ahead", &bytes);
    a->known_count = a->known_capacity = a->known ? bytes / sizeof *a->known : 0;
    free(folder);
}

static void write_known(zoe_device *device)
{
    struct zoe__ahead *a = device->ahead;
    char *folder = NULL;
    /* The driver may have made its cache only now. */
    if (!make_key(device, a->key) || zoe__cache_folder(&folder, device->context) != ZOE_OK) return;
    zoe__cache_write(device->context, folder, a->key, "ahead", a->known, a->known_count * sizeof *a->known);
    free(folder);
}

static bool is_known(const struct zoe__ahead *a, uint64_t hash)
{
    for (size_t i = 0; i < a->known_count; i++)
        if (a->known[i] == hash) return true;
    for (size_t i = 0; i < a->count; i++)
        if (a->items[i].hash == hash) return true;
    return false;
}

/* ---- the list ---- */

static int most_compilers(void)
{
    const char *text = zoe__environment("ZOE_COMPILERS");
    cpu_set_t set;
    const int processors = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
    const int most = processors < MOST_COMPILERS ? processors : MOST_COMPILERS;
    const long wanted = text ? strtol(text, NULL, 10) : most;
    return wanted < 0 ? 0 : wanted < MOST_COMPILERS ? (int)wanted : MOST_COMPILERS;
}

bool zoe__ahead_begin(zoe_device *device)
{
    if (!(device->quirks & ZOE__QUIRK_LAZY) || !zoe__context_helper(device->context) || !most_compilers()) return false;
    if (device->ahead) {
        if (device->ahead->open) return false;
    } else {
        if (zoe__calloc(device->context, &device->ahead, 1, sizeof *device->ahead) != ZOE_OK) {
            zoe_context_clear(device->context);
            return false;
        }
        if (!make_key(device, device->ahead->key)) {
            zoe__ahead_free(device);
            return false;
        }
        read_known(device);
    }
    device->ahead->open = true;
    return true;
}

/* PoCL compiles a kernel for a size of work-groups, and for small and large numbers of work-items: one group is enough
 * to have it compiled, or so many that the number is large. */
static void shrink(const zoe__ahead_launch *l, size_t global[3], bool *large)
{
    enum { LARGE = 65536 };
    *large = false;
    for (int i = 0; i < 3; i++) {
        const size_t group = i < l->dims && l->local[i] ? l->local[i] : 1;
        const bool many = i < l->dims && l->global[i] >= LARGE - 1;
        global[i] = many ? zoe__round_up(LARGE, group) : group;
        *large = *large || many;
    }
}

void zoe__ahead_watch(zoe_device *device, zoe__ahead_watcher *watcher, void *user)
{
    device->watcher = watcher;
    device->watcher_user = user;
}

zoe_status zoe__ahead_note(zoe_device *device, const zoe__ahead_launch *l)
{
    struct zoe__ahead *a = device->ahead;
    char line[LINE];
    size_t g[3];
    bool large;
    if (device->watcher) device->watcher(device->watcher_user, l);
    if (!a || !a->open) return ZOE_OK;
    shrink(l, g, &large);
    const size_t *n = l->local;
    if (!zoe__format(line, sizeof line, "%s\t%s\t%s\t%d %zu %zu %zu\t%d", l->program, l->kernel, l->options, l->dims,
                     n[0], n[1], n[2], (int)large))
        return ZOE_OK;
    const uint64_t hash = hash_text(line);
    if (is_known(a, hash)) return ZOE_OK;
    if (!zoe__format(line, sizeof line, "%s\t%s\t%s\t%s\t%d\t%zu %zu %zu\t%zu %zu %zu\t%zu\n", l->program, l->kernel,
                     l->options, l->arguments, l->dims, g[0], g[1], g[2], n[0], n[1], n[2], l->bytes))
        return ZOE_OK;
    ZOE_TRY(zoe__grow(device->context, &a->items, &a->capacity, a->count + 1, sizeof *a->items));
    item *made = &a->items[a->count];
    *made = (item){.hash = hash, .small = !*l->options};
    ZOE_TRY(zoe__strdup(device->context, &made->line, line));
    a->count++;
    return ZOE_OK;
}

size_t zoe__ahead_count(const zoe_device *device)
{
    return device->ahead && device->ahead->open ? device->ahead->count : 0;
}

void zoe__ahead_cut(zoe_device *device, size_t count)
{
    struct zoe__ahead *a = device->ahead;
    while (a && a->open && a->count > count) free(a->items[--a->count].line);
}

void zoe__ahead_drop(zoe_device *device)
{
    zoe__ahead_cut(device, 0);
    if (device->ahead) device->ahead->open = false;
}

void zoe__ahead_free(zoe_device *device)
{
    if (!device->ahead) return;
    zoe__ahead_drop(device);
    free(device->ahead->items);
    free(device->ahead->known);
    free(device->ahead);
    device->ahead = NULL;
}

/* ---- children ---- */

static bool start(compiler *c, const zoe_device *device)
{
    char lanes[8];
    int ends[2];
    posix_spawn_file_actions_t actions;
    zoe__format(lanes, sizeof lanes, "%u", device->info.lanes);
    const char *const words[] = {zoe__context_helper(device->context),
                                 "devices",
                                 "--compiler",
                                 "--device",
                                 device->info.id,
                                 "--family",
                                 zoe_family_name(device->info.family),
                                 "--lanes",
                                 lanes,
                                 "--storage",
                                 device->info.half ? "fp16" : "fp32",
                                 NULL};
    *c = (compiler){.socket = -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) return false;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    if (!zoe__environment("ZOE_DEBUG")) posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    const bool started = !posix_spawn(&c->pid, words[0], &actions, NULL, (char *const *)words, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    c->socket = ends[0];
    if (!started) close(ends[0]);
    return started;
}

static void end(compiler *c, bool at_once)
{
    if (c->socket < 0) return;
    close(c->socket); /* an idle child ends by that */
    c->socket = -1;
    if (at_once) kill(c->pid, SIGKILL);
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR) continue;
}

/* The same program? Lines begin with program, kernel, options. */
static bool same_program(const char *a, const char *b)
{
    const char *ka = strchr(a, '\t'), *kb = strchr(b, '\t');
    const char *oa = ka ? strchr(ka + 1, '\t') : NULL, *ob = kb ? strchr(kb + 1, '\t') : NULL;
    if (!oa || !ob || ka - a != kb - b || strncmp(a, b, (size_t)(ka - a))) return false;
    const size_t length = strcspn(oa + 1, "\t");
    return length == strcspn(ob + 1, "\t") && !strncmp(oa + 1, ob + 1, length);
}

/* The next item for a child: of the program that it has built, else of one that nobody has begun, else any. */
static item *next_item(const struct zoe__ahead *a, const item *last)
{
    item *fresh = NULL, *any = NULL;
    for (int small = 0; small < 2; small++)
        for (size_t i = 0; i < a->count; i++) {
            item *it = &a->items[i];
            if (it->given || it->small != small) continue;
            if (last && (same_program(last->line, it->line) || (last->small && it->small))) return it;
            bool begun = false;
            for (size_t k = 0; k < a->count && !begun; k++)
                begun = a->items[k].given && same_program(a->items[k].line, it->line);
            if (!begun && !fresh) fresh = it;
            if (!any) any = it;
        }
    return fresh ? fresh : any;
}

/* false: there is nothing left, or the child is gone. */
static bool give(compiler *c, struct zoe__ahead *a, bool first)
{
    item *it = next_item(a, first ? NULL : &a->items[c->item]);
    if (!it) return false;
    const size_t length = strlen(it->line);
    if (send(c->socket, it->line, length, MSG_NOSIGNAL) != (ssize_t)length) return false;
    it->given = true;
    c->item = (size_t)(it - a->items);
    return c->busy = true;
}

static bool remember(zoe_device *device, uint64_t hash)
{
    struct zoe__ahead *a = device->ahead;
    if (zoe__grow(device->context, &a->known, &a->known_capacity, a->known_count + 1, sizeof *a->known) != ZOE_OK)
        return false;
    a->known[a->known_count++] = hash;
    return true;
}

static void tell(zoe_device *device, const item *it, size_t done)
{
    const char *kernel = strchr(it->line, '\t') + 1;
    zoe__log(device->context, ZOE_LOG_PROGRESS, "compiling for %s, once: kernel %zu of %zu, %.*s", device->info.id,
             done, device->ahead->count, (int)strcspn(kernel, "\t"), kernel);
}

/* One answer, or the end, of every child that poll() has something of. */
static void take(zoe_device *device, compiler *c, size_t *done, bool *wrote)
{
    char answer = 0;
    const ssize_t n = recv(c->socket, &answer, 1, 0);
    if (n < 0 && errno == EINTR) return;
    c->busy = false;
    if (n == 1) {
        ++*done;
        if (answer == '+') *wrote = remember(device, device->ahead->items[c->item].hash) || *wrote;
        if (give(c, device->ahead, false)) tell(device, &device->ahead->items[c->item], *done + 1);
    }
    if (!c->busy) end(c, false);
}

static void work(zoe_device *device, compiler *c, int count)
{
    struct zoe__ahead *a = device->ahead;
    size_t done = 0;
    bool wrote = false;
    for (int i = 0; i < count; i++)
        if (!give(&c[i], a, true)) end(&c[i], true);
    for (;;) {
        struct pollfd ends[MOST_COMPILERS];
        int open = 0;
        for (int i = 0; i < count; i++) {
            ends[i] = (struct pollfd){.fd = c[i].socket, .events = POLLIN};
            open += c[i].socket >= 0;
        }
        if (!open) break;
        const int ready = poll(ends, (nfds_t)count, PATIENCE_MS);
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) break;
        for (int i = 0; i < count; i++)
            if (c[i].socket >= 0 && ends[i].revents) take(device, &c[i], &done, &wrote);
    }
    for (int i = 0; i < count; i++) end(&c[i], true);
    if (wrote) write_known(device);
}

void zoe__ahead_compile(zoe_device *device)
{
    struct zoe__ahead *a = device->ahead;
    compiler compilers[MOST_COMPILERS];
    const double started = zoe__seconds();
    const int most = most_compilers();
    int count = 0;
    if (!a || !a->open) return;
    if (a->count >= WORTH) {
        zoe__log(device->context, ZOE_LOG_PROGRESS, "compiling for %s, once: %zu kernels", device->info.id, a->count);
        while (count < most && start(&compilers[count], device)) count++;
        work(device, compilers, count);
        const double took = zoe__seconds() - started;
        device->counters.compile_seconds += took;
        zoe__log(device->context, ZOE_LOG_DEBUG, "%zu kernels compiled ahead by %d processes in %.3f s", a->count,
                 count, took);
    }
    zoe__ahead_drop(device);
}
