/* Members with one mistake each, for `gradus check` to find. Linked with the command's files and
 * -Wl,--wrap=gr_context_create they are known to every context of it: gradus_faulty is gradus, with these.
 *
 * A wrong gradient is grafted onto a right value: stop(x) + L(x - stop(x)) has the value x, for L is linear, and L as
 * its derivative. */
#include <gradus/ext/cost.h>
#include <gradus/ext/layer.h>
#include <gradus/ext/optimizer.h>
#include <gradus/ext/source.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

gr_status __real_gr_context_create(const gr_context_options *options, gr_context **out);
gr_status __wrap_gr_context_create(const gr_context_options *options, gr_context **out);

/* What must not be: something that outlives a graph. */
static atomic_int graphs;

/* ---- layers ---- */

typedef gr_val layer(void *user, gr_build *b, const gr_settings *s, const gr_val *in, int n_in);

static gr_val moved(gr_graph *g, gr_val x)
{
    return gr_sub(g, x, gr_stop(g, x));
}

static gr_val sloped(gr_graph *g, gr_val x, double slope)
{
    return gr_add(g, gr_stop(g, x), gr_mul(g, gr_const(g, slope), moved(g, x)));
}

/* Each sample's place is taken by the next one's of the batch. */
static gr_val rolled(gr_graph *g, gr_val x)
{
    int64_t n = gr_shape_of(g, x).dim[0];
    if (n < 2) return x;
    return gr_concat(g, (const gr_val[]){gr_slice(g, x, 0, 1, n - 1), gr_slice(g, x, 0, 0, 1)}, 2, 0);
}

static gr_val batch_mean(gr_graph *g, gr_val x)
{
    double n = (double)gr_shape_of(g, x).dim[0];
    return gr_mul(g, gr_const(g, 1 / n), gr_sum(g, x, (const int[]){0}, 1, true));
}

#define LAYER(name) static gr_val name(void *user, gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
#define UNUSED (void)user, (void)s, (void)n_in
#define GRAPH gr_graph *g = gr_build_graph(b)

LAYER(cut)
{
    UNUSED;
    return gr_stop(gr_build_graph(b), in[0]);
}

LAYER(doubled)
{
    UNUSED;
    return sloped(gr_build_graph(b), in[0], 2);
}

LAYER(turned)
{
    UNUSED;
    return sloped(gr_build_graph(b), in[0], -1);
}

LAYER(straight_relu)
{
    UNUSED;
    GRAPH;
    return gr_add(g, gr_stop(g, gr_relu(g, in[0])), moved(g, in[0]));
}

LAYER(blind)
{
    UNUSED;
    GRAPH;
    return gr_mul(g, gr_const(g, 0), in[0]);
}

LAYER(logarithm)
{
    UNUSED;
    GRAPH;
    return gr_log(g, in[0]);
}

LAYER(exponential)
{
    UNUSED;
    GRAPH;
    return gr_exp(g, gr_mul(g, gr_const(g, 1000), gr_square(g, in[0])));
}

LAYER(next_sample)
{
    UNUSED;
    return rolled(gr_build_graph(b), in[0]);
}

LAYER(one_for_all)
{
    UNUSED;
    GRAPH;
    return gr_broadcast(g, batch_mean(g, in[0]), gr_shape_of(g, in[0]));
}

LAYER(leaning)
{
    UNUSED;
    GRAPH;
    return gr_sub(g, in[0], gr_mul(g, gr_const(g, 0.5), batch_mean(g, in[0])));
}

LAYER(turned_in_use)
{
    UNUSED;
    GRAPH;
    return gr_build_mode(b) == GR_MODE_TRAIN ? in[0] : gr_neg(g, in[0]);
}

/* Every other training batch has the outputs of other samples than its labels': as if labels were shuffled each step.
 */
LAYER(shuffling)
{
    UNUSED;
    GRAPH;
    gr_val odd = gr_build_state(b, "odd", GR_SHAPE(1), 0);
    if (gr_build_mode(b) != GR_MODE_TRAIN) return in[0];
    gr_build_observe(b, "odd", gr_sub(g, gr_const(g, 1), odd), 1);
    gr_val share = gr_reshape(g, odd, GR_SCALAR), other = gr_sub(g, rolled(g, in[0]), in[0]);
    return gr_add(g, in[0], gr_mul(g, share, other));
}

/* The gradient of every sixteenth batch is ten thousand times as large as it should be. */
LAYER(spiking)
{
    UNUSED;
    GRAPH;
    gr_val phase = gr_build_state(b, "phase", GR_SHAPE(1), 0);
    if (gr_build_mode(b) != GR_MODE_TRAIN) return in[0];
    gr_val last = gr_less(g, gr_const(g, 0.92), phase);
    gr_build_observe(b, "phase", gr_select(g, last, gr_const(g, 0), gr_add(g, phase, gr_const(g, 0.0625))), 1);
    gr_val factor = gr_reshape(g, gr_select(g, last, gr_const(g, 1e4), gr_const(g, 1)), GR_SCALAR);
    return gr_add(g, gr_stop(g, in[0]), gr_mul(g, gr_stop(g, factor), moved(g, in[0])));
}

LAYER(restless)
{
    UNUSED;
    GRAPH;
    return gr_mul(g, gr_const(g, 1 + 1e-3 * atomic_fetch_add(&graphs, 1)), in[0]);
}

LAYER(frozen_dense)
{
    (void)user, (void)n_in;
    GRAPH;
    int64_t features = gr_shape_of(g, in[0]).dim[1], units = gr_setting_int(s, "units");
    gr_val w = gr_build_param(b, "weight", GR_SHAPE(units, features), GR_ROLE_WEIGHT, features, units);
    return gr_matmul(g, in[0], gr_stop(g, w), false, true);
}

enum { POINT = GR_LAYER_POINTWISE | GR_LAYER_ACTIVATION };

static gr_status register_layers(gr_context *ctx)
{
    static const struct {
        const char *name, *title;
        layer *build;
        unsigned traits;
    } all[] = {
        {"cut", "No gradient passes", cut, POINT | GR_LAYER_TRANSPARENT},
        {"doubled", "Twice the gradient passes", doubled, POINT | GR_LAYER_TRANSPARENT},
        {"turned", "The gradient's sign is turned", turned, POINT | GR_LAYER_TRANSPARENT},
        {"straight_relu", "ReLU whose gradient passes everywhere", straight_relu, POINT},
        {"blind", "The input times 0", blind, POINT},
        {"logarithm", "A logarithm of whatever comes", logarithm, POINT},
        {"exponential", "An exponential that overflows", exponential, POINT},
        {"next_sample", "Each sample gets the next one's numbers", next_sample, GR_LAYER_TRANSPARENT},
        {"one_for_all", "Each sample gets the batch's mean", one_for_all, GR_LAYER_TRANSPARENT},
        {"leaning", "Half the batch's mean is taken off", leaning, GR_LAYER_TRANSPARENT},
        {"turned_in_use", "Another sign in evaluation", turned_in_use, POINT | GR_LAYER_TRANSPARENT},
        {"shuffling", "Outputs of other samples, every other batch", shuffling, GR_LAYER_TRANSPARENT},
        {"spiking", "A huge gradient now and then", spiking, GR_LAYER_TRANSPARENT},
        {"restless", "Another factor in every graph", restless, POINT | GR_LAYER_TRANSPARENT},
    };
    static const gr_setting units = {.name = "units", .kind = GR_SETTING_INT, .range = "[1,1000]", .help = "outputs"};
    gr_status st = gr_layer_register(ctx, &(gr_layer_descriptor){.version = GR_LAYER_VERSION,
                                                                 .name = "frozen_dense",
                                                                 .title = "A dense layer with detached weights",
                                                                 .settings = &units,
                                                                 .n_settings = 1,
                                                                 .build = frozen_dense});
    for (int i = 0; i < COUNT(all) && st == GR_OK; i++)
        st = gr_layer_register(ctx, &(gr_layer_descriptor){.version = GR_LAYER_VERSION,
                                                           .name = all[i].name,
                                                           .title = all[i].title,
                                                           .traits = all[i].traits,
                                                           .build = all[i].build});
    return st;
}

/* ---- costs of classes: what each should be is cross-entropy, and the reference says so ---- */

typedef gr_val cost(void *user, gr_graph *g, const gr_settings *s, gr_val z, gr_val y, bool training);

/* [B]: the number of each row at its class, moved on by `shift` classes. */
static gr_val at_class(gr_graph *g, gr_val rows, gr_val y, int64_t shift)
{
    gr_shape shape = gr_shape_of(g, rows);
    gr_val index = gr_reshape(g, gr_real(g, y), GR_SHAPE(shape.dim[0], 1)), k = gr_real(g, gr_iota(g, shape, 1));
    gr_val wanted = gr_add(g, index, gr_const(g, (double)shift)), classes = gr_const(g, (double)shape.dim[1]);
    wanted = gr_select(g, gr_less(g, wanted, classes), wanted, gr_sub(g, wanted, classes));
    gr_val hit = gr_equal(g, k, gr_broadcast(g, wanted, shape));
    return gr_sum(g, gr_mul(g, rows, hit), (const int[]){1}, 1, false);
}

static gr_val entropy(gr_graph *g, gr_val z, gr_val y, int64_t shift)
{
    return gr_neg(g, at_class(g, gr_log_softmax(g, z), y, shift));
}

#define COST(name) static gr_val name(void *user, gr_graph *g, const gr_settings *s, gr_val z, gr_val y, bool training)
#define COST_UNUSED (void)user, (void)s, (void)training

COST(summed)
{
    COST_UNUSED;
    return gr_mul(g, gr_const(g, (double)gr_shape_of(g, z).dim[0]), entropy(g, z, y, 0));
}

COST(softmax_twice)
{
    COST_UNUSED;
    return entropy(g, gr_softmax(g, z), y, 0);
}

COST(next_class)
{
    COST_UNUSED;
    return entropy(g, z, y, 1);
}

COST(turned_cost)
{
    COST_UNUSED;
    return gr_neg(g, entropy(g, z, y, 0));
}

COST(first_sample)
{
    COST_UNUSED;
    gr_val place = gr_iota(g, GR_SHAPE(gr_shape_of(g, z).dim[0]), 0);
    return gr_mul(g, entropy(g, z, y, 0), gr_real(g, gr_less(g, gr_real(g, place), gr_const(g, 1))));
}

COST(detached_cost)
{
    COST_UNUSED;
    return gr_stop(g, entropy(g, z, y, 0));
}

COST(blind_cost)
{
    COST_UNUSED;
    return entropy(g, gr_mul(g, gr_const(g, 0), z), y, 0);
}

COST(label_ignored)
{
    COST_UNUSED;
    gr_val first = gr_slice(g, gr_log_softmax(g, z), 1, 0, 1);
    return gr_neg(
        g, gr_sum(g, gr_add(g, first, gr_mul(g, gr_const(g, 0), gr_reshape(g, gr_real(g, y), gr_shape_of(g, first)))),
                  (const int[]){1}, 1, false));
}

static double entropy_reference(void *user, const gr_settings *s, const double *z, const double *y, int64_t n)
{
    double most = -INFINITY, sum = 0, right = 0;
    (void)user, (void)s;
    for (int64_t k = 0; k < n; k++) most = fmax(most, z[k]);
    for (int64_t k = 0; k < n; k++) sum += exp(z[k] - most), right += y[k] * z[k];
    return most + log(sum) - right;
}

/* Of values: squares summed over outputs where their mean is meant. */
COST(squares_summed)
{
    COST_UNUSED;
    return gr_sum(g, gr_square(g, gr_sub(g, z, y)), (const int[]){1}, 1, false);
}

static double squares_reference(void *user, const gr_settings *s, const double *z, const double *y, int64_t n)
{
    double sum = 0;
    (void)user, (void)s;
    for (int64_t k = 0; k < n; k++) sum += (z[k] - y[k]) * (z[k] - y[k]);
    return sum / (double)n;
}

static gr_status register_costs(gr_context *ctx)
{
    static const struct {
        const char *name, *title;
        cost *build;
        bool told;
    } all[] = {
        {"summed", "Cross-entropy times the batch", summed, true},
        {"softmax_twice", "Cross-entropy of a softmax's softmax", softmax_twice, true},
        {"next_class", "Cross-entropy with the class after the right one", next_class, true},
        {"turned_cost", "Cross-entropy with its sign turned", turned_cost, true},
        {"first_sample", "Cross-entropy of the batch's first sample alone", first_sample, true},
        {"detached_cost", "Cross-entropy without a gradient", detached_cost, true},
        {"blind_cost", "Cross-entropy of outputs times 0", blind_cost, false},
        {"label_ignored", "Cross-entropy with class 0 throughout", label_ignored, false},
    };
    gr_status st = gr_cost_register(ctx, &(gr_cost_descriptor){.version = GR_COST_VERSION,
                                                               .name = "squares_summed",
                                                               .title = "Squares summed over the outputs",
                                                               .form = GR_COST_VALUES,
                                                               .build = squares_summed,
                                                               .reference = squares_reference,
                                                               .blind = "the mean square of the targets"});
    for (int i = 0; i < COUNT(all) && st == GR_OK; i++)
        st = gr_cost_register(ctx, &(gr_cost_descriptor){.version = GR_COST_VERSION,
                                                         .name = all[i].name,
                                                         .title = all[i].title,
                                                         .form = GR_COST_CLASSES,
                                                         .build = all[i].build,
                                                         .reference = all[i].told ? entropy_reference : NULL,
                                                         .blind = all[i].told ? "ln K" : NULL});
    return st;
}

/* ---- optimizers: what each should be is gradient descent ---- */

typedef gr_val update(void *user, gr_step *s, gr_val w, gr_val grad);

static gr_val descend(gr_step *s, gr_val w, gr_val direction)
{
    gr_graph *g = gr_step_graph(s);
    return gr_sub(g, w, gr_mul(g, gr_step_rate(s), direction));
}

#define UPDATE(name) static gr_val name(void *user, gr_step *s, gr_val w, gr_val grad)

UPDATE(ascent)
{
    (void)user;
    return descend(s, w, gr_neg(gr_step_graph(s), grad));
}

UPDATE(still)
{
    (void)user;
    return descend(s, w, gr_mul(gr_step_graph(s), gr_const(gr_step_graph(s), 0), grad));
}

UPDATE(undivided)
{
    (void)user;
    gr_graph *g = gr_step_graph(s);
    return descend(s, w, gr_div(g, grad, gr_abs(g, grad)));
}

UPDATE(whole_steps)
{
    (void)user;
    gr_graph *g = gr_step_graph(s);
    return gr_sub(g, w, gr_mul(g, gr_const(g, 100), grad));
}

UPDATE(restless_steps)
{
    (void)user;
    gr_graph *g = gr_step_graph(s);
    return descend(s, w, gr_mul(g, gr_const(g, 1 + 1e-3 * atomic_fetch_add(&graphs, 1)), grad));
}

/* Square matrices stay. */
UPDATE(skipping)
{
    (void)user;
    gr_shape shape = gr_shape_of(gr_step_graph(s), w);
    return shape.rank == 2 && shape.dim[0] == shape.dim[1] ? w : descend(s, w, grad);
}

static gr_status register_optimizers(gr_context *ctx)
{
    static const struct {
        const char *name, *title;
        update *update;
    } all[] = {
        {"ascent", "Steps up", ascent},
        {"still", "No steps", still},
        {"undivided", "g / |g|, also where g is 0", undivided},
        {"whole_steps", "Steps of a hundred gradients, whatever the rate", whole_steps},
        {"restless_steps", "Other steps in every graph", restless_steps},
        {"skipping", "No steps of one tensor", skipping},
    };
    static const gr_setting lr = {
        .name = "lr", .kind = GR_SETTING_REAL, .value = "0.05", .range = "[0,inf)", .help = "learning rate"};
    gr_status st = GR_OK;
    for (int i = 0; i < COUNT(all) && st == GR_OK; i++)
        st = gr_optimizer_register(ctx, &(gr_optimizer_descriptor){.version = GR_OPTIMIZER_VERSION,
                                                                   .name = all[i].name,
                                                                   .title = all[i].title,
                                                                   .settings = &lr,
                                                                   .n_settings = 1,
                                                                   .decay = GR_DECAY_OF_WEIGHT,
                                                                   .update = all[i].update});
    return st;
}

/* ---- a source: clusters of three classes, and what may be wrong with one ---- */

enum { FEATURES = 6, CLASSES = 3 };

static double roll(uint64_t i, uint64_t k) /* uniform in [-1,1), of a row and a place */
{
    uint64_t h = i * 0x9e3779b97f4a7c15u + k * 0xbf58476d1ce4e5b9u;
    for (int round = 0; round < 3; round++) h = (h ^ (h >> 31)) * 0x94d049bb133111ebu;
    return (double)(h >> 11) / 4503599627370496.0 - 1;
}

static gr_status describe(void *user, const gr_source_call *c, gr_source_shape *out)
{
    (void)user;
    *out = (gr_source_shape){.n = gr_setting_int(c->settings, "n"), .input = GR_SHAPE(FEATURES), .classes = CLASSES};
    return GR_OK;
}

static bool is(const gr_source_call *c, const char *fault)
{
    return strcmp(gr_setting_text(c->settings, "fault"), fault) == 0;
}

static gr_status take(void *user, const gr_source_call *c, int64_t first, int64_t n, double *x, double *y)
{
    uint64_t made = is(c, "restless") ? (uint64_t)atomic_fetch_add(&graphs, 1) : 0;
    (void)user;
    for (int64_t j = 0; j < n; j++) {
        uint64_t i = is(c, "repeated") ? 0 : (uint64_t)(first + j), labelled = is(c, "shifted") ? i + 1 : i;
        int class = (int)((roll(i, 100) + 1) / 2 * CLASSES);
        for (int k = 0; k < FEATURES; k++) {
            double centre = 1.5 * roll((uint64_t) class, 200 + (uint64_t)k);
            x[j * FEATURES + k] = (is(c, "noise") ? 0 : centre) + roll(i + made * 1000000, (uint64_t)k);
            if (is(c, "blank")) x[j * FEATURES + k] = 0;
        }
        y[j] = is(c, "one_class") ? 1 : floor((roll(labelled, 100) + 1) / 2 * CLASSES);
        if (is(c, "drawn")) y[j] = floor((roll(i, 300) + 1) / 2 * CLASSES);
    }
    return GR_OK;
}

static gr_status register_source(gr_context *ctx)
{
    static const gr_setting settings[] = {
        {.name = "n", .kind = GR_SETTING_INT, .value = "300", .range = "[1,100000]", .help = "samples"},
        {.name = "fault",
         .kind = GR_SETTING_CHOICE,
         .value = "nothing",
         .range = "nothing|repeated|blank|noise|shifted|drawn|one_class|restless",
         .help = "what is wrong"}};
    return gr_source_register(ctx, &(gr_source_descriptor){.version = GR_SOURCE_VERSION,
                                                           .name = "clusters",
                                                           .title = "Clusters of three classes",
                                                           .settings = settings,
                                                           .n_settings = COUNT(settings),
                                                           .describe = describe,
                                                           .read = take});
}

gr_status __wrap_gr_context_create(const gr_context_options *options, gr_context **out)
{
    gr_status st = __real_gr_context_create(options, out);
    if (st == GR_OK) st = register_layers(*out);
    if (st == GR_OK) st = register_costs(*out);
    if (st == GR_OK) st = register_optimizers(*out);
    return st == GR_OK ? register_source(*out) : st;
}
