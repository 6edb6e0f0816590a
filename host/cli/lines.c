/* SPDX-License-Identifier: Apache-2.0
 *
 * stderr: lines of the log, and lines that take each other's place. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"

static struct {
    bool open;    /* a line without its end stands on the terminal */
    double shown; /* zoe__seconds() of the last line that takes places */
    bool quiet;   /* of progress in the log */
} lines;

void zoe__cli_end_line(void)
{
    if (lines.open) fputc('\n', stderr);
    lines.open = false;
}

bool zoe__cli_line_due(bool important)
{
    const double least = isatty(STDERR_FILENO) ? 0.1 : 5;
    return important || zoe__seconds() - lines.shown >= least;
}

void zoe__cli_line(const char *line)
{
    const bool terminal = isatty(STDERR_FILENO);
    lines.shown = zoe__seconds();
    fprintf(stderr, terminal ? "\r%s\033[K" : "%s\n", line);
    lines.open = terminal;
}

void zoe__cli_log(zoe_log_level level, const char *line, void *user)
{
    (void)user;
    if (level == ZOE_LOG_PROGRESS) {
        if (!lines.quiet && zoe__cli_line_due(lines.shown == 0)) zoe__cli_line(line);
        return;
    }
    if (level == ZOE_LOG_DEBUG && !getenv("ZOE_DEBUG")) return;
    zoe__cli_end_line();
    fprintf(stderr, "zoe: %s\n", line);
}

void zoe__cli_log_quiet(bool quiet)
{
    lines.quiet = quiet;
}
