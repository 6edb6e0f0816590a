/* SPDX-License-Identifier: Apache-2.0
 *
 * Edit distance of Damerau in its restricted form: insert, delete, replace, swap of two neighbours. */
#include "core/suggest.h"

#include <string.h>

#include "core/core.h"

enum { LONGEST = 63 }; /* longer words are never a slip of somebody who types */

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int edit_distance(const char *a, const char *b)
{
    const int n = (int)strlen(a), m = (int)strlen(b);
    if (n > LONGEST || m > LONGEST) return LONGEST;
    int row[3][LONGEST + 1]; /* before the last, last, this */
    for (int j = 0; j <= m; j++) row[1][j] = j;
    for (int i = 1; i <= n; i++) {
        row[2][0] = i;
        for (int j = 1; j <= m; j++) {
            int d = least(row[1][j - 1] + (a[i - 1] != b[j - 1]), least(row[1][j], row[2][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) d = least(d, row[0][j - 2] + 1);
            row[2][j] = d;
        }
        memcpy(row[0], row[1], sizeof row[0]);
        memcpy(row[1], row[2], sizeof row[1]);
    }
    return row[1][m];
}

zoe__suggestion zoe__suggest_start(const char *word)
{
    return (zoe__suggestion){.word = word};
}

void zoe__suggest_try(zoe__suggestion *suggestion, const char *candidate)
{
    const size_t length = strlen(suggestion->word);
    int distance = edit_distance(suggestion->word, candidate);
    /* What somebody began to type is as good as one slip. */
    if (length >= 3 && !strncmp(suggestion->word, candidate, length)) distance = least(distance, 1);
    const int limit = length < 3 ? 1 : 1 + (int)length / 4;
    if (distance <= limit && (!suggestion->best || distance < suggestion->distance)) {
        suggestion->best = candidate;
        suggestion->distance = distance;
    }
}

const char *zoe__suggest_text(zoe__suggestion *suggestion)
{
    suggestion->text[0] = '\0';
    if (suggestion->best)
        zoe__format(suggestion->text, sizeof suggestion->text, "; did you mean '%s'?", suggestion->best);
    return suggestion->text;
}
