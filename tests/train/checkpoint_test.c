/* SPDX-License-Identifier: Apache-2.0
 *
 * Checkpoints: what goes in comes out, every damage is seen, and no fault of the disk ever costs the old one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <ftw.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include <zoe/checkpoint.h>
#include <zoe/op.h>

typedef struct net {
    zoe_context *context;
    zoe_device *device;
    zoe_graph *graph;
    zoe_store *store;
    zoe_plan *plan;
} net;

static char folder[64];

/* conv 1x1, batch norm, linear, loss: a plan that has trained one step, so that no state is zero. */
static void net_make(net *n, int filters, uint64_t seed)
{
    zoe_device_options device = zoe_device_options_default();
    device.name = "host";
    assert_int_equal(zoe_context_new(&n->context), ZOE_OK);
    assert_int_equal(zoe_device_open(&n->device, n->context, &device), ZOE_OK);
    assert_int_equal(zoe_store_new(&n->store, n->context, n->device, seed), ZOE_OK);
    assert_int_equal(zoe_graph_new(&n->graph, n->context), ZOE_OK);
    zoe_conv2d_options conv = zoe_conv2d_options_default();
    conv.filters = filters;
    conv.kernel_h = conv.kernel_w = 1;
    zoe_linear_options linear = zoe_linear_options_default();
    linear.outputs = 2;
    const zoe_batch_norm_options norm = zoe_batch_norm_options_default();
    const zoe_value x = zoe_input(n->graph, "x", ZOE_F32, (zoe_shape){2, 3, 4, 4});
    const zoe_value labels = zoe_input(n->graph, "labels", ZOE_I32, (zoe_shape){2, 1, 1, 1});
    const zoe_value y = zoe_batch_norm(n->graph, "bn", zoe_conv2d(n->graph, "conv", x, &conv), &norm);
    zoe_softmax_cross_entropy(n->graph, "loss", zoe_linear(n->graph, "head.fc", y, &linear), labels);
    assert_int_equal(zoe_graph_status(n->graph), ZOE_OK);
    zoe_plan_options plan = zoe_plan_options_default();
    plan.training = true;
    assert_int_equal(zoe_plan_new(&n->plan, n->graph, n->store, &plan), ZOE_OK);
    float pixels[96];
    const int32_t classes[2] = {0, 1};
    for (int i = 0; i < 96; i++) pixels[i] = (float)(i % 7) - 3;
    assert_int_equal(zoe_plan_write(n->plan, x, pixels), ZOE_OK);
    assert_int_equal(zoe_plan_write(n->plan, labels, classes), ZOE_OK);
    assert_int_equal(zoe_plan_accumulate(n->plan, 0, 0), ZOE_OK);
    assert_int_equal(zoe_plan_update(n->plan, 0.1), ZOE_OK);
    assert_int_equal(zoe_plan_finish(n->plan), ZOE_OK);
}

static void net_free(net *n)
{
    zoe_plan_free(&n->plan);
    zoe_graph_free(&n->graph);
    zoe_store_free(&n->store);
    zoe_device_free(&n->device);
    zoe_context_free(&n->context);
}

static zoe_checkpoint *capture(net *n, int64_t step)
{
    zoe_checkpoint *c;
    const zoe_checkpoint_info info = {
        .net = "tiny", .task = "none", .step = step, .options = "{\"lr\":\"0.1\"}", .state = "{}"};
    assert_int_equal(zoe_checkpoint_capture(&c, n->context, n->store, n->graph, &info), ZOE_OK);
    return c;
}

static const char *file(const char *name)
{
    static char path[4][160];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static char *slurp(const char *path, size_t *bytes)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *bytes = (size_t)ftell(f);
    rewind(f);
    char *data = malloc(*bytes + 1);
    assert_int_equal(fread(data, 1, *bytes, f), *bytes);
    fclose(f);
    return data;
}

static void spill(const char *path, const char *data, size_t bytes)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, bytes, f), bytes);
    fclose(f);
}

static void what_goes_in_comes_out(void **state)
{
    (void)state;
    net a, b;
    net_make(&a, 5, 1);
    net_make(&b, 5, 2);
    zoe_checkpoint *from = capture(&a, 7), *read, *again;
    char sha[4][65];
    assert_int_equal(zoe_checkpoint_write(from, a.context, file("a.zoe")), ZOE_OK);
    assert_int_equal(zoe_checkpoint_read(&read, b.context, file("a.zoe")), ZOE_OK);
    assert_string_equal(zoe_checkpoint_get_info(read)->net, "tiny");
    assert_string_equal(zoe_checkpoint_get_info(read)->options, "{\"lr\":\"0.1\"}");
    assert_int_equal(zoe_checkpoint_get_info(read)->step, 7);
    zoe_checkpoint *other = capture(&b, 7);
    assert_int_equal(zoe_checkpoint_restore(read, b.context, b.store), ZOE_OK);
    again = capture(&b, 7);
    const zoe_checkpoint *const four[] = {from, read, again, other};
    for (int i = 0; i < 4; i++) zoe_checkpoint_weights_sha256(four[i], sha[i]);
    assert_string_equal(sha[0], sha[1]);
    assert_string_equal(sha[0], sha[2]);
    assert_string_not_equal(sha[0], sha[3]);
    for (size_t i = 0; i < zoe_checkpoint_tensors(from); i++) {
        const zoe_checkpoint_tensor x = zoe_checkpoint_tensor_at(from, i), y = zoe_checkpoint_tensor_at(again, i);
        assert_memory_equal(x.data, y.data, x.count * sizeof(float));
        assert_true((x.state[0] != NULL) == x.trainable);
        if (x.state[0]) assert_memory_equal(x.state[0], y.state[0], x.count * sizeof(float));
    }
    zoe_checkpoint_free(&from);
    zoe_checkpoint_free(&read);
    zoe_checkpoint_free(&again);
    zoe_checkpoint_free(&other);
    net_free(&a);
    net_free(&b);
}

static int rank_of(const zoe_checkpoint *c, const char *name)
{
    for (size_t i = 0; i < zoe_checkpoint_tensors(c); i++)
        if (!strcmp(zoe_checkpoint_tensor_at(c, i).name, name)) return zoe_checkpoint_tensor_at(c, i).rank;
    return -1;
}

static void shapes_are_pytorchs(void **state)
{
    (void)state;
    net a;
    net_make(&a, 5, 1);
    zoe_checkpoint *c = capture(&a, 1);
    assert_int_equal(rank_of(c, "conv.weight"), 4); /* 1x1, yet not a matrix */
    assert_int_equal(rank_of(c, "conv.bias"), 1);
    assert_int_equal(rank_of(c, "bn.weight"), 1);
    assert_int_equal(rank_of(c, "bn.running_var"), 1);
    assert_int_equal(rank_of(c, "head.fc.weight"), 2);
    assert_int_equal(rank_of(c, "head.fc.bias"), 1);
    zoe_checkpoint_free(&c);
    net_free(&a);
}

static void every_damage_is_seen(void **state)
{
    (void)state;
    net a;
    net_make(&a, 5, 1);
    zoe_checkpoint *c = capture(&a, 1), *read;
    size_t bytes;
    assert_int_equal(zoe_checkpoint_write(c, a.context, file("good.zoe")), ZOE_OK);
    char *data = slurp(file("good.zoe"), &bytes);
    for (size_t at = 0; at < bytes; at++) {
        data[at] ^= 1 << at % 8;
        spill(file("bad.zoe"), data, bytes);
        data[at] ^= 1 << at % 8;
        assert_int_equal(zoe_checkpoint_read(&read, a.context, file("bad.zoe")), ZOE_DATA);
        assert_null(read);
        assert_non_null(strstr(zoe_context_error(a.context), "bad.zoe"));
        zoe_context_clear(a.context);
    }
    for (size_t length = 0; length < bytes; length += 13) {
        spill(file("bad.zoe"), data, length);
        assert_int_equal(zoe_checkpoint_read(&read, a.context, file("bad.zoe")), ZOE_DATA);
        zoe_context_clear(a.context);
    }
    free(data);
    zoe_checkpoint_free(&c);
    net_free(&a);
}

static void another_network_is_refused(void **state)
{
    (void)state;
    net a, b;
    net_make(&a, 5, 1);
    net_make(&b, 6, 1);
    zoe_checkpoint *c = capture(&a, 1);
    assert_int_equal(zoe_checkpoint_restore(c, b.context, b.store), ZOE_CONFIG);
    assert_non_null(strstr(zoe_context_error(b.context), "tiny"));
    zoe_checkpoint_free(&c);
    net_free(&a);
    net_free(&b);
}

static void two_are_kept_and_a_damaged_one_gives_way(void **state)
{
    (void)state;
    net a;
    net_make(&a, 5, 1);
    zoe_checkpoint *c, *read;
    char *note = NULL;
    size_t bytes;
    char run[160];
    snprintf(run, sizeof run, "%s", file("run"));
    for (int64_t step = 10; step <= 40; step += 10) {
        c = capture(&a, step);
        assert_int_equal(zoe_checkpoint_save(c, a.context, run), ZOE_OK);
        zoe_checkpoint_free(&c);
    }
    assert_int_equal(zoe_checkpoint_files(run), 2);
    spill(file("run/step-000000011.zoe.tmp"), "x", 1); /* of a killed process */
    spill(file("run/other.tmp"), "x", 1);
    c = capture(&a, 40);
    assert_int_equal(zoe_checkpoint_save(c, a.context, run), ZOE_OK);
    zoe_checkpoint_free(&c);
    assert_int_equal(access(file("run/step-000000011.zoe.tmp"), F_OK), -1);
    assert_int_equal(access(file("run/other.tmp"), F_OK), 0);
    assert_int_equal(zoe_checkpoint_open(&read, a.context, run, &note), ZOE_OK);
    assert_int_equal(zoe_checkpoint_get_info(read)->step, 40);
    assert_null(note);
    zoe_checkpoint_free(&read);

    char *data = slurp(file("run/step-000000040.zoe"), &bytes);
    data[bytes - 5] ^= 64;
    spill(file("run/step-000000040.zoe"), data, bytes);
    assert_int_equal(zoe_checkpoint_open(&read, a.context, run, &note), ZOE_OK);
    assert_int_equal(zoe_checkpoint_get_info(read)->step, 30);
    assert_non_null(strstr(note, "step-000000040.zoe"));
    assert_non_null(strstr(note, "step-000000030.zoe"));
    zoe_checkpoint_free(&read);
    free(note);

    /* Going on from 30 must not leave the damaged 40 in the way. */
    c = capture(&a, 35);
    assert_int_equal(zoe_checkpoint_save(c, a.context, run), ZOE_OK);
    zoe_checkpoint_free(&c);
    assert_int_equal(zoe_checkpoint_open(&read, a.context, run, &note), ZOE_OK);
    assert_int_equal(zoe_checkpoint_get_info(read)->step, 35);
    assert_null(note);
    zoe_checkpoint_free(&read);

    spill(file("run/step-000000030.zoe"), data, 10);
    spill(file("run/step-000000035.zoe"), data, 10);
    assert_int_equal(zoe_checkpoint_open(&read, a.context, run, &note), ZOE_DATA);
    free(data);
    net_free(&a);
}

/* Saves step 2 over a folder with step 1 in a child process with a fault; returns how the child ended. */
static int save_in_child(const char *fault, rlim_t limit)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        net b;
        if (fault) setenv("ZOE_FAIL_WRITE", fault, 1);
        signal(SIGXFSZ, SIG_IGN);
        net_make(&b, 5, 2);
        zoe_checkpoint *c = capture(&b, 2);
        const struct rlimit size = {limit, limit};
        if (limit) setrlimit(RLIMIT_FSIZE, &size);
        _exit((int)zoe_checkpoint_save(c, b.context, file("faulty")));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static bool has_temporary(const char *path)
{
    bool found = false;
    DIR *dir = opendir(path);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        found = found || strstr(entry->d_name, ".tmp");
    closedir(dir);
    return found;
}

static int64_t newest(net *a)
{
    zoe_checkpoint *read;
    assert_int_equal(zoe_checkpoint_open(&read, a->context, file("faulty"), NULL), ZOE_OK);
    const int64_t step = zoe_checkpoint_get_info(read)->step;
    zoe_checkpoint_free(&read);
    return step;
}

static void no_fault_of_the_disk_costs_the_old_one(void **state)
{
    (void)state;
#if !ZOE_TEST_HOOKS
    skip();
#endif
    net a;
    net_make(&a, 5, 1);
    zoe_checkpoint *c = capture(&a, 1);
    assert_int_equal(zoe_checkpoint_save(c, a.context, file("faulty")), ZOE_OK);
    int ended = -1, faults = 0;
    for (int n = 1; ended != ZOE_OK; n++) { /* until no operation is left to fail */
        char fault[16];
        assert_true(n < 100);
        snprintf(fault, sizeof fault, "%d", n);
        ended = save_in_child(fault, 0);
        assert_true(ended == ZOE_OK || ended == ZOE_DISK);
        assert_false(has_temporary(file("faulty")));
        newest(&a); /* something good is always there */
        remove(file("faulty/step-000000002.zoe"));
        assert_int_equal(newest(&a), 1);
        faults += ended != ZOE_OK;
    }
    assert_true(faults >= 6); /* open, writes, fsync, rename, fsync of the folder */
    for (int n = 1; n <= faults; n++) {
        char fault[16];
        snprintf(fault, sizeof fault, "%d:kill", n);
        assert_int_equal(save_in_child(fault, 0), -SIGKILL);
        newest(&a);
        remove(file("faulty/step-000000002.zoe"));
        assert_int_equal(newest(&a), 1);
    }
    assert_int_equal(save_in_child(NULL, 700), ZOE_DISK);
    assert_false(has_temporary(file("faulty")));
    assert_int_equal(newest(&a), 1);
    zoe_checkpoint_free(&c);
    net_free(&a);
}

/* The header's rows must cover the data without holes and overlaps, and hold our numbers. */
static void safetensors_are_whole(void **state)
{
    (void)state;
    net a;
    net_make(&a, 5, 1);
    zoe_checkpoint *c = capture(&a, 3);
    size_t bytes, rows = 0, covered = 0;
    uint64_t header_bytes;
    assert_int_equal(zoe_checkpoint_export_safetensors(c, a.context, file("w.safetensors"), false), ZOE_OK);
    char *data = slurp(file("w.safetensors"), &bytes);
    memcpy(&header_bytes, data, 8);
    assert_int_equal(header_bytes % 8, 0);
    json_t *header = json_loadb(data + 8, header_bytes, JSON_REJECT_DUPLICATES, NULL), *row;
    const char *name;
    const char *body = data + 8 + header_bytes;
    assert_non_null(header);
    json_object_foreach(header, name, row)
    {
        if (!strcmp(name, "__metadata__")) continue;
        const json_int_t begin = json_integer_value(json_array_get(json_object_get(row, "data_offsets"), 0));
        const json_int_t end = json_integer_value(json_array_get(json_object_get(row, "data_offsets"), 1));
        rows++;
        covered += (size_t)(end - begin);
        if (!strcmp(json_string_value(json_object_get(row, "dtype")), "I64")) {
            int64_t batches;
            memcpy(&batches, body + begin, 8);
            assert_int_equal(begin % 8, 0);
            assert_int_equal(batches, 3);
            assert_string_equal(name, "bn.num_batches_tracked");
            continue;
        }
        for (size_t i = 0; i < zoe_checkpoint_tensors(c); i++) {
            const zoe_checkpoint_tensor t = zoe_checkpoint_tensor_at(c, i);
            if (strcmp(t.name, name)) continue;
            assert_int_equal(end - begin, t.count * sizeof(float));
            assert_memory_equal(body + begin, t.data, t.count * sizeof(float));
            assert_int_equal(json_array_size(json_object_get(row, "shape")), (size_t)t.rank);
        }
    }
    assert_int_equal(rows, zoe_checkpoint_tensors(c) + 1);
    assert_int_equal(8 + header_bytes + covered, bytes);
    json_decref(header);
    free(data);
    assert_int_equal(zoe_checkpoint_export_safetensors(c, a.context, file("b.safetensors"), true), ZOE_OK);
    data = slurp(file("b.safetensors"), &bytes);
    memcpy(&header_bytes, data, 8);
    data[8 + header_bytes] = '\0';
    assert_non_null(strstr(data + 8, "conv.weight"));
    assert_null(strstr(data + 8, "head."));
    free(data);
    zoe_checkpoint_free(&c);
    net_free(&a);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/zoe-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out),
        cmocka_unit_test(shapes_are_pytorchs),
        cmocka_unit_test(every_damage_is_seen),
        cmocka_unit_test(another_network_is_refused),
        cmocka_unit_test(two_are_kept_and_a_damaged_one_gives_way),
        cmocka_unit_test(no_fault_of_the_disk_costs_the_old_one),
        cmocka_unit_test(safetensors_are_whole),
    };
    return cmocka_run_group_tests_name("train/checkpoint", tests, set_up, tear_down);
}
