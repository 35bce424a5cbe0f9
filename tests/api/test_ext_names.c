/* Names and texts of members from outside the tree: what recipes would take for something else, what cannot be printed
 * and what is there already is refused, whatever the family; what stands is told as the tree's own is. */
#include <string.h>

#include "gradus/ext/cost.h"
#include "gradus/ext/layer.h"
#include "gradus/ext/metric.h"
#include "gradus/ext/optimizer.h"
#include "gradus/ext/source.h"
#include "gradus/graph.h"
#include "test.h"

/* ---- a member of each family that does nothing ---- */

static gr_val layer_build(void *user, gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)user, (void)b, (void)s, (void)n_in;
    return in[0];
}

static gr_val cost_build(void *user, gr_graph *g, const gr_settings *s, gr_val output, gr_val target, bool training)
{
    (void)user, (void)s, (void)target, (void)training;
    return gr_sum(g, output, (const int[]){1}, 1, false);
}

static double metric_value(void *user, const gr_settings *s, const gr_tally *t)
{
    (void)user, (void)s, (void)t;
    return 1;
}

static gr_val optimizer_update(void *user, gr_step *s, gr_val w, gr_val g)
{
    (void)user, (void)s, (void)g;
    return w;
}

static gr_status source_describe(void *user, const gr_source_call *c, gr_source_shape *out)
{
    (void)user, (void)c;
    *out = (gr_source_shape){.n = 1, .input = GR_SHAPE(1), .target = GR_SHAPE(1)};
    return GR_OK;
}

static gr_status source_read(void *user, const gr_source_call *c, int64_t first, int64_t n, double *x, double *y)
{
    (void)user, (void)c, (void)first, (void)n;
    *x = *y = 0;
    return GR_OK;
}

typedef struct said { /* what a descriptor says of itself */
    const char *name, *title, *cite, *equations;
    gr_setting setting[2];
} said;

static const gr_setting rate = {
    .name = "lr", .kind = GR_SETTING_REAL, .value = "0.5", .range = "[0,inf)", .help = "learning rate"};

static said plain(const char *name)
{
    return (said){.name = name,
                  .title = "Nothing",
                  .setting = {rate, {.name = "a", .kind = GR_SETTING_INT, .value = "3", .help = "a number"}}};
}

#define HEAD(version_)                                                                                   \
    .version = version_, .name = x->name, .title = x->title, .cite = x->cite, .equations = x->equations, \
    .settings = x->setting, .n_settings = 2

static gr_status give_layer(gr_context *ctx, const said *x)
{
    return gr_layer_register(ctx, &(gr_layer_descriptor){HEAD(GR_LAYER_VERSION), .build = layer_build});
}

static gr_status give_cost(gr_context *ctx, const said *x)
{
    return gr_cost_register(ctx,
                            &(gr_cost_descriptor){HEAD(GR_COST_VERSION), .form = GR_COST_VALUES, .build = cost_build});
}

static gr_status give_metric(gr_context *ctx, const said *x)
{
    return gr_metric_register(
        ctx, &(gr_metric_descriptor){HEAD(GR_METRIC_VERSION), .forms = GR_TALLY_VALUES, .value = metric_value});
}

static gr_status give_optimizer(gr_context *ctx, const said *x)
{
    return gr_optimizer_register(ctx,
                                 &(gr_optimizer_descriptor){HEAD(GR_OPTIMIZER_VERSION), .decay = GR_DECAY_OF_WEIGHT,
                                                            .update = optimizer_update});
}

static gr_status give_source(gr_context *ctx, const said *x)
{
    return gr_source_register(
        ctx, &(gr_source_descriptor){HEAD(GR_SOURCE_VERSION), .describe = source_describe, .read = source_read});
}

static const struct {
    const char *family, *there; /* one that the tree has */
    gr_status (*give)(gr_context *ctx, const said *x);
    const char *taken[3];   /* names that mean something else to a recipe */
    const char *setting[3]; /* likewise of settings */
} families[] = {{"layer", "conv", give_layer, {"repeat", "linear"}, {"activation", "repeat", "name"}},
                {"cost", "huber", give_cost, {NULL}, {"reduction"}},
                {"metric", "accuracy", give_metric, {"cost", "error"}, {NULL}},
                {"optimizer", "adam", give_optimizer, {"switch"}, {"clip", "groups", "weight_decay"}},
                {"source", "npy", give_source, {NULL}, {NULL}}};

/* Nothing is left behind, and the message has nothing that a terminal would obey. */
static void refused(size_t f, const said *x, gr_status code)
{
    gr_context *ctx = test_context();
    int before = gr_member_count(ctx, families[f].family);
    gr_status st = families[f].give(ctx, x);
    const char *message = gr_context_error(ctx)->message;
    if (st != code || !message[0] || strpbrk(message, "\n\r\x1b\x01"))
        fail_msg("%s \"%s\": %s, %s", families[f].family, x->name ? x->name : "", gr_status_name(st), message);
    assert_int_equal(gr_member_count(ctx, families[f].family), before);
    gr_context_clear_error(ctx);
    said good = plain("plain");
    test_ok(ctx, families[f].give(ctx, &good));
    test_context_end(ctx);
}

static void names_that_are_none_are_refused(void **state)
{
    (void)state;
    char most[62], longer[5001];
    memset(most, 'a', sizeof most);
    most[61] = '\0';
    memset(longer, 'b', sizeof longer);
    longer[5000] = '\0';
    const char *const names[] = {NULL,    "",         " ",     "a b",      " a",    "a ",  "a\n",
                                 "a\tb",  "\x1b[31m", "a\x01", "a\x7f",    "Upper", "a.b", "a/b",
                                 "a-b",   "_a",       "9a",    "\xc3\xa4", "a\xff", "a:",  "#a",
                                 "\"a\"", "null",     "none",  "true",     "false", most,  longer};
    for (size_t f = 0; f < GR_COUNT(families); f++) {
        for (size_t i = 0; i < GR_COUNT(names); i++) {
            const said x = plain(names[i]);
            refused(f, &x, GR_E_USAGE);
        }
        for (size_t i = 0; i < GR_COUNT(families[f].taken) && families[f].taken[i]; i++) {
            const said x = plain(families[f].taken[i]);
            refused(f, &x, GR_E_USAGE);
        }
        said x = plain(families[f].there);
        refused(f, &x, GR_E_EXISTS);
        for (size_t i = 0; i < GR_COUNT(families[f].setting) && families[f].setting[i]; i++) {
            x = plain("good");
            x.setting[1].name = families[f].setting[i];
            refused(f, &x, GR_E_USAGE);
        }
    }
}

static void every_member_of_the_tree_keeps_its_name(void **state)
{
    (void)state;
    for (size_t f = 0; f < GR_COUNT(families); f++) {
        gr_context *ctx = test_context();
        for (int i = 0, n = gr_member_count(ctx, families[f].family); i < n; i++) {
            const said x = plain(gr_member_name(ctx, families[f].family, i));
            assert_int_equal(families[f].give(ctx, &x), GR_E_EXISTS);
            gr_context_clear_error(ctx);
        }
        test_context_end(ctx);
    }
}

static void texts_that_cannot_be_printed_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"a\x1b[2J", "a\x07", "a\rb", "\xff", "a\xc3", "two\nlines"};
    for (size_t f = 0; f < GR_COUNT(families); f++)
        for (size_t i = 0; i < GR_COUNT(bad); i++) {
            said x = plain("good");
            x.title = bad[i], refused(f, &x, GR_E_USAGE);
            x = plain("good"), x.cite = bad[i], refused(f, &x, GR_E_USAGE);
            x = plain("good"), x.setting[1].help = bad[i], refused(f, &x, GR_E_USAGE);
            x = plain("good"), x.setting[1].unit = bad[i], refused(f, &x, GR_E_USAGE);
            x = plain("good"), x.setting[1].range = bad[i], refused(f, &x, GR_E_USAGE);
            x = plain("good"), x.setting[1].value = bad[i], refused(f, &x, GR_E_USAGE);
            x = plain("good"), x.equations = bad[i];
            if (i + 1 < GR_COUNT(bad)) refused(f, &x, GR_E_USAGE); /* equations have lines */
        }
}

/* ---- what is told ---- */

static void tells(gr_context *ctx, const char *family, const char *name, const char *line)
{
    char *text = NULL;
    test_ok(ctx, gr_member_explain(ctx, family, name, &text));
    if (!strstr(text, line)) fail_msg("%s %s has no line \"%s\":\n%s", family, name, line, text);
    gr_text_free(ctx, text);
}

/* Defaults that every optimizer has a row of, and each its own value. */
static void defaults_are_the_members_own(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    for (size_t f = 0; f < GR_COUNT(families); f++) {
        const said x = plain("plain");
        test_ok(ctx, families[f].give(ctx, &x));
        tells(ctx, families[f].family, "plain", "  a                    3 ");
        tells(ctx, families[f].family, "plain", "  lr                   0.5          [0,inf) ");
    }
    tells(ctx, "optimizer", "plain", "  decay                decoupled ");
    tells(ctx, "optimizer", "plain", "  weight_decay         0 ");
    tells(ctx, "optimizer", "adam", "  decay                coupled ");
    tells(ctx, "optimizer", "adamw", "  decay                decoupled ");
    tells(ctx, "optimizer", "adamw", "  weight_decay         0.01 ");
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_are_none_are_refused),
        cmocka_unit_test(every_member_of_the_tree_keeps_its_name),
        cmocka_unit_test(texts_that_cannot_be_printed_are_refused),
        cmocka_unit_test(defaults_are_the_members_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
