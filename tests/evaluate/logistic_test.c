/* SPDX-License-Identifier: Apache-2.0
 *
 * The linear probe: weights against scikit-learn, answers on what can be told apart and what cannot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>

#include "core/philox.h"
#include "evaluate/logistic.h"

enum { N = 12, D = 3, CLASSES = 3 };

static zoe_context *context;

static int open_context(void **state)
{
    (void)state;
    return zoe_context_new(&context) == ZOE_OK ? 0 : -1;
}

static int close_context(void **state)
{
    (void)state;
    zoe_context_free(&context);
    return 0;
}

/* sklearn.linear_model.LogisticRegression(C=0.5, tol=1e-12) of scikit-learn 1.9.1 on standardised rows: weights
 * [d][class] and intercepts less their mean. */
static const double coefficients[D * CLASSES] = {-0.32634860, -0.02311293, 0.34946152,  -0.01230164, 0.39801172,
                                                 -0.38571008, 0.16537809,  -0.11009202, -0.05528607};
static const double intercepts[CLASSES] = {0.03414462, 0.04345115, -0.07759578};

static void like_scikit_learn(void **state)
{
    float rows[N * D];
    size_t which[N], label[N];
    zoe__logistic m;
    (void)state;
    for (int i = 0; i < N; i++) {
        which[i] = (size_t)i;
        label[i] = (size_t)(i * 5 % 3);
        for (int j = 0; j < D; j++) rows[i * D + j] = (float)((i * 7 + j * 13) * 37 % 101) / 50 - 1;
    }
    assert_int_equal(zoe__logistic_fit(&m, context, rows, D, which, N, label, CLASSES, 0.5), ZOE_OK);
    double mean = 0;
    for (int c = 0; c < CLASSES; c++) mean += m.weights[D * CLASSES + c] / CLASSES;
    for (int i = 0; i < D * CLASSES; i++) assert_float_equal(m.weights[i], coefficients[i], 1e-4);
    for (int c = 0; c < CLASSES; c++) assert_float_equal(m.weights[D * CLASSES + c] - mean, intercepts[c], 1e-4);
    zoe__logistic_free(&m);
}

/* Four clouds in ten dimensions, one of which never changes; the rows asked about were not learnt from. */
static void tells_clouds_apart(void **state)
{
    enum { ROWS = 400, NUMBERS = 10, CLOUDS = 4 };
    float *rows = malloc(ROWS * NUMBERS * sizeof *rows);
    size_t which[ROWS / 2], label[ROWS], right = 0;
    zoe__logistic m;
    zoe__random random;
    (void)state;
    assert_non_null(rows);
    zoe__random_init(&random, 1, 2, 3);
    for (size_t i = 0; i < ROWS; i++) {
        label[i] = i % CLOUDS;
        for (size_t j = 0; j < NUMBERS; j++)
            rows[i * NUMBERS + j] = j == 9 ? 5 : 1000 + (float)(zoe__random_normal(&random) + 3 * (j == label[i]));
    }
    for (size_t i = 0; i < ROWS / 2; i++) which[i] = 2 * i + i / 2 % 2; /* all four labels */
    assert_int_equal(zoe__logistic_fit(&m, context, rows, NUMBERS, which, ROWS / 2, label, CLOUDS, 1), ZOE_OK);
    assert_true(m.scale[9] == 0);
    for (size_t i = 0; i < ROWS; i++) right += zoe__logistic_answer(&m, rows + i * NUMBERS) == label[i];
    assert_true(right > 0.9 * ROWS);
    zoe__logistic_free(&m);
    free(rows);
}

static void refuses_what_is_no_problem(void **state)
{
    const float rows[2] = {0, 1};
    const size_t which[2] = {0, 1}, label[2] = {0, 0};
    zoe__logistic m;
    (void)state;
    assert_int_equal(zoe__logistic_fit(&m, context, rows, 1, which, 2, label, 1, 1), ZOE_CONFIG);
    zoe_context_clear(context);
    assert_int_equal(zoe__logistic_fit(&m, context, rows, 1, which, 0, label, 2, 1), ZOE_CONFIG);
    zoe_context_clear(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_scikit_learn),
        cmocka_unit_test(tells_clouds_apart),
        cmocka_unit_test(refuses_what_is_no_problem),
    };
    return cmocka_run_group_tests_name("evaluate/logistic", tests, open_context, close_context);
}
