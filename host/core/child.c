/* SPDX-License-Identifier: Apache-2.0
 *
 * A child process with a deadline. */
#include "core/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { MOST_OUT = 64 << 20, LINE = 1024 };

typedef struct child {
    zoe_context *context;
    pid_t pid;
    int pipe[2]; /* our ends: stdout, stderr; -1 when closed */
    char *out;
    size_t out_bytes, out_capacity;
    char line[LINE], last[LINE]; /* of stderr: what is being read, the last whole one (not yet logged) */
    size_t line_bytes;
} child;

static volatile sig_atomic_t stop_wanted;

static void on_signal(int number)
{
    stop_wanted = number;
}

void zoe__child_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
    action.sa_flags = 0;
    sigaction(SIGTERM, &action, NULL);
}

/* Before what the child did with the same signal is told. */
static zoe_status go_on(zoe_context *context)
{
    ZOE_FAIL_IF(context, stop_wanted, ZOE_STOPPED, "stopped at request");
    return ZOE_OK;
}

static void close_pipe(int *end)
{
    if (*end >= 0) close(*end);
    *end = -1;
}

/* Pipes for stdout and stderr; the child's ends are closed here once it has them. */
static zoe_status start(child *c, const char *const *argv)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1};
    posix_spawn_file_actions_t actions;
    int code = pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) ? errno : 0;
    if (code == 0) {
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, out[1], 1);
        posix_spawn_file_actions_adddup2(&actions, err[1], 2);
        code = posix_spawn(&c->pid, argv[0], &actions, NULL, (char *const *)argv, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    close_pipe(&out[1]);
    close_pipe(&err[1]);
    c->pipe[0] = out[0];
    c->pipe[1] = err[0];
    ZOE_FAIL_IF(c->context, code, ZOE_DEVICE, "%s: cannot start a process: %s", argv[0], strerror(code));
    return ZOE_OK;
}

static void log_last(child *c)
{
    if (c->last[0]) zoe__log(c->context, ZOE_LOG_INFO, "%s", c->last);
    c->last[0] = '\0';
}

static void end_line(child *c)
{
    static const char prefix[] = "zoe: ";
    const size_t skip = strncmp(c->line, prefix, sizeof prefix - 1) ? 0 : sizeof prefix - 1;
    c->line[c->line_bytes] = '\0';
    if (c->line_bytes > 0) {
        log_last(c);
        memcpy(c->last, c->line + skip, c->line_bytes + 1 - skip);
    }
    c->line_bytes = 0;
    c->line[0] = '\0';
}

static void take_stderr(child *c, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] == '\n')
            end_line(c);
        else if (c->line_bytes < LINE - 1)
            c->line[c->line_bytes++] = bytes[i];
    }
}

static zoe_status take_stdout(child *c, const char *bytes, size_t count)
{
    ZOE_FAIL_IF(c->context, c->out_bytes + count > MOST_OUT, ZOE_DATA, "a child process wrote more than %d bytes",
                MOST_OUT);
    ZOE_TRY(zoe__grow(c->context, &c->out, &c->out_capacity, c->out_bytes + count + 1, 1));
    memcpy(c->out + c->out_bytes, bytes, count);
    c->out_bytes += count;
    c->out[c->out_bytes] = '\0';
    return ZOE_OK;
}

/* Until both pipes are closed; ZOE_TIME at the deadline. */
static zoe_status listen(child *c, double deadline, double seconds)
{
    char bytes[4096];
    while (c->pipe[0] >= 0 || c->pipe[1] >= 0) {
        const double left = deadline - zoe__seconds();
        ZOE_TRY(go_on(c->context));
        ZOE_FAIL_IF(c->context, left <= 0, ZOE_TIME, "a child process was not done after %g s", seconds);
        struct pollfd ends[2] = {{.fd = c->pipe[0], .events = POLLIN}, {.fd = c->pipe[1], .events = POLLIN}};
        if (poll(ends, 2, left > 1 ? 1000 : (int)(left * 1000) + 1) < 0 && errno != EINTR) break;
        for (int i = 0; i < 2; i++) {
            if (c->pipe[i] < 0 || !ends[i].revents) continue;
            const ssize_t count = read(c->pipe[i], bytes, sizeof bytes);
            if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
            if (count <= 0)
                close_pipe(&c->pipe[i]);
            else if (i == 1)
                take_stderr(c, bytes, (size_t)count);
            else
                ZOE_TRY(take_stdout(c, bytes, (size_t)count));
        }
    }
    return ZOE_OK;
}

/* A child that has closed its pipes may still live. */
static zoe_status wait_end(child *c, double deadline, double seconds, int *how)
{
    for (;;) {
        ZOE_TRY(go_on(c->context));
        const pid_t ended = waitpid(c->pid, how, WNOHANG);
        if (ended == c->pid) {
            c->pid = 0;
            return ZOE_OK;
        }
        ZOE_FAIL_IF(c->context, ended < 0 && errno != EINTR, ZOE_DEVICE, "waiting for a child process: %s",
                    strerror(errno));
        ZOE_FAIL_IF(c->context, zoe__seconds() > deadline, ZOE_TIME, "a child process was not done after %g s",
                    seconds);
        const struct timespec pause = {.tv_nsec = 1000000};
        nanosleep(&pause, NULL);
    }
}

static zoe_status judge(child *c, int how)
{
    end_line(c);
    ZOE_FAIL_IF(c->context, WIFSIGNALED(how), ZOE_DEVICE, "a child process was ended by signal %d (%s)%s%s",
                WTERMSIG(how), strsignal(WTERMSIG(how)), c->last[0] ? ": " : "", c->last);
    const int code = WEXITSTATUS(how);
    if (code == 0) {
        log_last(c);
        return ZOE_OK;
    }
    for (int s = 1; s < ZOE_STATUS_COUNT; s++)
        if (zoe_status_exit_code((zoe_status)s) == code)
            return zoe__fail(c->context, (zoe_status)s, "%s", c->last[0] ? c->last : zoe_status_text((zoe_status)s));
    return zoe__fail(c->context, ZOE_DEVICE, "a child process ended with exit code %d%s%s", code,
                     c->last[0] ? ": " : "", c->last);
}

zoe_status zoe__child_run(zoe_context *context, const char *const *argv, double seconds, char **out)
{
    child c = {.context = context, .pipe = {-1, -1}};
    const double deadline = zoe__seconds() + seconds;
    int how = 0;
    zoe_status status = ZOE_OK;
    *out = NULL;
    ZOE_TRY_OUT(go_on(context));
    ZOE_TRY_OUT(start(&c, argv));
    ZOE_TRY_OUT(listen(&c, deadline, seconds));
    ZOE_TRY_OUT(wait_end(&c, deadline, seconds, &how));
    ZOE_TRY_OUT(go_on(context));
    ZOE_TRY_OUT(judge(&c, how));
    if (!c.out) ZOE_TRY_OUT(take_stdout(&c, "", 0));
    *out = c.out;
    c.out = NULL;
out:
    if (c.pid > 0) {
        kill(c.pid, SIGKILL);
        while (waitpid(c.pid, &how, 0) < 0 && errno == EINTR) continue;
    }
    close_pipe(&c.pipe[0]);
    close_pipe(&c.pipe[1]);
    free(c.out);
    return status;
}
