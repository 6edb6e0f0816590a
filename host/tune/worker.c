/* SPDX-License-Identifier: Apache-2.0 */
#include "tune/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_LINE = 1 << 22, POLL_MS = 100 };

/* Between fork and exec: only what is allowed there. Its own group, so that compilers which a driver starts end with
 * it; a driver's words on stderr would tear the progress line. */
static void become_worker(const char *const *words, int in, int out, bool quiet)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nothing = quiet ? open("/dev/null", O_WRONLY) : -1;
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0) _exit(127);
    if (nothing >= 0) dup2(nothing, STDERR_FILENO);
    execv(words[0], (char *const *)words);
    _exit(127);
}

zoe_status zoe__worker_start(zoe__worker *w)
{
    int to[2], from[2];
    ZOE_FAIL_IF(w->context, pipe2(to, O_CLOEXEC), ZOE_DISK, "a pipe to the tuner's worker: %s", strerror(errno));
    if (pipe2(from, O_CLOEXEC)) {
        close(to[0]);
        close(to[1]);
        return zoe__fail(w->context, ZOE_DISK, "a pipe to the tuner's worker: %s", strerror(errno));
    }
    const bool quiet = !getenv("ZOE_DEBUG");
    const pid_t pid = fork();
    if (pid == 0) become_worker(w->words, to[0], from[1], quiet);
    close(to[0]);
    close(from[1]);
    if (pid < 0) {
        close(to[1]);
        close(from[0]);
        return zoe__fail(w->context, ZOE_DISK, "%s: fork: %s", w->words[0], strerror(errno));
    }
    setpgid(pid, pid); /* both sides: whoever comes first */
    w->pid = pid;
    w->to = to[1];
    w->from = from[0];
    w->used = 0;
    return ZOE_OK;
}

void zoe__worker_end(zoe__worker *w)
{
    if (!w->pid) return;
    kill(-w->pid, SIGKILL);
    kill(w->pid, SIGKILL);
    while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR) continue;
    close(w->to);
    close(w->from);
    free(w->line);
    w->line = NULL;
    w->used = w->capacity = 0;
    w->pid = 0;
}

/* More bytes into line; false: the other side is gone (or talks without end). */
static bool read_more(zoe__worker *w)
{
    if (w->used > MOST_LINE) return false;
    if (w->capacity - w->used < 4096) {
        char *grown = realloc(w->line, w->capacity + 65536);
        if (!grown) return false;
        w->line = grown;
        w->capacity += 65536;
    }
    const ssize_t n = read(w->from, w->line + w->used, w->capacity - w->used);
    if (n < 0) return errno == EINTR || errno == EAGAIN;
    w->used += (size_t)n;
    return n > 0;
}

static json_t *take_line(zoe__worker *w)
{
    char *end = w->used ? memchr(w->line, '\n', w->used) : NULL;
    if (!end) return NULL;
    const size_t length = (size_t)(end - w->line);
    json_t *value = json_loadb(w->line, length, 0, NULL);
    w->used -= length + 1;
    memmove(w->line, end + 1, w->used);
    return value ? value : json_null();
}

zoe__answer zoe__worker_wait(zoe__worker *w, double seconds, json_t **out)
{
    const double deadline = zoe__seconds() + seconds;
    zoe__answer answer = ZOE__CRASHED;
    *out = NULL;
    while (w->pid) {
        *out = take_line(w);
        if (*out && json_is_object(*out)) return ZOE__ANSWERED;
        if (*out) break;
        answer = w->stop && w->stop(w->user) ? ZOE__STOP : zoe__seconds() >= deadline ? ZOE__TOO_SLOW : ZOE__CRASHED;
        if (answer != ZOE__CRASHED) break;
        struct pollfd from = {.fd = w->from, .events = POLLIN};
        const int ready = poll(&from, 1, POLL_MS);
        if (ready < 0 && errno != EINTR) break;
        if (ready > 0 && !read_more(w)) break;
    }
    json_decref(*out);
    *out = NULL;
    zoe__worker_end(w);
    return answer;
}

zoe__answer zoe__worker_ask(zoe__worker *w, json_t *question, double seconds, json_t **out)
{
    char *text = json_dumps(question, JSON_COMPACT);
    bool sent = text && w->pid;
    json_decref(question);
    *out = NULL;
    const size_t length = text ? strlen(text) : 0;
    if (sent) text[length] = '\n'; /* its zero: the line is written by length */
    for (size_t used = 0; sent && used <= length;) {
        const ssize_t n = write(w->to, text + used, length + 1 - used);
        if (n < 0 && errno == EINTR) continue;
        sent = n > 0;
        used += n > 0 ? (size_t)n : 0;
    }
    free(text);
    if (sent) return zoe__worker_wait(w, seconds, out);
    zoe__worker_end(w);
    return ZOE__CRASHED;
}
