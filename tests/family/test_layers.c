/* Layers: sizes against the formulas over many settings, what they declare, how activations and initialisers find each
 * other, and what is refused. */
#include "nn/layer.h"
#include "support/evidence.h"

static const gr_layer *named(const char *name)
{
    int n;
    const gr_layer *const *all = gr__layers(&n);
    for (int i = 0; i < n; i++)
        if (strcmp(all[i]->head.name, name) == 0) return all[i];
    fail_msg("no layer %s", name);
    return NULL;
}

static gr_build begin(ev_bench *b, const char *set)
{
    assert_true(ev_begin(b, set));
    return (gr_build){.ctx = b->ctx, .g = b->g, .mode = GR_MODE_EVALUATE, .memory = b->memory, .layer = "l"};
}

/* Builds `set` (its type names the layer) on a feed of a shape. */
static gr_val build_on(gr_build *build, const gr_tree *set, gr_shape in)
{
    gr_settings s;
    const gr_layer *m = named(gr__type_of(build->ctx, set, "layer", NULL));
    if (gr__settings_make(build->ctx, build->memory, &m->head, set, GR_PRESET_CHAPTER, gr__layer_common_keys, &s) !=
        GR_OK)
        return gr_graph_fail(build->g, gr__error_code(build->ctx), "settings");
    gr_val x = gr_feed(build->g, "x", GR_REAL, in);
    return m->build(build, &s, &x, 1);
}

static gr_shape output_of(const char *set, gr_shape in)
{
    ev_bench b;
    gr_build build = begin(&b, set);
    gr_shape out = gr_shape_of(b.g, build_on(&build, b.tree, in));
    test_ok(b.ctx, gr_graph_status(b.g));
    ev_end(&b);
    return out;
}

/* ---- sizes ---- */

static void same_padding_gives_the_input_over_the_stride(void **state)
{
    (void)state;
    char set[160];
    for (int in = 1; in <= 9; in++) {
        for (int kernel = 1; kernel <= 5; kernel++) {
            for (int stride = 1; stride <= 3; stride++) {
                for (int dilation = 1; dilation <= 2; dilation++) {
                    snprintf(set, sizeof set,
                             "{type: conv, filters: 2, kernel: %d, stride: %d, dilation: %d, padding: same}", kernel,
                             stride, dilation);
                    gr_shape out = output_of(set, GR_SHAPE(1, in, 10 - in, 3)),
                             line = output_of(set, GR_SHAPE(1, in, 3));
                    assert_int_equal(out.dim[1], (in + stride - 1) / stride);
                    assert_int_equal(out.dim[2], (10 - in + stride - 1) / stride);
                    assert_int_equal(line.rank, 3);
                    assert_int_equal(line.dim[1], (in + stride - 1) / stride);
                    assert_int_equal(line.dim[2], 2);
                }
            }
        }
    }
}

/* PyTorch's formula: ceil, less one where the last window would start behind the input and the padding before it. */
static int64_t pooled(int64_t in, int64_t size, int64_t stride, int64_t pad, bool ceil)
{
    int64_t room = in + 2 * pad - size, out = (ceil ? (room + stride - 1) / stride : room / stride) + 1;
    return ceil && (out - 1) * stride >= in + pad ? out - 1 : out;
}

static void pooling_has_pytorchs_sizes(void **state)
{
    (void)state;
    char set[160];
    static const char *const kinds[] = {"max_pool", "avg_pool"};
    for (int in = 4; in <= 9; in++) {
        for (int size = 1; size <= 4; size++) {
            for (int stride = 1; stride <= 5; stride++) {
                for (int pad = 0; pad <= size / 2; pad++) {
                    for (int ceil = 0; ceil < 2; ceil++) {
                        snprintf(set, sizeof set, "{type: %s, size: %d, stride: %d, padding: %d, ceil: %s}",
                                 kinds[(in + stride) % 2], size, stride, pad, ceil ? "true" : "false");
                        gr_shape out = output_of(set, GR_SHAPE(2, in, 13 - in, 3));
                        if (out.dim[1] != pooled(in, size, stride, pad, ceil) ||
                            out.dim[2] != pooled(13 - in, size, stride, pad, ceil))
                            fail_msg("%s on %d x %d: %d x %d", set, in, 13 - in, (int)out.dim[1], (int)out.dim[2]);
                    }
                }
            }
        }
    }
}

static void transposed_windows_give_pytorchs_sizes(void **state)
{
    (void)state;
    char set[200];
    for (int i = 0; i < 2000; i++) {
        int in = 1 + i % 4, kernel = 1 + i / 4 % 4, stride = 1 + i / 16 % 3, dilation = 1 + i / 48 % 2,
            pad = i / 96 % 3, more = i / 288 % 3;
        int whole = (in - 1) * stride + dilation * (kernel - 1) + 1, out = whole - 2 * pad + more;
        snprintf(set, sizeof set,
                 "{type: conv_transpose, filters: 2, kernel: %d, stride: %d, dilation: %d, padding: same}", kernel,
                 stride, dilation);
        assert_int_equal(output_of(set, GR_SHAPE(1, in, 5, 3)).dim[1], in * stride);
        if (out < 1 || out - GR_MAX(more - pad, 0) < 1 || more >= GR_MAX(stride, dilation)) continue;
        snprintf(
            set, sizeof set,
            "{type: conv_transpose, filters: 2, kernel: [%d, 1], stride: [%d, 1], dilation: [%d, 1], padding: [%d, 0], "
            "output_padding: [%d, 0]}",
            kernel, stride, dilation, pad, more);
        assert_int_equal(output_of(set, GR_SHAPE(1, in, 5, 3)).dim[1], out);
    }
}

static void pooling_tiles_unless_told_otherwise(void **state)
{
    (void)state;
    gr_shape out = output_of("{type: max_pool, size: [2, 3]}", GR_SHAPE(5, 7, 9, 2));
    assert_true(out.dim[0] == 5 && out.dim[1] == 3 && out.dim[2] == 3 && out.dim[3] == 2);
    out = output_of("max_pool", GR_SHAPE(5, 7, 2));
    assert_true(out.rank == 3 && out.dim[1] == 3 && out.dim[2] == 2);
}

/* ---- what is declared ---- */

static void parameters_know_their_shape_role_layout_and_fans(void **state)
{
    (void)state;
    ev_bench b;
    gr_build build = begin(&b, "{type: conv, filters: 6, kernel: [3, 2], groups: 2}");
    build_on(&build, b.tree, GR_SHAPE(2, 8, 8, 4));
    test_ok(b.ctx, gr_graph_status(b.g));
    assert_int_equal(build.n_params, 2);
    const gr_param_info *w = &build.params[0], *bias = &build.params[1];
    assert_string_equal(w->entry.name, "l.weight");
    assert_true(gr__shape_equal(w->entry.shape, GR_SHAPE(6, 3, 2, 2)) && w->entry.layout == GR_LAYOUT_CONV &&
                w->entry.role == GR_ROLE_WEIGHT && !w->is_bias);
    assert_true(w->fan_in == 12 && w->fan_out == 36);
    assert_string_equal(bias->entry.name, "l.bias");
    assert_true(bias->is_bias && bias->entry.role == GR_ROLE_BIAS && gr__shape_equal(bias->entry.shape, GR_SHAPE(6)) &&
                bias->fan_in == 12);
    ev_end(&b);
    build = begin(&b, "{type: conv, filters: 5, kernel: 4, bias: false}");
    build_on(&build, b.tree, GR_SHAPE(2, 8, 3));
    assert_true(build.n_params == 1 && build.params[0].entry.layout == GR_LAYOUT_CONV1D &&
                gr__shape_equal(build.params[0].entry.shape, GR_SHAPE(5, 1, 4, 3)));
    assert_true(build.params[0].fan_in == 12 && build.params[0].fan_out == 20);
    ev_end(&b);
    build = begin(&b, "{type: conv_transpose, filters: 6, kernel: [3, 4], stride: 2, groups: 2}");
    build_on(&build, b.tree, GR_SHAPE(2, 8, 8, 4));
    w = &build.params[0];
    assert_true(build.n_params == 2 && w->entry.layout == GR_LAYOUT_CONV &&
                gr__shape_equal(w->entry.shape, GR_SHAPE(4, 3, 4, 3)) && w->fan_in == 6 && w->fan_out == 36);
    ev_end(&b);
    build = begin(&b, "{type: dense, units: 7}");
    build.last = true;
    build_on(&build, b.tree, GR_SHAPE(2, 3));
    assert_true(build.n_params == 2 && build.params[0].fan_in == 3 && build.params[0].fan_out == 7 &&
                build.params[0].last && build.params[0].entry.layout == GR_LAYOUT_PLAIN);
    ev_end(&b);
}

static void equal_names_are_one_parameter(void **state)
{
    (void)state;
    ev_bench b;
    gr_build build = begin(&b, "dense");
    gr_val first = gr__build_param(&build, "weight", GR_SHAPE(2, 3), GR_ROLE_WEIGHT, GR_LAYOUT_PLAIN, 3, 2);
    assert_true(first != GR_NONE &&
                gr__build_param(&build, "weight", GR_SHAPE(2, 3), GR_ROLE_WEIGHT, GR_LAYOUT_PLAIN, 3, 2) == first);
    assert_int_equal(build.n_params, 1);
    char suffix[16];
    for (int i = 0; i < 100; i++) { /* more than the first room */
        snprintf(suffix, sizeof suffix, "p%d", i);
        gr__build_param(&build, suffix, GR_SHAPE(1), GR_ROLE_BIAS, GR_LAYOUT_PLAIN, 1, 1);
    }
    assert_int_equal(build.n_params, 101);
    assert_string_equal(build.params[100].entry.name, "l.p99");
    assert_int_equal(gr__build_param(&build, "weight", GR_SHAPE(3, 2), GR_ROLE_WEIGHT, GR_LAYOUT_PLAIN, 2, 3), GR_NONE);
    assert_int_equal(gr__error_code(b.ctx), GR_E_SHAPE);
    assert_non_null(strstr(gr_context_error(b.ctx)->message, "l.weight"));
    ev_end(&b);
}

static void a_layers_own_activation_decides_what_follows(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        gr_follow outside, follow;
        double slope;
    } rows[] = {
        {"{type: dense, units: 2}", GR_FOLLOW_TANH, GR_FOLLOW_TANH, 0},
        {"{type: dense, units: 2, activation: relu}", GR_FOLLOW_NOTHING, GR_FOLLOW_RELU, 0},
        {"{type: dense, units: 2, activation: sigmoid}", GR_FOLLOW_RELU, GR_FOLLOW_SIGMOID, 0},
        {"{type: dense, units: 2, activation: softmax}", GR_FOLLOW_RELU, GR_FOLLOW_NOTHING, 0},
        {"{type: dense, units: 2, activation: leaky_relu}", GR_FOLLOW_NOTHING, GR_FOLLOW_LEAKY, 0.01},
        {"{type: dense, units: 2, activation: {type: leaky_relu, slope: 0.3}}", GR_FOLLOW_NOTHING, GR_FOLLOW_LEAKY,
         0.3},
        {"{type: dense, units: 2, activation: none}", GR_FOLLOW_RELU, GR_FOLLOW_RELU, 0},
        {"{type: dense, units: 2, activation: linear}", GR_FOLLOW_NOTHING, GR_FOLLOW_NOTHING, 0},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        ev_bench b;
        gr_build build = begin(&b, rows[i].set);
        build.follow = rows[i].outside;
        build_on(&build, b.tree, GR_SHAPE(2, 3));
        test_ok(b.ctx, gr_graph_status(b.g));
        assert_int_equal(build.params[0].follow, rows[i].follow);
        assert_true(build.params[0].slope == rows[i].slope);
        ev_end(&b);
    }
}

/* ---- what is refused ---- */

static void refused_layers(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        gr_shape in;
        gr_status code;
        const char *says;
    } rows[] = {
        {"dense", {2, {2, 3}}, GR_E_MISSING, "units"},
        {"{type: dense, units: 0}", {2, {2, 3}}, GR_E_RANGE, "0"},
        {"{type: dense, units: 2}", {1, {2}}, GR_E_SHAPE, "axis"},
        {"{type: dense, units: 2, activation: rely}", {2, {2, 3}}, GR_E_NAME, "rely"},
        {"{type: dense, units: 2, activation: dense}", {2, {2, 3}}, GR_E_NAME, "dense"},
        {"{type: dense, units: 2, activation: {slope: 1}}", {2, {2, 3}}, GR_E_MISSING, "type"},
        {"{type: dense, units: 2, activation: {type: leaky_relu, slope: 2}}", {2, {2, 3}}, GR_E_RANGE, "2"},
        {"{type: dense, units: 2, activation: [relu]}", {2, {2, 3}}, GR_E_TYPE, "list"},
        {"{type: dense, units: 2, bias: 3}", {2, {2, 3}}, GR_E_TYPE, "3"},
        {"{type: conv, filters: 2}", {2, {2, 3}}, GR_E_SHAPE, "1 axis"},
        {"{type: conv, filters: 2}", {5, {2, 3, 3, 3, 3}}, GR_E_SHAPE, "4 axes"},
        {"{type: conv, filters: 2, kernel: 5}", {4, {1, 4, 9, 1}}, GR_E_SHAPE, "kernel of 5"},
        {"{type: conv, filters: 2, kernel: 3, dilation: 3}", {4, {1, 9, 6, 1}}, GR_E_SHAPE, "reaches over 7"},
        {"{type: conv, filters: 2, kernel: [1, 2, 3]}", {4, {1, 9, 6, 1}}, GR_E_TYPE, "list of 3"},
        {"{type: conv, filters: 2, kernel: [1, 2]}", {3, {1, 9, 6}}, GR_E_TYPE, "list of 2"},
        {"{type: conv, filters: 2, padding: full}", {4, {1, 9, 9, 1}}, GR_E_RANGE, "full"},
        {"{type: conv, filters: 2, padding: -1}", {4, {1, 9, 9, 1}}, GR_E_RANGE, "-1"},
        {"{type: conv, filters: 2, padding: 1.5}", {4, {1, 9, 9, 1}}, GR_E_RANGE, "1.5"},
        {"{type: conv, filters: 2, padding: {h: 1}}", {4, {1, 9, 9, 1}}, GR_E_RANGE, ""},
        {"{type: conv, filters: 2, padding: [[1], 1]}", {4, {1, 9, 9, 1}}, GR_E_RANGE, ""},
        {"{type: conv, filters: 2, padding: []}", {4, {1, 9, 9, 1}}, GR_E_RANGE, ""},
        {"{type: conv, filters: 4, groups: 3}", {4, {1, 9, 9, 6}}, GR_E_SHAPE, "3 groups"},
        {"{type: conv, filters: 3, groups: 3}", {4, {1, 9, 9, 4}}, GR_E_SHAPE, "4 channels"},
        {"{type: conv, filters: 4, groups: depthwise}", {4, {1, 9, 9, 3}}, GR_E_SHAPE, "3 groups"},
        {"{type: conv, filters: 4, groups: 0}", {4, {1, 9, 9, 4}}, GR_E_RANGE, "0"},
        {"{type: conv, filters: 4, groups: each}", {4, {1, 9, 9, 4}}, GR_E_RANGE, "each"},
        {"{type: conv, filters: 4, stride: 0}", {4, {1, 9, 9, 4}}, GR_E_RANGE, "0"},
        {"{type: conv, filters: 4, activation: rely}", {4, {1, 9, 9, 4}}, GR_E_NAME, "rely"},
        {"{type: max_pool, size: 2, padding: 2}", {4, {1, 4, 4, 1}}, GR_E_RANGE, "half"},
        {"{type: max_pool, size: 5}", {4, {1, 4, 4, 1}}, GR_E_SHAPE, "size of 5"},
        {"max_pool", {2, {2, 3}}, GR_E_SHAPE, ""},
        {"avg_pool", {2, {2, 3}}, GR_E_SHAPE, ""},
        {"global_avg_pool", {2, {2, 3}}, GR_E_SHAPE, ""},
        {"global_max_pool", {2, {2, 3}}, GR_E_SHAPE, "1 axis"},
        {"adaptive_avg_pool", {4, {1, 4, 4, 1}}, GR_E_MISSING, "size"},
        {"{type: adaptive_avg_pool, size: 0}", {4, {1, 4, 4, 1}}, GR_E_RANGE, "0"},
        {"{type: adaptive_max_pool, size: [1, 2, 3]}", {4, {1, 4, 4, 1}}, GR_E_TYPE, "list of 3"},
        {"{type: adaptive_max_pool, size: 2}", {2, {2, 3}}, GR_E_SHAPE, "1 axis"},
        {"{type: adaptive_avg_pool, size: 2}", {4, {1, 0, 4, 1}}, GR_E_SHAPE, "hold nothing"},
        {"{type: conv_transpose, filters: 2}", {2, {2, 3}}, GR_E_SHAPE, "1 axis"},
        {"{type: conv_transpose, filters: 4, groups: 3}", {4, {1, 9, 9, 6}}, GR_E_SHAPE, "3 groups"},
        {"{type: conv_transpose, filters: 4, padding: full}", {4, {1, 9, 9, 1}}, GR_E_RANGE, "full"},
        {"{type: conv_transpose, filters: 4, padding: 3}", {4, {1, 2, 9, 1}}, GR_E_SHAPE, "leaves nothing of 4"},
        {"{type: conv_transpose, filters: 4, output_padding: 1}", {4, {1, 2, 9, 1}}, GR_E_RANGE, "stride of 1"},
        {"{type: conv_transpose, filters: 4, dilation: 2, output_padding: 2}",
         {4, {1, 2, 9, 1}},
         GR_E_RANGE,
         "nor below the dilation"},
        {"{type: conv_transpose, filters: 4, stride: 2, padding: same, output_padding: 1}",
         {4, {1, 2, 9, 1}},
         GR_E_RANGE,
         "same settles"},
        {"{type: conv_transpose, filters: 4, output_padding: -1}", {4, {1, 2, 9, 1}}, GR_E_RANGE, "-1"},
        {"softmax", {1, {3}}, GR_E_SHAPE, ""},
        {"{type: dropout, rate: 1}", {2, {2, 3}}, GR_E_RANGE, "1"},
        {"{type: leaky_relu, slope: -1}", {2, {2, 3}}, GR_E_RANGE, "-1"},
        {"{type: relu, slope: 1}", {2, {2, 3}}, GR_E_KEY, "slope"},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        ev_bench b;
        gr_build build = begin(&b, rows[i].set);
        gr_val y = build_on(&build, b.tree, rows[i].in);
        if (y != GR_NONE || gr__error_code(b.ctx) != rows[i].code ||
            !strstr(gr_context_error(b.ctx)->message, rows[i].says))
            fail_msg("%s: %s, %s", rows[i].set, gr_status_name(gr__error_code(b.ctx)),
                     gr_context_error(b.ctx)->message);
        assert_int_equal(gr_graph_status(b.g), rows[i].code);
        ev_end(&b);
    }
}

/* ---- lengths ---- */

static const double *get_named(void *user, const gr_graph *g, const gr_node *n)
{
    (void)g;
    return strcmp(n->attr.name, "x") == 0 ? ((const double *const *)user)[0] : ((const double *const *)user)[1];
}

/* Steps beyond a sample's length change nothing, whatever stands there, and get no gradient. */
static void global_pooling_is_over_the_steps_that_count(void **state)
{
    (void)state;
    const double x[] = {1, -2, 3, 0, 5, NAN, NAN, 9, -4, -1, 2, 2, -7, 8, 6, 1}, lengths[] = {2, 4};
    const double *const given[] = {x, lengths};
    const struct {
        const char *set;
        double y[4], slope[16];
    } rows[] = {
        {"global_avg_pool", {2, -1, -0.75, 2.5}, {.5, .5, .5, .5, 0, 0, 0, 0, .25, .25, .25, .25, .25, .25, .25, .25}},
        {"global_max_pool", {3, 0, 6, 8}, {0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0}}};
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        ev_bench b;
        gr_build build = begin(&b, rows[i].set);
        build.lengths = gr_feed(b.g, "lengths", GR_I32, GR_SHAPE(2));
        gr_val values[2] = {build_on(&build, b.tree, GR_SHAPE(2, 4, 2))},
               in = gr_feed(b.g, "x", GR_REAL, GR_SHAPE(2, 4, 2));
        double y[4], slope[16], *to[] = {y, slope};
        assert_true(named(rows[i].set)->takes_lengths && build.lengths == GR_NONE);
        test_ok(b.ctx, gr_gradients(b.g, gr_sum_all(b.g, values[0]), &in, 1, &values[1]));
        test_ok(b.ctx, gr__eval(b.g, values, 2, get_named, (void *)given, to));
        for (int k = 0; k < 4; k++) assert_true(y[k] == rows[i].y[k]);
        for (int k = 0; k < 16; k++) assert_true(slope[k] == rows[i].slope[k]);
        ev_end(&b);
    }
}

/* After the first error, building goes on without harm and the first error stays. */
static void building_after_an_error_does_nothing(void **state)
{
    (void)state;
    int n;
    const gr_layer *const *all = gr__layers(&n);
    for (int i = 0; i < n; i++) {
        ev_bench b;
        gr_settings s;
        char set[400] = "{";
        for (int j = 0; j < all[i]->head.n_rows; j++) {
            const gr_row *row = &all[i]->head.rows[j];
            if (row->value) continue;
            size_t used = strlen(set);
            snprintf(set + used, sizeof set - used, "%s%s: %s", used > 1 ? ", " : "", row->name,
                     row->kind == GR_ROW_TREE ? "[relu]" : "2");
        }
        gr_build build = begin(&b, strcat(set, "}"));
        test_ok(b.ctx, gr__settings_make(b.ctx, b.memory, &all[i]->head, b.tree, GR_PRESET_CHAPTER, NULL, &s));
        gr_graph_fail(b.g, GR_E_SHAPE, "the first");
        gr_val in[2] = {GR_NONE, GR_NONE};
        assert_int_equal(all[i]->build(&build, &s, in, GR_MAX(all[i]->min_inputs, 1)), GR_NONE);
        assert_non_null(strstr(gr_context_error(b.ctx)->message, "the first"));
        assert_int_equal(build.n_params, 0);
        ev_end(&b);
    }
}

static void norms_say_what_they_are(void **state)
{
    (void)state;
    int n;
    const gr_layer *const *all = gr__layers(&n);
    for (int i = 0; i < n; i++) {
        const char *name = all[i]->head.name, *tail = strstr(name, "norm");
        bool batches = strncmp(name, "batch_", 6) == 0;
        gr_normalises want = !tail || tail[4] ? GR_NORMALISES_NOTHING
                             : batches        ? GR_NORMALISES_BATCHES
                                              : GR_NORMALISES_SAMPLES;
        if (all[i]->normalises != want) fail_msg("%s: normalises is %d", name, (int)all[i]->normalises);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_padding_gives_the_input_over_the_stride),
        cmocka_unit_test(pooling_has_pytorchs_sizes),
        cmocka_unit_test(transposed_windows_give_pytorchs_sizes),
        cmocka_unit_test(pooling_tiles_unless_told_otherwise),
        cmocka_unit_test(parameters_know_their_shape_role_layout_and_fans),
        cmocka_unit_test(equal_names_are_one_parameter),
        cmocka_unit_test(a_layers_own_activation_decides_what_follows),
        cmocka_unit_test(refused_layers),
        cmocka_unit_test(norms_say_what_they_are),
        cmocka_unit_test(global_pooling_is_over_the_steps_that_count),
        cmocka_unit_test(building_after_an_error_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
