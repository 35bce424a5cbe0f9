/* Design checks: sound recipes pass all of them, and each planted fault fails the check that is for it and says so. */
#include "study_case.h"

typedef gr_status (*check)(gr_probe *p, gr_finding *out);

static gr_finding look(gr_probe *p, check c)
{
    gr_finding f = {.id = "", .name = ""};
    test_ok(p->ctx, c(p, &f));
    assert_true(strlen(f.message) > 10);
    return f;
}

static void expect(const gr_finding *f, gr_verdict v, const char *says)
{
    if (f->verdict != v || (says && !strstr(f->message, says)))
        fail_msg("%s, not %s: %s", gr__verdict_name(f->verdict), gr__verdict_name(v), f->message);
}

#define BINARY                                                                                                        \
    "gradus: 1\nname: x\ndata: {train: {type: synthetic, kind: xor, n: 64}, batch: 16}\nmodel: {input: [2], layers: " \
    "[{type: dense, units: 8, activation: tanh, name: h}, {type: dense, units: 1, name: o}]}\n"                       \
    "cost: binary_cross_entropy\noptimizer: sgd\nstop: {epochs: 1}\n"
#define VALUES                                                                                                        \
    "gradus: 1\nname: x\ndata: {train: {type: synthetic, kind: regression, n: 64, features: 5}, batch: 64, prepare: " \
    "[standardize]}\nmodel: {input: [5], layers: [{type: dense, units: 8, activation: relu, name: h}, {type: dense, " \
    "units: 1, name: o}]}\n"                                                                                          \
    "cost: mse\noptimizer: sgd\nstop: {epochs: 1}\nprecision: float64\n"

static void sound_recipes_pass_everything(void **state)
{
    (void)state;
    static const char *const recipes[] = {DIGITS, TABLE, BINARY, VALUES};
    for (size_t i = 0; i < GR_COUNT(recipes); i++) {
        gr_context *ctx = test_context();
        gr_recipe *r = RECIPE(ctx, recipes[i]);
        gr__bump *memory = gr__bump_create(ctx);
        gr_checked all;
        const gr_finding *f = all.finding;
        test_ok(ctx, gr__check_all(ctx, r, NULL, memory, &all));
        for (int k = 0; k < GR_CHECKS; k++)
            if (f[k].verdict != (strcmp(f[k].id, "X3") == 0 ? GR_VERDICT_SKIPPED : GR_VERDICT_OK)) /* no validation */
                fail_msg("recipe %zu: %s: %s: %s", i, f[k].name, gr__verdict_name(f[k].verdict), f[k].message);
        gr__bump_destroy(memory);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
}

typedef struct heard {
    int times;
    char all[256];
    double share; /* of what is said last */
} heard;

static void hear(void *user, const char *what, double share)
{
    heard *h = user;
    size_t n = strlen(h->all);
    bool again = n >= strlen(what) && strcmp(h->all + n - strlen(what), what) == 0;
    if (!(share >= (again ? h->share : 0) && share <= 1))
        fail_msg("%s: %g after %g", what, share, h->share); /* goes on, never back */
    if (!again) snprintf(h->all + n, sizeof h->all - n, "%s%s", n ? "; " : "", what);
    h->share = share;
    h->times++;
}

static void progress_is_told(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = RECIPE(ctx, DIGITS);
    gr__bump *memory = gr__bump_create(ctx);
    heard h = {0};
    gr_watch watch = {hear, &h};
    gr_checked all;
    test_ok(ctx, gr__check_all(ctx, r, &(gr_check_options){.watch = &watch}, memory, &all));
    assert_string_equal(h.all, "reading; data; initial cost; real data; two samples; activations; mistakes; same bits; "
                               "weight decay; rates; gradient peaks; without norms; gradients");
    assert_true(h.times > 10);
    gr__bump_destroy(memory);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

static void formats_are_reported_for_every_tensor(void **state) /* [X1] */
{
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        gr_context *ctx = test_context();
        gr_recipe *r = wide ? RECIPE(ctx, TABLE, "precision=float64") : RECIPE(ctx, TABLE);
        gr__bump *memory = gr__bump_create(ctx);
        gr_finding f = {.id = "X1", .name = "formats"};
        gr_format_row *rows;
        size_t n, parameters = 0, slots = 0;
        test_ok(ctx, gr__check_formats(ctx, r, memory, &rows, &n, &f));
        expect(&f, GR_VERDICT_OK, wide ? "float64" : "float32");
        assert_true(f.figure == (wide ? 64 : 32));
        for (size_t i = 0; i < n; i++) {
            parameters += strcmp(rows[i].kind, "parameter") == 0;
            slots += strcmp(rows[i].kind, "slot") == 0;
            if (strcmp(rows[i].name, "head.weight/m") == 0)
                assert_string_equal(rows[i].format, wide ? "float64" : "float32");
            if (strcmp(rows[i].name, "optimizer/t") == 0) assert_string_equal(rows[i].format, "float64");
            if (strcmp(rows[i].name, "y") == 0) assert_string_equal(rows[i].format, "int32");
        }
        assert_int_equal(parameters, 4);
        assert_int_equal(slots, 9); /* two moments each, and the count */
        gr__bump_destroy(memory);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
}

/* ---- data ---- */

typedef struct bench {
    gr_context *ctx;
    gr_recipe *r;
    gr_probe p;
} bench;

static void begin_with(bench *b, gr_recipe *r)
{
    b->r = r;
    test_ok(b->ctx, gr__probe_open(b->ctx, r, &b->p));
}

static void begin(bench *b, const char *text)
{
    b->ctx = test_context();
    begin_with(b, RECIPE(b->ctx, text));
}

static void end(bench *b)
{
    gr__probe_close(&b->p);
    gr__recipe_close(b->ctx, b->r);
    test_context_end(b->ctx);
}

static gr_status first_for_ever(void *source, gr_batch *out)
{
    gr__loader_seek(source, 0, 0);
    return gr__loader_next(source, out);
}

static void a_loader_that_repeats_itself_fails(void **state) /* [T3] */
{
    (void)state;
    bench b;
    begin(&b, DIGITS);
    b.p.next = first_for_ever;
    gr_finding f = look(&b.p, gr__check_data);
    expect(&f, GR_VERDICT_FAILED, "same inputs");
    end(&b);
}

static gr_status some_rows_twice(void *source, gr_batch *out)
{
    gr_status st = gr__loader_next(source, out);
    if (st == GR_OK && out->index == 5) {
        gr__loader_seek(source, out->epoch, 2);
        st = gr__loader_next(source, out);
    }
    return st;
}

static void an_epoch_that_delivers_samples_twice_fails(void **state)
{
    (void)state;
    bench b;
    begin(&b, DIGITS);
    b.p.next = some_rows_twice;
    gr_finding f = look(&b.p, gr__check_data);
    expect(&f, GR_VERDICT_FAILED, "twice");
    end(&b);
}

static int32_t turned[64];

static gr_status labels_of_neighbours(void *source, gr_batch *out)
{
    gr_status st = gr__loader_next(source, out);
    for (int64_t i = 0; st == GR_OK && i < out->n; i++) turned[i] = ((const int32_t *)out->field[1])[(i + 1) % out->n];
    out->field[1] = turned;
    return st;
}

static void labels_of_other_samples_fail(void **state)
{
    (void)state;
    bench b;
    begin(&b, DIGITS);
    b.p.next = labels_of_neighbours;
    gr_finding f = look(&b.p, gr__check_data);
    expect(&f, GR_VERDICT_FAILED, "pairing");
    end(&b);
}

static void a_dead_column_is_named(void **state) /* [T3] */
{
    (void)state;
    bench b;
    begin(&b, TABLE);
    gr_set *s = &b.p.task.set[GR_PART_TRAIN];
    for (int64_t i = 0; i < s->n; i++) ((float *)s->field[0].data)[i * 5 + 3] = 7;
    gr_finding f = look(&b.p, gr__check_data);
    expect(&f, GR_VERDICT_WARNING, "1 of 5 input columns never change and tell nothing, the first is column 3");
    assert_true(fabs(f.figure - 0.2) < 1e-12);
    for (int64_t i = 0; i < s->n * 5; i++) ((float *)s->field[0].data)[i] = 7 * (i % 5 != 3 || i < 5);
    f = look(&b.p, gr__check_data);
    expect(&f, GR_VERDICT_WARNING, "4 of 5");
    for (int64_t i = 0; i < s->n * 5; i++) ((float *)s->field[0].data)[i] = (float)(i % 5);
    f = look(&b.p, gr__check_data);
    expect(&f, GR_VERDICT_FAILED, "same inputs");
    end(&b);
}

static void a_dark_border_passes_and_a_dark_picture_fails(void **state)
{
    (void)state;
    bench b;
    begin(&b, DIGITS);
    gr_set *s = &b.p.task.set[GR_PART_TRAIN];
    assert_int_equal(s->field[0].element, GR_EL_U8);
    for (int64_t i = 0; i < s->n; i++) memset((uint8_t *)s->field[0].data + i * 256, 0, 16);
    gr_finding f = look(&b.p, gr__check_data);
    expect(&f, GR_VERDICT_OK, "16 of 256 inputs never change");
    for (int64_t i = 0; i < s->n; i++)
        memset((uint8_t *)s->field[0].data + i * 256, (int)i, 1),
            memset((uint8_t *)s->field[0].data + i * 256 + 1, 0, 255);
    f = look(&b.p, gr__check_data);
    expect(&f, GR_VERDICT_OK, "255 of 256"); /* one pixel is all that changes, but it does */
    end(&b);
}

static void labels_that_never_vary_fail(void **state)
{
    (void)state;
    bench b;
    begin(&b, TABLE);
    gr_set *s = &b.p.task.set[GR_PART_TRAIN];
    for (int64_t i = 0; i < s->n; i++) ((int32_t *)s->field[1].data)[i] = 2;
    gr_finding f = look(&b.p, gr__check_data);
    expect(&f, GR_VERDICT_FAILED, "every target is 2");
    end(&b);
}

static void inputs_that_nothing_follows_fail(void **state)
{
    (void)state;
    bench b = {.ctx = test_context()};
    begin_with(&b, RECIPE(b.ctx, TABLE, "init={weights: zeros}"));
    gr_finding f = look(&b.p, gr__check_data);
    expect(&f, GR_VERDICT_FAILED, "zero everywhere");
    f = look(&b.p, gr__check_symmetry);
    expect(&f, GR_VERDICT_WARNING, "h.weight");
    end(&b);
}

/* ---- outputs and cost ---- */

static gr_val raw_outputs(gr_build *b, const gr_settings *s, gr_val output)
{
    (void)b, (void)s;
    return output;
}

static gr_val softmax(gr_graph *g, gr_val z)
{
    int last = 1;
    gr_val e = gr_exp(g, z);
    return gr_div(g, e, gr_sum(g, e, &last, 1, true));
}

static const gr_cost *sound;

static gr_cost_value softmax_twice(gr_build *b, const gr_settings *s, gr_val output, gr_val target, bool training)
{
    return sound->build(b, s, softmax(b->g, output), target, training);
}

static gr_cost_value summed(gr_build *b, const gr_settings *s, gr_val output, gr_val target, bool training)
{
    gr_cost_value c = sound->build(b, s, output, target, training);
    c.each = gr_mul(b->g, c.each, gr_const(b->g, (double)gr_shape_of(b->g, output).dim[0]));
    return c;
}

static gr_cost_value mean_over_outputs(gr_build *b, const gr_settings *s, gr_val output, gr_val target, bool training)
{
    gr_cost_value c = sound->build(b, s, output, target, training);
    c.each = gr_mul(b->g, c.each, gr_const(b->g, 1.0 / (double)gr_shape_of(b->g, output).dim[1]));
    return c;
}

static gr_cost_value half_the_gradient(gr_build *b, const gr_settings *s, gr_val output, gr_val target, bool training)
{
    gr_cost_value c = sound->build(b, s, output, target, training);
    gr_val half = gr_mul(b->g, c.each, gr_const(b->g, 0.5));
    c.each = gr_add(b->g, half, gr_stop(b->g, half));
    return c;
}

typedef gr_cost_value (*cost_build)(gr_build *b, const gr_settings *s, gr_val output, gr_val target, bool training);

static gr_finding with_cost(const char *text, cost_build build, bool raw, check c)
{
    bench b = {.ctx = test_context()};
    gr_recipe *r = RECIPE(b.ctx, text);
    gr_cost bad = *r->head[0].cost;
    sound = r->head[0].cost;
    if (build) bad.build = build;
    if (raw) bad.predict = raw_outputs;
    r->head[0].cost = &bad;
    begin_with(&b, r);
    gr_finding f = look(&b.p, c);
    end(&b);
    return f;
}

static void outputs_without_softmax_fail(void **state) /* [T4] */
{
    (void)state;
    gr_finding f = with_cost(DIGITS, NULL, true, gr__check_outputs);
    expect(&f, GR_VERDICT_FAILED, "not read through softmax");
    f = with_cost(DIGITS, NULL, false, gr__check_outputs);
    expect(&f, GR_VERDICT_OK, "10 probabilities");
    assert_true(f.figure < f.limit && f.limit == 1e-5);
}

static void a_wrong_cost_fails(void **state) /* [T5, X8] */
{
    (void)state;
    static const cost_build wrong[] = {softmax_twice, summed, mean_over_outputs};
    static const char *const recipes[] = {DIGITS, TABLE};
    for (size_t i = 0; i < GR_COUNT(wrong); i++)
        for (size_t k = 0; k < GR_COUNT(recipes); k++) {
            gr_finding f = with_cost(recipes[k], wrong[i], false, gr__check_cost);
            expect(&f, GR_VERDICT_FAILED, "applied twice, or the reduction");
        }
}

/* Every cost that the check knows: the sound one passes, one that is wrong by a factor fails. */
static void every_cost_is_written_down_once_more(void **state)
{
    (void)state;
    static const struct {
        const char *base, *cost;
    } rows[] = {
        {TABLE, "cost={type: cross_entropy, class_weights: balanced}"},
        {TABLE, "cost={type: cross_entropy, class_weights: [1, 0.2, 3]}"},
        {TABLE, "cost=focal"},
        {TABLE, "cost={type: focal, gamma: 0.5, alpha: [0.2, 1, 0.7]}"},
        {BINARY, "cost={type: binary_cross_entropy, positive_weight: 3}"},
        {BINARY, "cost=focal"},
        {BINARY, "cost={type: focal, gamma: 4, alpha: 0.25}"},
        {VALUES, "cost={type: mse, per: sample}"},
        {VALUES, "cost=mae"},
        {VALUES, "cost=huber"},
        {VALUES, "cost={type: huber, delta: 0.2, per: sample}"},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++)
        for (int wrong = 0; wrong < 2; wrong++) {
            bench b = {.ctx = test_context()};
            gr_recipe *r = RECIPE(b.ctx, rows[i].base, rows[i].cost);
            gr_cost bad = *r->head[0].cost;
            sound = r->head[0].cost;
            bad.build = summed;
            if (wrong) r->head[0].cost = &bad;
            begin_with(&b, r);
            gr_finding f = look(&b.p, gr__check_cost);
            if (f.verdict != (wrong ? GR_VERDICT_FAILED : GR_VERDICT_OK))
                fail_msg("%s%s: %s: %s", wrong ? "wrong " : "", rows[i].cost, gr__verdict_name(f.verdict), f.message);
            f = look(&b.p, gr__check_outputs);
            if (f.verdict != GR_VERDICT_OK) fail_msg("%s: %s", rows[i].cost, f.message);
            end(&b);
        }
}

static void a_wrong_gradient_fails(void **state) /* [P4] */
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = RECIPE(ctx, TABLE);
    gr__bump *memory = gr__bump_create(ctx);
    gr_cost bad = *r->head[0].cost;
    gr_gradient_row *rows;
    size_t n;
    gr_finding f = {.id = "P4", .name = "gradients"};
    sound = r->head[0].cost;
    bad.build = half_the_gradient;
    test_ok(ctx, gr__check_gradients(ctx, r, &(gr_gradient_options){.most = GR_GRADIENT_MANY}, &rows, &n, memory, &f));
    expect(&f, GR_VERDICT_OK, "all 4 parameters");
    r->head[0].cost = &bad;
    test_ok(ctx, gr__check_gradients(ctx, r, &(gr_gradient_options){.most = GR_GRADIENT_FEW}, &rows, &n, memory, &f));
    expect(&f, GR_VERDICT_FAILED, "4 of 4");
    for (size_t i = 0; i < n; i++) assert_true(rows[i].error > 0.01 && rows[i].checked <= GR_GRADIENT_FEW);
    gr__bump_destroy(memory);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

/* Sets a parameter of the probe. */
static void set(bench *b, const char *name, const double *values)
{
    const gr_entry *e = gr_store_find(b->p.store, name);
    assert_non_null(e);
    gr_store_write(b->p.store, e, values);
}

static void
guessing_costs_what_theory_says(void **state) /* ln 10 = 2.302585; 50 of 950: the entropy of the frequencies [I9, X8] */
{
    (void)state;
    bench b = {.ctx = test_context()};
    begin_with(&b, RECIPE(b.ctx, DIGITS, "init={weights: {type: normal, std: 1e-6}}"));
    gr_finding f = look(&b.p, gr__check_cost);
    expect(&f, GR_VERDICT_OK, "ln K");
    assert_true(fabs(f.figure - log(10)) < 1e-4 && fabs(f.limit - log(10)) < 1e-12);
    end(&b);

    begin(&b, TABLE);
    gr_set *s = &b.p.task.set[GR_PART_TRAIN];
    static const double share[3] = {0.05, 0.15, 0.8}, none[48] = {0};
    double bias[3], entropy = 0;
    for (int64_t i = 0; i < s->n; i++) ((int32_t *)s->field[1].data)[i] = i % 20 == 0 ? 0 : i % 20 < 4 ? 1 : 2;
    for (int k = 0; k < 3; k++) bias[k] = log(share[k]), entropy -= share[k] * log(share[k]);
    set(&b, "head.weight", none);
    f = look(&b.p, gr__check_cost);
    expect(&f, GR_VERDICT_OK, "ln K"); /* without a bias guessing still costs ln K, however unbalanced the data */
    set(&b, "head.bias", bias);
    f = look(&b.p, gr__check_cost);
    expect(&f, GR_VERDICT_OK, "entropy of the class frequencies");
    assert_true(fabs(f.figure - entropy) < 1e-5 && fabs(f.limit - entropy) < 1e-9);
    bias[0] = 3, bias[1] = 0, bias[2] = 0; /* a bias for other data than this */
    set(&b, "head.bias", bias);
    f = look(&b.p, gr__check_cost);
    expect(&f, GR_VERDICT_FAILED, "entropy");
    end(&b);
}

static void large_outputs_and_answers_in_the_inputs_fail(void **state)
{
    (void)state;
    bench b = {.ctx = test_context()};
    begin_with(&b, RECIPE(b.ctx, DIGITS, "data.prepare=none")); /* bytes as they are */
    gr_finding f = look(&b.p, gr__check_cost);
    expect(&f, GR_VERDICT_FAILED, "prepare the data");
    end(&b);
    begin(&b, TABLE); /* a head that gives the answer away: its only input is the label */
    gr_set *s = &b.p.task.set[GR_PART_TRAIN];
    static const double none[80] = {0}, small[3] = {1e-3, 0, 0};
    double far[3] = {0, 0, 6};
    for (int64_t i = 0; i < s->n; i++) ((int32_t *)s->field[1].data)[i] = 2;
    set(&b, "h.weight", none);
    set(&b, "head.bias", small);
    f = look(&b.p, gr__check_cost);
    expect(&f, GR_VERDICT_FAILED, NULL); /* one class costs nothing to guess, and this bias does not know it */
    set(&b, "head.bias", far);
    f = look(&b.p, gr__check_cost);
    assert_true(f.figure < 0.01);
    end(&b);
}

static void probabilities_for_logits_are_a_warning(void **state)
{
    (void)state;
    bench b = {.ctx = test_context()};
    begin_with(&b, RECIPE(b.ctx, TABLE, "model.layers=[{type: dense, units: 3, name: head}, softmax, leaky_relu]"));
    gr_finding f = look(&b.p, gr__check_cost);
    expect(&f, GR_VERDICT_WARNING, "cross_entropy applies softmax once more; give it logits");
    end(&b);
    begin_with(&b, RECIPE(b.ctx = test_context(), TABLE,
                          "model.layers=[{type: dense, units: 3, name: head}, softmax, leaky_relu]", "cost=focal"));
    f = look(&b.p, gr__check_cost);
    expect(&f, GR_VERDICT_WARNING, "focal applies softmax once more");
    end(&b);
}

/* A recipe of one linear layer. */
static void begin_linear(bench *b, const char *cost, const char *n)
{
    b->ctx = test_context();
    begin_with(b, RECIPE(b->ctx, TABLE, "model.layers=[{type: dense, units: 3, name: head}]", "data.prepare=none",
                         "data.batch=all", cost, n));
}

/* Makes the inputs five patterns, one a column, and the weights what each of them gives. */
static void give_outputs(bench *b, double outputs[5][3], const double bias[3])
{
    gr_set *s = &b->p.task.set[GR_PART_TRAIN];
    double w[15];
    for (int64_t i = 0; i < s->n; i++)
        for (int64_t j = 0; j < 5; j++) ((float *)s->field[0].data)[i * 5 + j] = (float)(i % 5 == j);
    for (int i = 0; i < 15; i++) w[i] = outputs[i % 5][i / 5];
    set(b, "head.weight", w);
    set(b, "head.bias", bias);
}

static void log_probabilities_for_logits_are_a_warning(void **state)
{
    (void)state;
    static const double p[5][3] = {{0.5, 0.3, 0.2}, {0.2, 0.5, 0.3}, {0.3, 0.2, 0.5}, {0.4, 0.4, 0.2}, {0.3, 0.3, 0.4}};
    static const double none[3] = {0}, half[3] = {0.5, 0.5, 0.5};
    double logs[5][3], one_off[5][3], small[5][3], large[5][3], often[3];
    for (int j = 0; j < 5; j++)
        for (int k = 0; k < 3; k++)
            logs[j][k] = one_off[j][k] = log(p[j][k]), often[k] = log(p[0][k]), small[j][k] = 1e-4 * (j - k),
            large[j][k] = 0.3 * (j - 2) * (k - 1);
    one_off[4][0] += 0.01;
    const struct {
        const char *cost, *n;
        double (*outputs)[3];
        const double *bias;
        const char *warns;
    } cases[] = {
        {"cost=cross_entropy", "data.train.n=300", logs, none,
         "log-probabilities already, and the softmax of cross_entropy"},
        {"cost=focal", "data.train.n=300", logs, none, "log-probabilities already, and the softmax of focal"},
        {"cost=cross_entropy", "data.train.n=8", logs, none, "log-probabilities already"},
        {"cost=cross_entropy", "data.train.n=7", logs, none, NULL},      /* few samples may be like it by chance */
        {"cost=cross_entropy", "data.train.n=300", logs, half, NULL},    /* their exponentials have another sum */
        {"cost=cross_entropy", "data.train.n=300", one_off, none, NULL}, /* but for one pattern */
        {"cost=cross_entropy", "data.train.n=300", small, often,
         NULL}, /* weights near 0 below the frequencies that last_bias: auto takes */
        {"cost=cross_entropy", "data.train.n=300", large, often, NULL},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        bench b;
        begin_linear(&b, cases[i].cost, cases[i].n);
        give_outputs(&b, cases[i].outputs, cases[i].bias);
        gr_finding f = look(&b.p, gr__check_cost);
        if ((f.verdict == GR_VERDICT_WARNING) != (cases[i].warns != NULL))
            fail_msg("case %zu: %s: %s", i, gr__verdict_name(f.verdict), f.message);
        if (cases[i].warns) expect(&f, GR_VERDICT_WARNING, cases[i].warns);
        end(&b);
    }
}

/* ---- initial weights ---- */

static void equal_units_are_a_warning(void **state) /* [I1] */
{
    (void)state;
    bench b = {.ctx = test_context()};
    begin_with(&b, RECIPE(b.ctx, TABLE, "init={weights: {type: constant, value: 0.1}}"));
    gr_finding f = look(&b.p, gr__check_symmetry);
    expect(&f, GR_VERDICT_WARNING, "1 of 2 weights (h.weight)");
    end(&b);
}

#define DEEP                                                                                                          \
    "gradus: 1\nname: deep\nseed: 2\ndata: {train: {type: synthetic, kind: blobs, n: 64, classes: 4, features: 512, " \
    "noise: 10, seed: 2}, batch: 64, prepare: [standardize]}\n"                                                       \
    "model: {input: [512], layers: [{repeat: {times: 20, layers: [{type: dense, units: 512, activation: relu}]}}, "   \
    "{type: dense, units: 4, name: head}]}\n"                                                                         \
    "cost: cross_entropy\noptimizer: sgd\nstop: {epochs: 1}\n"

/* The variance after a ReLU starts at 1 - 1/pi; at this width seeds scatter it by about exp(+-0.3) over 20 layers. */
static void deep_networks_keep_their_scale_only_with_kaiming(void **state) /* [I2] */
{
    (void)state;
    static const struct {
        const char *init;
        gr_verdict verdict;
        const char *says;
    } cases[] = {
        {"init={weights: kaiming}", GR_VERDICT_OK, "keep their scale"},
        {"init={weights: {type: normal, std: 0.01}}", GR_VERDICT_FAILED, "fade"},
        {"init={weights: {type: normal, std: 1}}", GR_VERDICT_FAILED, "explode"},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        bench b = {.ctx = test_context()};
        gr__bump *memory = gr__bump_create(b.ctx);
        gr_init_row *rows;
        size_t n;
        gr_finding f = {.id = "I2", .name = "init"};
        begin_with(&b, RECIPE(b.ctx, DEEP, cases[i].init));
        test_ok(b.ctx, gr__check_init(&b.p, memory, &rows, &n, &f));
        expect(&f, cases[i].verdict, cases[i].says);
        assert_int_equal(n, 21);
        for (size_t k = 0; k + 1 < n; k++) {
            assert_true(rows[k].weighted);
            assert_string_equal(rows[k].type, "dense");
            if (i == 0 && !(rows[k].activation.variance > 0.5 && rows[k].activation.variance < 2))
                fail_msg("%s: %g", rows[k].name, rows[k].activation.variance);
            if (i == 1 && k > 0)
                assert_true(rows[k].activation.variance < rows[k - 1].activation.variance &&
                            rows[k].gradient.square < 1e-3);
            if (i == 2 && k > 0) assert_true(rows[k].activation.variance > rows[k - 1].activation.variance);
        }
        gr__bump_destroy(memory);
        end(&b);
    }
}

/* ---- faults ---- */

/* Fails the k-th acquisition for ever larger k, of the checks that `o` asks for. */
static void fail_each(const gr_check_options *o)
{
    uint64_t last = 0;
    gr_checked all;
    for (uint64_t k = 0; k == 0 || k <= last; k += 1 + k / 16) {
        gr_context *ctx = test_context();
        gr_recipe *r = RECIPE(ctx, TABLE);
        gr__bump *memory = gr__bump_create(ctx);
        uint64_t before = gr__acquisitions(ctx);
        gr__fail_acquisition(ctx, k);
        gr_status st = gr__check_all(ctx, r, o, memory, &all);
        gr__fail_acquisition(ctx, 0);
        if (k == 0)
            test_ok(ctx, st), last = gr__acquisitions(ctx) - before;
        else if (st != GR_OK)
            assert_int_equal(st, GR_E_MEMORY);
        gr__bump_destroy(memory);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
    assert_true(last > 100);
}

static void any_failing_allocation_is_survived(void **state)
{
    (void)state;
    fail_each(&(gr_check_options){.skip = "T6,T7,X6,X7,X9,X10,X11,X12,X13,X16,X17"});
    fail_each(&(gr_check_options){.only = "T6,T7,X6,X10", .steps = 1});
    fail_each(&(gr_check_options){.only = "X11,X13,X16,X17", .steps = 1});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_recipes_pass_everything),
        cmocka_unit_test(progress_is_told),
        cmocka_unit_test(formats_are_reported_for_every_tensor),
        cmocka_unit_test(a_loader_that_repeats_itself_fails),
        cmocka_unit_test(an_epoch_that_delivers_samples_twice_fails),
        cmocka_unit_test(labels_of_other_samples_fail),
        cmocka_unit_test(a_dead_column_is_named),
        cmocka_unit_test(a_dark_border_passes_and_a_dark_picture_fails),
        cmocka_unit_test(labels_that_never_vary_fail),
        cmocka_unit_test(inputs_that_nothing_follows_fail),
        cmocka_unit_test(outputs_without_softmax_fail),
        cmocka_unit_test(a_wrong_cost_fails),
        cmocka_unit_test(every_cost_is_written_down_once_more),
        cmocka_unit_test(a_wrong_gradient_fails),
        cmocka_unit_test(guessing_costs_what_theory_says),
        cmocka_unit_test(large_outputs_and_answers_in_the_inputs_fail),
        cmocka_unit_test(probabilities_for_logits_are_a_warning),
        cmocka_unit_test(log_probabilities_for_logits_are_a_warning),
        cmocka_unit_test(equal_units_are_a_warning),
        cmocka_unit_test(deep_networks_keep_their_scale_only_with_kaiming),
        cmocka_unit_test(any_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
