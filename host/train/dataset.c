/* SPDX-License-Identifier: Apache-2.0 */
#include "train/dataset.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/sha256.h"

void zoe__dataset_close(zoe__dataset *dataset)
{
    const char *first = NULL;
    const size_t foreign = dataset->pack ? zoe_pack_foreign(dataset->pack, &first) : 0;
    if (foreign)
        zoe__log(dataset->context, ZOE_LOG_WARN,
                 "%zu clips decode differently than when they were indexed (another FFmpeg, or a damaged pack): %s",
                 foreign, first);
    free(dataset->clips[0]);
    free(dataset->clips[1]);
    zoe_pack_free(&dataset->pack);
    *dataset = (zoe__dataset){0};
}

static zoe_status make_pack(zoe_context *context, const char *const *paths, size_t count, const char *folder,
                            const zoe_options *options, zoe__dataset_progress *progress, void *user)
{
    zoe_index_options index = zoe_index_options_default();
    index.workers = (int)zoe_options_int(options, "workers");
    index.labels_csv = zoe_options_text(options, "labels");
    index.label_column = zoe_options_text(options, "label");
    index.group_column = zoe_options_text(options, "group");
    index.max_bad = zoe_options_float(options, "max-bad");
    index.progress = progress;
    index.user = user;
    return zoe_pack_index(context, paths, count, folder, &index);
}

zoe_status zoe__dataset_check_options(zoe_context *context, const zoe_options *options)
{
    static const char *const columns[] = {"label", "group"};
    for (int i = 0; i < 2; i++)
        ZOE_FAIL_IF(context, zoe_options_given(options, columns[i]) && !zoe_options_text(options, "labels"), ZOE_USAGE,
                    "--%s %s: a column of what? --labels FILE.csv is missing", columns[i],
                    zoe_options_text(options, columns[i]));
    return ZOE_OK;
}

/* A table that says nothing about the clips is the wrong one; one that lacks some may be meant so. */
static zoe_status check_labels(const zoe__dataset *dataset, zoe_context *context, const char *table)
{
    const size_t n = zoe_pack_clips(dataset->pack);
    size_t missing = 0;
    for (size_t i = 0; i < n; i++) {
        const zoe_clip *clip = zoe_pack_clip(dataset->pack, i);
        missing += !clip->label[0] && !clip->group[0];
    }
    ZOE_FAIL_IF(context, missing == n, ZOE_CONFIG, "%s: no row of it is of one of the %zu clips; the first is %s",
                table, n, zoe_pack_clip(dataset->pack, 0)->path);
    if (missing) zoe__log(context, ZOE_LOG_WARN, "%s: %zu of %zu clips have no row", table, missing, n);
    return ZOE_OK;
}

zoe_status zoe__dataset_open(zoe__dataset *dataset, zoe_context *context, const char *const *paths, size_t count,
                             const char *pack_folder, const zoe_options *options, zoe__dataset_progress *progress,
                             void *user)
{
    *dataset = (zoe__dataset){.context = context};
    ZOE_TRY(zoe__dataset_check_options(context, options));
    const bool in_place = count == 1 && zoe_pack_is(paths[0]) && !zoe_options_text(options, "labels");
    if (!in_place) ZOE_TRY(make_pack(context, paths, count, pack_folder, options, progress, user));
    ZOE_TRY(zoe_pack_open(&dataset->pack, context, in_place ? paths[0] : pack_folder));
    zoe_pack_set_cache(dataset->pack, (size_t)zoe_options_int(options, "cache") << 20);
    const zoe_skipped *skipped;
    dataset->skipped = zoe_pack_skipped(dataset->pack, &skipped);
    const size_t clips = zoe_pack_clips(dataset->pack);
    if (clips == 0) {
        zoe__dataset_close(dataset);
        return zoe__fail(context, ZOE_DATA, "%s: no usable clip", in_place ? paths[0] : pack_folder);
    }
    const char *table = zoe_options_text(options, "labels");
    const zoe_status status = table ? check_labels(dataset, context, table) : ZOE_OK;
    if (status != ZOE_OK) zoe__dataset_close(dataset);
    return status;
}

/* ---- the split ---- */

typedef struct ranked {
    size_t clip;
    const char *sha256;
} ranked;

static int by_hash(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    const int order = strcmp(x->sha256, y->sha256);
    return order ? order : (x->clip > y->clip) - (x->clip < y->clip);
}

/* Marks the first round(share * n) clips in the order of their hashes, which has nothing to do with names, labels or
 * seeds. */
static zoe_status mark_share(const zoe__dataset *dataset, zoe_context *context, double share, bool *held)
{
    const size_t n = zoe_pack_clips(dataset->pack), wanted = (size_t)llround(share * (double)n);
    ranked *order;
    ZOE_TRY(zoe__calloc(context, &order, n, sizeof *order));
    for (size_t i = 0; i < n; i++) order[i] = (ranked){i, zoe_pack_clip(dataset->pack, i)->sha256};
    qsort(order, n, sizeof *order, by_hash);
    for (size_t i = 0; i < wanted && i < n; i++) held[order[i].clip] = true;
    free(order);
    ZOE_FAIL_IF(context, wanted == 0 || wanted >= n, ZOE_CONFIG,
                "--holdout %g: of %zu clips %zu would be held out and %zu trained on", share, n, wanted, n - wanted);
    return ZOE_OK;
}

static zoe_status mark_groups(const zoe__dataset *dataset, zoe_context *context, const zoe_options *options, bool *held)
{
    const size_t n = zoe_pack_clips(dataset->pack);
    size_t all = 0;
    for (size_t g = 0; g < zoe_options_items(options, "holdout-groups"); g++) {
        const char *group = zoe_options_item(options, "holdout-groups", g);
        size_t found = 0;
        for (size_t i = 0; i < n; i++) {
            if (strcmp(zoe_pack_clip(dataset->pack, i)->group, group)) continue;
            found++;
            all += !held[i];
            held[i] = true;
        }
        ZOE_FAIL_IF(context, !found, ZOE_CONFIG,
                    "--holdout-groups: no clip is of group '%s' (see --labels and --group)", group);
    }
    ZOE_FAIL_IF(context, all == n, ZOE_CONFIG, "--holdout-groups: all %zu clips would be held out", n);
    return ZOE_OK;
}

static zoe_status collect(zoe__dataset *dataset, zoe_context *context, const bool *held)
{
    const size_t n = zoe_pack_clips(dataset->pack);
    for (int split = 0; split < 2; split++) {
        ZOE_TRY(zoe__calloc(context, &dataset->clips[split], n, sizeof(size_t)));
        for (size_t i = 0; i < n; i++)
            if (!dataset->held_out || held[i] == (split == ZOE_SPLIT_HELD_OUT))
                dataset->clips[split][dataset->count[split]++] = i;
    }
    zoe__sha256 sha;
    uint8_t digest[32];
    zoe__sha256_start(&sha);
    for (int split = 0; split < 2; split++) {
        zoe__sha256_add(&sha, split ? "held out" : "train", split ? 8 : 5);
        for (size_t i = 0; i < dataset->count[split]; i++)
            zoe__sha256_add(&sha, zoe_pack_clip(dataset->pack, dataset->clips[split][i])->sha256, 64);
    }
    zoe__sha256_end(&sha, digest);
    zoe__sha256_hex(digest, dataset->sha256);
    return ZOE_OK;
}

zoe_status zoe__dataset_split(zoe__dataset *dataset, zoe_context *context, const zoe_options *options)
{
    const double share = zoe_options_float(options, "holdout");
    const bool groups = zoe_options_items(options, "holdout-groups") > 0;
    ZOE_FAIL_IF(context, share > 0 && groups, ZOE_CONFIG, "--holdout and --holdout-groups: only one of them");
    bool *held;
    ZOE_TRY(zoe__calloc(context, &held, zoe_pack_clips(dataset->pack), sizeof *held));
    zoe_status status = ZOE_OK;
    dataset->held_out = share > 0 || groups;
    if (groups)
        status = mark_groups(dataset, context, options, held);
    else if (share > 0)
        status = mark_share(dataset, context, share, held);
    if (status == ZOE_OK) status = collect(dataset, context, held);
    free(held);
    return status;
}
