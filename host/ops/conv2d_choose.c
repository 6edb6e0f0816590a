/* SPDX-License-Identifier: Apache-2.0
 *
 * Which algorithm a convolution or linear layer takes, direction by direction. In this order:
 *   1. the user's wish (plan options conv, linear), where the algorithm can do the shape;
 *   2. `exact` strikes out what trades digits for speed;
 *   3. what was measured on this device (zoe__tuning);
 *   4. the least estimated cost, or the table's order where an algorithm has no estimate.
 * The layout of the weights is settled first, by family and shape alone; a wish may change it, a measurement not. */
#include "ops/conv2d.h"
#include "selftest/trust.h"

#include <string.h>

/* Of two of one name the one for the device's family. */
static const zoe__conv2d_algorithm *find(zoe_plan *plan, const zoe__conv2d_algorithm *const *table, const char *name)
{
    const zoe_family family = zoe_device_get_info(zoe__plan_device(plan))->family;
    const zoe__conv2d_algorithm *found = NULL;
    for (; *table; table++)
        if (!strcmp((*table)->name, name) && (!found || (*table)->unasked[family])) found = *table;
    return found;
}

/* As an algorithm sees it. */
static zoe__conv2d seen(const zoe__conv2d_algorithm *algorithm, const zoe__conv2d *conv)
{
    return algorithm->blocked ? zoe__conv2d_merge(conv) : *conv;
}

void zoe__conv2d_variant(char variant[ZOE__VARIANT], const zoe__conv2d *conv, const char *algorithm,
                         zoe__direction direction)
{
    static const char *const names[] = {"forward", "data", "weights"};
    if (algorithm)
        zoe__format(variant, ZOE__VARIANT, "%s.%s.%s", conv->op, algorithm, names[direction]);
    else
        zoe__format(variant, ZOE__VARIANT, "%s.mask", conv->op);
}

static bool fits(zoe_plan *plan, const zoe__conv2d_algorithm *algorithm, const zoe__conv2d *conv,
                 zoe__direction direction)
{
    const zoe__conv2d v = seen(algorithm, conv);
    char variant[ZOE__VARIANT];
    if (algorithm->inexact && zoe__plan_get_options(plan)->exact) return false;
    zoe__conv2d_variant(variant, conv, algorithm->name, direction);
    if (zoe__trust_is_bad(zoe__plan_device(plan), variant)) return false;
    return !algorithm->supports || algorithm->supports(plan, &v, direction);
}

/* The cheapest that nobody needs to ask for. */
static const zoe__conv2d_algorithm *cheapest(zoe_plan *plan, const zoe__conv2d *conv, zoe__direction direction,
                                             const zoe__conv2d_algorithm *const *table, bool blocked)
{
    const zoe_family family = zoe_device_get_info(zoe__plan_device(plan))->family;
    const zoe__conv2d_algorithm *best = NULL;
    double least = 0;
    for (; *table; table++) {
        const zoe__conv2d_algorithm *a = *table;
        if (!a->unasked[family] || a->blocked != blocked || !fits(plan, a, conv, direction)) continue;
        const zoe__conv2d v = seen(a, conv);
        const double cost = a->cost ? a->cost(plan, &v, direction) : 0;
        if (best && (!a->cost || !best->cost || cost >= least)) continue;
        best = a;
        least = cost;
    }
    return best;
}

/* Weights lie as the wish has them, else in blocks where every direction has an algorithm for them. */
static bool choose_blocked(zoe_plan *plan, const zoe__conv2d *conv, const zoe__conv2d_algorithm *const *table,
                           const zoe__conv2d_algorithm *wish)
{
    if (wish && fits(plan, wish, conv, ZOE__TO_OUTPUT)) return wish->blocked;
    for (int d = 0; d < ZOE__DIRECTIONS; d++)
        if (!cheapest(plan, conv, (zoe__direction)d, table, true)) return false;
    return true;
}

/* Rows come from files: parameters must be the default or among those that the algorithm offers for this shape. */
static bool offers(zoe_plan *plan, const zoe__conv2d_algorithm *algorithm, const zoe__conv2d *conv,
                   zoe__direction direction, const zoe__choice *choice)
{
    enum { ROOM = 64 };
    static const int nothing[ZOE__CHOICE_PARAMETERS];
    zoe__choice offered[ROOM];
    if (!memcmp(choice->parameter, nothing, sizeof nothing)) return true;
    const zoe__conv2d v = seen(algorithm, conv);
    const size_t count = algorithm->candidates ? algorithm->candidates(plan, &v, direction, offered, ROOM) : 0;
    for (size_t i = 0; i < count; i++)
        if (!memcmp(offered[i].parameter, choice->parameter, sizeof nothing)) return true;
    return false;
}

static zoe__choice choose(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv, zoe__direction direction,
                          const zoe__conv2d_algorithm *const *table, const zoe__conv2d_algorithm *wish, bool blocked)
{
    zoe__choice choice = {.algorithm = NULL};
    const zoe__tuning *tuning = zoe__device_get_tuning(zoe__plan_device(plan));
    const bool tuned = tuning && tuning->find(tuning->user, node->op->name, direction, conv, &choice);
    const zoe__conv2d_algorithm *measured = tuned ? find(plan, table, choice.algorithm) : NULL;
    if (measured && (measured->blocked != blocked || !fits(plan, measured, conv, direction))) measured = NULL;
    if (measured && !offers(plan, measured, conv, direction, &choice)) measured = NULL;
    const bool wished = wish && wish->blocked == blocked && fits(plan, wish, conv, direction);
    if (measured && (!wished || measured == wish)) { /* with its parameters */
        choice.algorithm = measured->name;
        return choice;
    }
    const zoe__conv2d_algorithm *chosen = wished ? wish : cheapest(plan, conv, direction, table, blocked);
    return (zoe__choice){.algorithm = chosen ? chosen->name : "plain"};
}

static bool wanted(zoe_plan *plan, const zoe__node *node, zoe__direction direction)
{
    if (direction == ZOE__TO_OUTPUT) return true;
    if (!zoe__plan_training(plan)) return false;
    return direction == ZOE__TO_WEIGHTS || zoe__plan_dx(plan, node, 0);
}

/* Every direction that is wanted has an algorithm that the self-test did not find wrong. */
static bool trusted(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv,
                    const zoe__conv2d_algorithm *const *table, bool blocked)
{
    char variant[ZOE__VARIANT];
    zoe__conv2d_variant(variant, conv, NULL, ZOE__TO_OUTPUT);
    if ((conv->bias || conv->relu) && zoe__trust_is_bad(zoe__plan_device(plan), variant)) return false;
    for (int d = 0; d < ZOE__DIRECTIONS; d++) {
        bool any = !wanted(plan, node, (zoe__direction)d);
        for (int i = 0; table[i] && !any; i++)
            any = table[i]->blocked == blocked && fits(plan, table[i], conv, (zoe__direction)d);
        if (!any) return false;
    }
    return true;
}

/* x of few channels lies as it is if all that read it can: the output's algorithm and that of the weights. */
static void ask_for_planar(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv,
                           const zoe__conv2d_algorithm *const *table)
{
    bool all = conv->c < 8;
    for (int d = 0; d < ZOE__DIRECTIONS; d++)
        if (d != ZOE__TO_DATA && wanted(plan, node, (zoe__direction)d))
            all = all && find(plan, table, zoe__plan_choice(plan, node, (zoe__direction)d)->algorithm)->planar;
    if (all) zoe__plan_planar(plan, node->input[0]);
}

zoe_status zoe__conv2d_plan(zoe_plan *plan, zoe__node *node, const zoe__conv2d *conv,
                            const zoe__conv2d_algorithm *const *table, const char *wish)
{
    if (!strcmp(wish, "reference")) return ZOE_UNSUPPORTED; /* without a text: the plan runs the definition */
    const zoe__conv2d_algorithm *algorithm = strcmp(wish, "auto") ? find(plan, table, wish) : NULL;
    if (!algorithm && strcmp(wish, "auto")) {
        char known[128] = "auto";
        for (int i = 0; table[i]; i++) {
            const size_t used = strlen(known);
            if (find(plan, table, table[i]->name) != table[i]) continue; /* of another family */
            zoe__format(known + used, sizeof known - used, ", %s", table[i]->name);
        }
        return zoe__fail(zoe__plan_context(plan), ZOE_CONFIG, "unknown algorithm '%s' for %s; known are %s, reference",
                         wish, node->op->name, known);
    }
    ZOE_FAIL_IF(zoe__plan_context(plan), algorithm && algorithm->inexact && zoe__plan_get_options(plan)->exact,
                ZOE_CONFIG, "algorithm '%s' for %s is what `exact` forbids", wish, node->op->name);
    const bool blocked = choose_blocked(plan, conv, table, algorithm);
    if (!trusted(plan, node, conv, table, blocked)) return ZOE_UNSUPPORTED; /* nothing right is left: the definition */
    if (zoe__plan_training(plan)) zoe__plan_workspace(plan, node, ZOE__BACKWARD, zoe__conv2d_mask_floats(conv));
    for (int d = 0; d < ZOE__DIRECTIONS; d++) {
        const zoe__direction direction = (zoe__direction)d;
        zoe__choice *choice = zoe__plan_choice(plan, node, direction);
        *choice = choose(plan, node, conv, direction, table, algorithm, blocked);
        if (!wanted(plan, node, direction)) continue;
        const zoe__conv2d_algorithm *chosen = find(plan, table, choice->algorithm);
        const zoe__conv2d v = seen(chosen, conv);
        ZOE_TRY(chosen->plan(plan, node, &v, direction));
    }
    ask_for_planar(plan, node, conv, table);
    return ZOE_OK;
}

bool zoe__conv2d_chosen(zoe_plan *plan, const zoe__node *node, zoe__direction direction, const char *name)
{
    const bool there =
        wanted(plan, node, direction) && (direction != ZOE__TO_WEIGHTS || zoe__plan_dweight(plan, node, 0));
    return there && !strcmp(zoe__plan_choice(plan, node, direction)->algorithm, name);
}

/* For the tests of the self-test: ZOE_BREAK. */
static zoe_status spoil(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv, const char *algorithm,
                        zoe__direction direction)
{
    char variant[ZOE__VARIANT];
    zoe__conv2d_variant(variant, conv, algorithm, direction);
    const zoe__view *to = direction == ZOE__TO_DATA ? zoe__plan_dx(plan, node, 0) : zoe__plan_y(plan, node);
    if (direction != ZOE__TO_WEIGHTS) return zoe__break(plan, node, variant, to->mem, to->floats, to->number);
    zoe__mem *dweight = zoe__plan_dweight(plan, node, algorithm ? 0 : conv->bias ? 1 : 0);
    const size_t floats =
        algorithm ? (size_t)conv->k * (size_t)(conv->c / conv->groups) * (size_t)(conv->r * conv->s) : (size_t)conv->k;
    return zoe__break(plan, node, variant, dweight, floats, sizeof(float));
}

static zoe_status emit(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv,
                       const zoe__conv2d_algorithm *const *table, zoe__direction direction)
{
    const zoe__conv2d_algorithm *algorithm = find(plan, table, zoe__plan_choice(plan, node, direction)->algorithm);
    zoe__plan_algorithm(plan, node, algorithm->name);
    zoe__plan_direction(plan, node, direction);
    const zoe__conv2d v = seen(algorithm, conv);
    ZOE_TRY(algorithm->emit(plan, node, &v, direction));
    if (direction == ZOE__TO_WEIGHTS) ZOE_TRY(zoe__conv2d_mask_groups(plan, node, &v));
    ZOE_TRY(spoil(plan, node, conv, algorithm->name, direction)); /* belongs to the direction: who runs it gets it */
    zoe__plan_direction(plan, node, ZOE__DIRECTIONS);
    return ZOE_OK;
}

int zoe__conv2d_moments(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv,
                        const zoe__conv2d_algorithm *const *table)
{
    const zoe__conv2d_algorithm *algorithm = find(plan, table, zoe__plan_choice(plan, node, ZOE__TO_OUTPUT)->algorithm);
    const zoe__conv2d v = seen(algorithm, conv);
    char variant[ZOE__VARIANT];
    zoe__format(variant, sizeof variant, "%s.%s.moments", conv->op, algorithm->name);
    if (zoe__trust_is_bad(zoe__plan_device(plan), variant)) return 0;
    return algorithm->moments ? algorithm->moments(plan, &v) : 0;
}

zoe_status zoe__conv2d_forward(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv,
                               const zoe__conv2d_algorithm *const *table)
{
    char variant[ZOE__VARIANT];
    ZOE_TRY(emit(plan, node, conv, table, ZOE__TO_OUTPUT));
    if (!zoe__plan_moments_asked(plan, node)) return ZOE_OK;
    zoe__format(variant, sizeof variant, "%s.%s.moments", conv->op,
                zoe__plan_choice(plan, node, ZOE__TO_OUTPUT)->algorithm);
    const size_t floats = (size_t)((conv->k + 7) / 8) * 24 * (size_t)zoe__plan_moments_chunks(plan, node);
    return zoe__break(plan, node, variant, zoe__plan_moments_mem(plan, node), floats,
                      sizeof(float)); /* a test of the self-test */
}

zoe_status zoe__conv2d_backward(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv,
                                const zoe__conv2d_algorithm *const *table)
{
    ZOE_TRY(zoe__conv2d_mask(plan, node, conv));
    if (conv->bias || conv->relu) ZOE_TRY(spoil(plan, node, conv, NULL, ZOE__TO_WEIGHTS));
    if (zoe__plan_dweight(plan, node, 0)) ZOE_TRY(emit(plan, node, conv, table, ZOE__TO_WEIGHTS));
    return zoe__plan_dx(plan, node, 0) ? emit(plan, node, conv, table, ZOE__TO_DATA) : ZOE_OK;
}

size_t zoe__conv2d_candidates(zoe_plan *plan, const zoe__conv2d *conv, zoe__direction direction,
                              const zoe__conv2d_algorithm *const *table, zoe__choice *out, size_t room)
{
    const zoe_family family = zoe_device_get_info(zoe__plan_device(plan))->family;
    const bool blocked = choose_blocked(plan, conv, table, NULL);
    const zoe__conv2d_algorithm *first = cheapest(plan, conv, direction, table, blocked);
    size_t count = 0;
    if (first && room) out[count++] = (zoe__choice){.algorithm = first->name};
    for (; *table; table++) {
        const zoe__conv2d_algorithm *a = *table;
        if (!a->unasked[family] || a->blocked != blocked || !fits(plan, a, conv, direction)) continue;
        if (a != first && count < room) out[count++] = (zoe__choice){.algorithm = a->name};
        const zoe__conv2d v = seen(a, conv);
        if (a->candidates) count += a->candidates(plan, &v, direction, out + count, room - count);
    }
    return count;
}
