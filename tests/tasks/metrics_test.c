/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <zoe/task.h>

#include "core/philox.h"

static zoe_metrics compute(const double *scores, const int *labels, size_t n)
{
    zoe_metrics m;
    assert_int_equal(zoe_metrics_compute(&m, NULL, scores, labels, n), ZOE_OK);
    return m;
}

static void perfect_and_reversed(void **state)
{
    (void)state;
    const double scores[] = {3, 1, -2, -5};
    const int right[] = {1, 1, 0, 0}, wrong[] = {0, 0, 1, 1};
    const zoe_metrics good = compute(scores, right, 4), bad = compute(scores, wrong, 4);
    assert_true(good.auc == 1 && good.accuracy == 1 && good.balanced_accuracy == 1);
    assert_true(bad.auc == 0 && bad.accuracy == 0 && bad.balanced_accuracy == 0);
    assert_true(good.loss < bad.loss);
}

/* A network that always says "no" looks well by accuracy where "no" is frequent; the other figures must show what it
 * is. */
static void always_no_is_as_bad_as_it_is(void **state)
{
    (void)state;
    const double scores[] = {-1, -1, -1, -1};
    const int labels[] = {0, 0, 0, 1};
    const zoe_metrics m = compute(scores, labels, 4);
    assert_true(m.accuracy == 0.75 && m.balanced_accuracy == 0.5 && m.auc == 0.5);
}

static void ties_count_half(void **state)
{
    (void)state;
    /* Pairs (1 against 0): 2>1, 2=2, 1=1, 1<2: (1 + .5 + .5 + 0) / 4 */
    const double scores[] = {2, 1, 2, 1};
    const int labels[] = {1, 1, 0, 0};
    assert_true(compute(scores, labels, 4).auc == 0.5);
    const double three[] = {0, 0, 1};
    const int third[] = {1, 0, 1};
    assert_true(compute(three, third, 3).auc == 0.75);
}

/* The definition: the share of (class 1, class 0) pairs in the right order. */
static void auc_is_the_share_of_ordered_pairs(void **state)
{
    (void)state;
    enum { N = 300 };
    double scores[N], share = 0;
    int labels[N], pairs = 0;
    zoe__random random;
    zoe__random_init(&random, 4, 0, 0);
    for (int i = 0; i < N; i++) {
        labels[i] = (int)zoe__random_below(&random, 2);
        scores[i] = (double)zoe__random_below(&random, 40) + 5 * labels[i]; /* many ties */
    }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            if (labels[i] && !labels[j]) {
                pairs++;
                share += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
            }
    assert_true(fabs(compute(scores, labels, N).auc - share / pairs) < 1e-12);
}

static void loss_is_cross_entropy(void **state)
{
    (void)state;
    const double scores[] = {0.5, -800, 800};
    const int labels[] = {1, 0, 0};
    const double expected = (log(1 + exp(-0.5)) + 0 + 800) / 3;
    assert_true(fabs(compute(scores, labels, 3).loss - expected) < 1e-12);
}

static void one_class_has_no_auc(void **state)
{
    (void)state;
    const double scores[] = {1, 2};
    const int labels[] = {1, 1};
    assert_true(isnan(compute(scores, labels, 2).auc));
}

static void a_score_that_is_no_number_is_an_error(void **state)
{
    (void)state;
    const double scores[] = {1, NAN};
    const int labels[] = {1, 0};
    zoe_metrics m;
    assert_int_equal(zoe_metrics_compute(&m, NULL, scores, labels, 2), ZOE_DIVERGED);
    assert_int_equal(zoe_metrics_compute(&m, NULL, scores, labels, 0), ZOE_DATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(perfect_and_reversed),
        cmocka_unit_test(always_no_is_as_bad_as_it_is),
        cmocka_unit_test(ties_count_half),
        cmocka_unit_test(auc_is_the_share_of_ordered_pairs),
        cmocka_unit_test(loss_is_cross_entropy),
        cmocka_unit_test(one_class_has_no_auc),
        cmocka_unit_test(a_score_that_is_no_number_is_an_error),
    };
    return cmocka_run_group_tests_name("tasks/metrics", tests, NULL, NULL);
}
