/* SPDX-License-Identifier: Apache-2.0
 *
 * The definition against the kernels, and bitwise repeats. */
#include "op_test.h"

#include <math.h>

#include "op_run.h"

/* ---- which device ---- */

static zoe_device_info *list(size_t *count)
{
    zoe_context *context;
    zoe_device_info *infos = NULL;
    assert_int_equal(zoe_context_new(&context), ZOE_OK);
    if (zoe_device_list(context, &infos, count) != ZOE_OK) fail_msg("%s", zoe_context_error(context));
    zoe_context_free(&context);
    return infos;
}

/* A second opinion, so that a broken device list cannot skip all the tests in silence. */
static bool clinfo_sees_a_device(void)
{
    char text[512];
    bool seen = false;
    FILE *pipe = popen("clinfo -l 2>/dev/null", "r");
    while (pipe && fgets(text, sizeof text, pipe)) seen = seen || strstr(text, "Device #0");
    if (pipe) pclose(pipe);
    return seen;
}

bool op_test_has_device(const char *name)
{
    size_t count;
    zoe_device_info *infos = list(&count);
    bool found = false;
    for (size_t i = 0; i < count; i++) found = found || strstr(infos[i].id, name);
    free(infos);
    return found;
}

const char *op_test_device(void)
{
    static char id[64];
    const char *chosen = getenv("ZOE_TEST_DEVICE");
    if (chosen && *chosen) return strcmp(chosen, "host") == 0 ? NULL : chosen;
    size_t count;
    zoe_device_info *infos = list(&count);
    id[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const bool pocl = strncmp(infos[i].id, "pocl", 4) == 0;
        if (infos[i].family == ZOE_FAMILY_HOST || (id[0] && !pocl)) continue;
        snprintf(id, sizeof id, "%s", infos[i].id);
        if (pocl) break;
    }
    free(infos);
    if (id[0]) return id;
#ifdef ZOE_OPENCL
    if (clinfo_sees_a_device()) fail_msg("clinfo sees an OpenCL device, zoe_device_list() does not");
#else
    (void)clinfo_sees_a_device;
#endif
    return NULL;
}

/* ---- comparison ---- */

typedef struct op_error {
    double most;  /* |device - host| / largest |host| */
    double nmse;  /* sum of squared differences / sum of squares */
    size_t where; /* of most */
} op_error;

/* A NaN or infinity where the other has something else is an infinite error. */
static op_error compare(const op_tensor *a, const op_tensor *b)
{
    double largest = 0, squares = 0, differences = 0;
    op_error error = {0, 0, 0};
    for (size_t i = 0; i < a->count; i++)
        if (isfinite(a->data[i])) largest = fmax(largest, fabs((double)a->data[i]));
    for (size_t i = 0; i < a->count; i++) {
        const double x = (double)a->data[i], y = (double)b->data[i];
        double d = fabs(x - y);
        if (x == y || (isnan(x) && isnan(y))) d = 0;
        if (isnan(d)) d = INFINITY;
        if (isfinite(x)) squares += x * x;
        differences += d * d;
        const double relative = d / fmax(largest, 1e-30);
        if (relative > error.most) error = (op_error){relative, 0, i};
    }
    error.nmse = differences / fmax(squares, 1e-60);
    return error;
}

static double worst(double *so_far, double value)
{
    if (value > *so_far) *so_far = value;
    return *so_far;
}

static void check_equal(const op_case *test, const op_result *host, const op_result *device, const char *where,
                        double *most)
{
    const double tolerance = test->tolerance > 0 ? test->tolerance : 1e-5;
    if (host->count != device->count) fail_msg("%s: %d tensors, host has %d", where, device->count, host->count);
    for (int i = 0; i < host->count; i++) {
        const op_tensor *a = &host->tensor[i], *b = &device->tensor[i];
        const op_error error = compare(a, b);
        worst(most, error.most);
        if (error.most > tolerance || error.nmse > tolerance * tolerance)
            fail_msg("%s: %s[%zu] is %.9g, host %.9g: error %.3g, nmse %.3g, tolerance %.3g", where, a->name,
                     error.where, (double)b->data[error.where], (double)a->data[error.where], error.most, error.nmse,
                     tolerance);
    }
}

static void check_same_bits(const op_result *a, const op_result *b, const char *where)
{
    for (int i = 0; i < a->count; i++)
        if (memcmp(a->tensor[i].data, b->tensor[i].data, a->tensor[i].count * sizeof(float)) != 0)
            fail_msg("%s: %s has other bits in a second run", where, a->tensor[i].name);
}

/* ---- all devices, all surroundings ---- */

static const int all_surroundings[] = {
    0,
    OP_HALO | OP_AFTER | OP_TWICE,
    OP_HALO | OP_THROUGH,
    OP_BEFORE | OP_MICRO,
    OP_THROUGH,
    OP_INFERENCE | OP_THROUGH,
    OP_INFERENCE | OP_STATISTICS | OP_HALO,
};

static void test_device(const op_case *test, size_t number, const op_device *device, double *most)
{
    for (size_t k = 0; k < COUNT(all_surroundings); k++) {
        const int surroundings = all_surroundings[k];
        char where[256];
        snprintf(where, sizeof where, "ZOE_TEST_CASE=%zu '%s', device %s, family %s, lanes %d, %s, surroundings %d",
                 number, test->name, device->name, device->family, device->lanes, device->algorithm, surroundings);
        op_result host, first, second;
        op_run(&host, test, &(op_device){.name = "host"}, surroundings);
        op_run(&first, test, device, surroundings);
        check_equal(test, &host, &first, where, most);
        op_run(&second, test, device, surroundings);
        check_same_bits(&first, &second, where);
        if (test->fused) {
            op_result_free(&second);
            op_run(&second, test, device, surroundings | OP_UNFUSED);
            check_equal(test, &host, &second, where, most);
        }
        op_result_free(&host);
        op_result_free(&first);
        op_result_free(&second);
    }
}

static bool wanted(const char *variable, const char *value)
{
    const char *text = getenv(variable);
    return !text || !*text || strcmp(text, value) == 0;
}

static bool wanted_case(size_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", number);
    op_set_number(number);
    return wanted("ZOE_TEST_CASE", text);
}

/* Without a device the definition still runs in all surroundings: something for the sanitizers. */
static void run_on_host(const op_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; wanted_case(i) && k < COUNT(all_surroundings); k++) {
            op_result host;
            op_run(&host, &cases[i], &(op_device){.name = "host"}, all_surroundings[k]);
            op_result_free(&host);
        }
}

void op_test_devices(const op_case *cases, size_t count)
{
    static const op_device kinds[] = {{"", "vector", 8, ""}, {"", "vector", 16, ""}, {"", "simt", 0, ""}};
    static const char *const automatic[] = {"auto", NULL};
    const char *name = op_test_device();
    if (!name) {
        run_on_host(cases, count);
        print_message("SKIPPED: no OpenCL device here\n");
        skip();
    }
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        if (!wanted_case(i)) continue;
        const char *const *algorithms = cases[i].algorithms ? cases[i].algorithms : automatic;
        for (; *algorithms; algorithms++)
            for (size_t k = 0; k < COUNT(kinds); k++) {
                if (kinds[k].lanes == 16 && !cases[i].both_lanes) continue;
                if (!wanted("ZOE_TEST_FAMILY", kinds[k].family)) continue;
                /* a family's own: the other falls back to "auto", which is a case of its own */
                if (!strcmp(kinds[k].family, "vector") && !strcmp(*algorithms, "tiled")) continue;
                if (!strcmp(kinds[k].family, "simt") &&
                    (!strcmp(*algorithms, "direct") || !strcmp(*algorithms, "packed")))
                    continue;
                const op_device device = {name, kinds[k].family, kinds[k].lanes, *algorithms};
                test_device(&cases[i], i, &device, &most);
            }
    }
    op_close_devices();
    print_message("largest error of %zu cases on %s: %.2e\n", count, name, most);
}

void op_test_mistake(const op_case *test, zoe_status status, const char *part)
{
    zoe_context *context;
    zoe_graph *graph;
    zoe_value x[8];
    assert_int_equal(zoe_context_new(&context), ZOE_OK);
    assert_int_equal(zoe_graph_new(&graph, context), ZOE_OK);
    for (int i = 0; i < test->inputs; i++) x[i] = zoe_input(graph, "x", test->dtype[i], test->x[i]);
    assert_int_equal(zoe_graph_status(graph), ZOE_OK);
    const zoe_value y = test->build(graph, x, test->options);
    if (y != ZOE_NO_VALUE) fail_msg("'%s' was built, wanted '%s'", test->name, part);
    if (zoe_graph_status(graph) != status || !strstr(zoe_context_error(context), part))
        fail_msg("'%s': %s '%s', wanted %s '%s'", test->name, zoe_status_name(zoe_graph_status(graph)),
                 zoe_context_error(context), zoe_status_name(status), part);
    zoe_graph_free(&graph);
    zoe_context_free(&context);
}
