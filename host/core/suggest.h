/* SPDX-License-Identifier: Apache-2.0
 *
 * "Did you mean": the nearest of some words by edit distance. Internal.
 *
 *     zoe__suggestion s = zoe__suggest_start(word);
 *     for (...) zoe__suggest_try(&s, candidate);
 *     zoe__fail(context, ZOE_USAGE, "unknown task '%s'%s", word, zoe__suggest_text(&s)); */
#ifndef ZOE_CORE_SUGGEST_H
#define ZOE_CORE_SUGGEST_H

typedef struct zoe__suggestion {
    const char *word; /* borrowed */
    const char *best; /* borrowed; NULL while nothing is near enough */
    int distance;
    char text[96];
} zoe__suggestion;

zoe__suggestion zoe__suggest_start(const char *word);
void zoe__suggest_try(zoe__suggestion *suggestion, const char *candidate);

/* "; did you mean 'best'?" or "". Borrowed from the suggestion. */
const char *zoe__suggest_text(zoe__suggestion *suggestion);

#endif
