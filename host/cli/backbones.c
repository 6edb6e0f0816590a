/* SPDX-License-Identifier: Apache-2.0
 *
 * `zoe backbones`: the networks that can be trained. */
#include <zoe/backbone.h>
#include <zoe/op.h>

#include "cli/cli.h"

/* Layers and number of parameters: from building the network once, without a device. */
static zoe_status describe(zoe__cli *cli, const zoe_backbone *net, json_t **out)
{
    zoe_graph *graph;
    ZOE_TRY(zoe_graph_new(&graph, cli->context));
    const zoe_shape input = zoe_backbone_input(net, 1);
    const zoe_value x = zoe_input(graph, "x", ZOE_F32, input);
    const zoe_value features = net->build(graph, x, 0);
    const zoe_status status = zoe_graph_status(graph);
    if (status == ZOE_OK) {
        json_t *layers = json_array();
        for (size_t i = 0; i < zoe_graph_marks(graph); i++) {
            const char *name = zoe_graph_mark_name(graph, i);
            const zoe_shape s = zoe_graph_shape(graph, zoe_graph_mark_value(graph, name));
            json_array_append_new(layers, json_pack("{s:s, s:[i, i, i]}", "name", name, "shape", s.c, s.h, s.w));
        }
        const zoe_shape f = zoe_graph_shape(graph, features);
        *out = json_pack("{s:s, s:s, s:i, s:i, s:[i, i, i], s:s, s:i, s:I, s:o}", "name", net->name, "summary",
                         net->summary, "frame", net->frame, "crop", net->crop, "input", input.c, input.h, input.w,
                         "features", net->features, "feature_count", f.c * f.h * f.w, "parameters",
                         (json_int_t)zoe_graph_parameters(graph), "layers", layers);
    }
    zoe_graph_free(&graph);
    return status;
}

static void print_one(const json_t *net)
{
    size_t i;
    json_t *layer;
    const json_t *input = json_object_get(net, "input");
    const json_int_t frame = json_integer_value(json_object_get(net, "frame"));
    printf("%-15s%s\n%15s", json_string_value(json_object_get(net, "name")),
           json_string_value(json_object_get(net, "summary")), "");
    if (frame) printf("frames %lld, ", frame);
    printf("input %lldx%lldx%lld, %lld parameters, features '%s' (%lld); layers",
           json_integer_value(json_array_get(input, 0)), json_integer_value(json_array_get(input, 1)),
           json_integer_value(json_array_get(input, 2)), json_integer_value(json_object_get(net, "parameters")),
           json_string_value(json_object_get(net, "features")),
           json_integer_value(json_object_get(net, "feature_count")));
    json_array_foreach(json_object_get(net, "layers"), i, layer)
        printf(" %s", json_string_value(json_object_get(layer, "name")));
    putchar('\n');
}

static zoe_status run(zoe__cli *cli)
{
    json_t *list = json_array();
    for (size_t i = 0; zoe_backbone_at(i); i++) {
        json_t *net = NULL;
        const zoe_status status = describe(cli, zoe_backbone_at(i), &net);
        if (status != ZOE_OK) {
            json_decref(list);
            return status;
        }
        if (!cli->json) print_one(net);
        json_array_append_new(list, net);
    }
    if (cli->json) return zoe__cli_print_json(cli, list);
    json_decref(list);
    return ZOE_OK;
}

static const zoe_option options[] = {ZOE__OPTION_JSON, ZOE__OPTION_END};

const zoe__verb zoe__verb_backbones = {
    .name = "backbones",
    .summary = "list the networks with their layers",
    .usage = "[--json]",
    .examples = "zoe backbones\n"
                "zoe train shuffle-learn clips --out run --net resnet18\n",
    .options = options,
    .run = run,
};
