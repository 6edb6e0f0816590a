/* SPDX-License-Identifier: Apache-2.0
 *
 * File names are bytes, JSON is UTF-8. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

json_t *zoe__cli_text(const char *bytes)
{
    json_t *text = json_string(bytes);
    if (text) return text;
    char *copy = strdup(bytes);
    if (!copy) return NULL;
    for (char *c = copy; *c; c++)
        if ((unsigned char)*c > 126) *c = '?';
    text = json_string(copy);
    free(copy);
    return text;
}
