/* Masks hold: whatever trains on a pruned model, and whatever is averaged of it, pruned weights are 0 and stay 0, and
 * weights that are pruned while training stay pruned too.  [mission G11, F9] */
#include "support/trainings.h"

#include "model/edit/prune.h"
#include "optim/optimizer.h"

/* ---- model files ---- */

/* Masked weights of a file: exactly 0, all of them; how many there are, of each of the two tensors. */
static void count_masked(gr_context *ctx, const char *folder, const char *file, int64_t pruned[2])
{
    static const char *const names[] = {"c1.weight", "head.weight"};
    char path[200], mask_name[64];
    gr_st *st;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    test_ok(ctx, gr__st_whole(ctx, path, &st));
    for (int i = 0; i < 2; i++) {
        snprintf(mask_name, sizeof mask_name, "%.50s.mask", names[i]);
        const gr_st_tensor *w = gr__st_find(st, names[i]), *m = gr__st_find(st, mask_name);
        assert_non_null(m);
        assert_int_equal(m->type, GR_ST_U8);
        assert_int_equal(m->bytes, gr_shape_count(w->shape));
        pruned[i] = 0;
        for (size_t k = 0; k < m->bytes; k++) {
            double x;
            float f;
            unsigned char keep = ((const unsigned char *)m->data)[k];
            memcpy(&x, (const char *)w->data + 8 * k, w->type == GR_ST_F64 ? 8 : 0);
            memcpy(&f, (const char *)w->data + 4 * k, w->type == GR_ST_F32 ? 4 : 0);
            if (w->type == GR_ST_F32) x = f;
            assert_true(keep == 0 || keep == 1);
            if (!keep && x != 0) fail_msg("%s %s: a masked weight is %g", file, names[i], x);
            pruned[i] += !keep;
        }
    }
    gr__st_close(st);
}

static void assert_file(gr_context *ctx, const char *folder, const char *file, double share)
{
    int64_t pruned[2];
    count_masked(ctx, folder, file, pruned);
    assert_int_equal(pruned[0], gr__prune_count(share, 36));
    assert_int_equal(pruned[1], gr__prune_count(share, 2560));
}

static bool kept(const char *folder, const char *file)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    return access(path, F_OK) == 0;
}

/* ---- trainings ---- */

/* Trains small's recipe with more lines, from a model or from none. */
static gr_train_result train(gr_context *ctx, small *s, const char *more, const char *from, bool resume)
{
    gr_train_result result;
    char text[1200];
    FILE *f = fopen(s->recipe, "r");
    assert_non_null(f);
    size_t n = fread(text, 1, 700, f);
    fclose(f);
    text[n] = 0;
    char *tail = strstr(text, "cost: cross_entropy\n") + 20;
    snprintf(tail, sizeof text - (size_t)(tail - text), "%s", more);
    f = fopen(s->recipe, "w");
    fputs(text, f);
    fclose(f);
    const gr_train_options o = {.from = from, .resume = resume, .overwrite = !resume};
    test_ok(ctx, small_train(ctx, s, &o, &result));
    return result;
}

/* A trained model, pruned. */
static void make_pruned(gr_context *ctx, small *s, double sparsity, char *path, size_t room)
{
    char trained[200];
    gr_model m = {0};
    gr_pruned *tensors;
    size_t n;
    gr__bump *b = gr__bump_create(ctx);
    train(ctx, s, "stop: {steps: 3}\ncheckpoint: none\n", NULL, false);
    snprintf(trained, sizeof trained, "%s/last.safetensors", s->out);
    snprintf(path, room, "%s/pruned.safetensors", s->folder);
    test_ok(ctx, gr__model_open(ctx, trained, &m));
    const gr_pruning how = {.sparsity = sparsity};
    test_ok(ctx, gr__prune_model(ctx, &m, &how, path, b, &tensors, &n));
    assert_int_equal(n, 2);
    gr__model_close(&m);
    gr__bump_destroy(b);
}

/* In a context of its own, whose peak is this training's. */
static void train_by(small *s, const gr_optimizer *m, const char *extra, const char *from)
{
    gr_context *ctx = test_context();
    gr_train_result result;
    char more[800], sets[160] = "";
    const char *const set[] = {sets, "data.batch=all", "accumulate=1"}; /* the last two where it wants all samples */
    gr_recipe *r;
    snprintf(more, sizeof more, "stop: {steps: 7}\ncheckpoint: none\n%s", extra);
    snprintf(sets, sizeof sets, "optimizer={type: %s, lr: 0.05%s}", m->head.name,
             m->decay == GR_DECAY_OWN ? "" : ", weight_decay: 0.1, gradient_centralization: true");
    small other;
    small_make(&other, more);
    test_ok(ctx, gr__recipe_open(ctx, other.recipe, set, m->whole_set ? 3 : 1, &r));
    const gr_train_options o = {.out = s->out, .from = from, .overwrite = true};
    test_ok(ctx, gr__train(ctx, r, &o, &result));
    assert_int_equal(result.planned_bytes, result.peak_bytes);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
    small_remove(&other);
}

static void every_optimizer_holds_masks(void **state)
{
    (void)state;
    static const char *const around[] = {
        "clip: {norm: 0.5}\npenalty: {l2: 1e-3, l1: 1e-3}\naverage: {type: swa, start: 2, cycle: 2}\n",
        "sam: {rho: 0.05}\naccumulate: 2\naverage: {type: ema, decay: 0.5}\n"};
    int n;
    const gr_optimizer *const *all = gr__optimizers(&n);
    gr_context *ctx = test_context();
    small s;
    char from[200];
    small_make(&s, "stop: {steps: 1}\n");
    make_pruned(ctx, &s, 0.6, from, sizeof from);
    for (int i = 0; i < n; i++)
        for (size_t k = 0; k < GR_COUNT(around); k++) {
            train_by(&s, all[i], around[k], from);
            assert_file(ctx, s.out, "last.safetensors", 0.6);
            const char *file = k == 0 ? "swa.safetensors" : "ema.safetensors";
            assert_true(kept(s.out, file));
            assert_file(ctx, s.out, file, 0.6);
        }
    small_remove(&s);
    test_context_end(ctx);
}

static void every_optimizer_prunes_gradually(void **state)
{
    (void)state;
    static const char *const around[] = {
        "prune: {to: 0.8, from_step: 1, to_step: 6, every: 2}\nclip: {norm: 0.5}\naverage: {type: swa, start: 0, "
        "cycle: "
        "1}\n",
        "prune: {to: 0.5, to_step: 5, every: 1}\nsam: {rho: 0.05}\naverage: {type: ema, decay: 0.9}\n"};
    int n;
    const gr_optimizer *const *all = gr__optimizers(&n);
    gr_context *ctx = test_context();
    small s;
    small_make(&s, "stop: {steps: 1}\n");
    for (int i = 0; i < n; i++)
        for (size_t k = 0; k < GR_COUNT(around); k++) {
            train_by(&s, all[i], around[k], NULL);
            assert_file(ctx, s.out, "last.safetensors", k == 0 ? 0.8 : 0.5);
            assert_file(ctx, s.out, k == 0 ? "swa.safetensors" : "ema.safetensors", k == 0 ? 0.8 : 0.5);
        }
    small_remove(&s);
    test_context_end(ctx);
}

/* LookAhead, slow and fast, with every way of treating the momentum; a proximal step; a switch of methods. */
static void what_stands_around_holds_masks(void **state)
{
    (void)state;
    static const char *const around[] = {
        "optimizer: {type: sgdm, lr: 0.1}\nlookahead: {k: 2, alpha: 0.5}\n",
        "optimizer: {type: sgdm, lr: 0.1}\nlookahead: {k: 3, alpha: 0.3, inner: pullback}\n",
        "optimizer: {type: adam, lr: 0.01}\nlookahead: {k: 2, alpha: 0.5, eval: fast, inner: reset}\n",
        "optimizer: {type: sgd, lr: 0.1}\npenalty: {l1: 0.01, l1_step: proximal}\n",
        "optimizer: {type: nag, lr: 0.1}\nclip: {value: 0.01}\n",
        "optimizer: {type: switch, first: adam, then: {type: sgdm, lr: 0.01}, at: 3}\n",
        "optimizer: {type: adamw, lr: 0.01}\nprecision: float64\n",
    };
    gr_context *ctx = test_context();
    small s;
    char from[200], more[400];
    small_make(&s, "stop: {steps: 1}\n");
    make_pruned(ctx, &s, 0.6, from, sizeof from);
    for (size_t k = 0; k < GR_COUNT(around); k++)
        for (int gradual = 0; gradual < 2; gradual++) {
            snprintf(more, sizeof more, "stop: {steps: 7}\ncheckpoint: none\n%s%s", around[k],
                     gradual ? "prune: {to: 0.75, to_step: 5, every: 1}\n" : "");
            train(ctx, &s, more, gradual ? NULL : from, false);
            assert_file(ctx, s.out, "last.safetensors", gradual ? 0.75 : 0.6);
        }
    small_remove(&s);
    test_context_end(ctx);
}

/* After every update t at which it is due exactly floor(s_t n). */
static void gradual_pruning_keeps_its_schedule(void **state)
{
    (void)state;
    const gr_prune_rule rule = {.on = true, .to = 0.9, .from_step = 2, .to_step = 9, .every = 3};
    gr_context *ctx = test_context();
    small s;
    double share = 0;
    small_make(&s, "stop: {steps: 1}\n");
    for (int t = 1; t <= 11; t++) {
        char more[200];
        snprintf(more, sizeof more,
                 "optimizer: {type: sgdm, lr: 0.1}\nprune: {to: 0.9, from_step: 2, to_step: 9, every: 3}\n"
                 "stop: {steps: %d}\ncheckpoint: none\n",
                 t);
        if (t == 2 || t == 5 || t == 8 || t == 9) share = gr__prune_share(&rule, t);
        train(ctx, &s, more, NULL, false);
        assert_file(ctx, s.out, "last.safetensors", share);
    }
    assert_true(share == 0.9);
    small_remove(&s);
    test_context_end(ctx);
}

/* A norm, and what it clips, know nothing of masked gradients: a weight that is masked is as one that is not there. */
static void masked_gradients_are_none(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    small s;
    char from[200];
    double norm[2] = {0, 0};
    small_make(&s, "stop: {steps: 1}\n");
    make_pruned(ctx, &s, 0.99, from, sizeof from);
    for (int dense = 0; dense < 2; dense++) {
        char line[2048], path[200];
        gr_st *st;
        if (dense) { /* the same weights without their masks */
            gr_st_tensor t[8];
            gr_st_pair meta[16];
            int n = 0, k = 0;
            static const char *const keys[] = {"gradus.recipe", "gradus.prepare", "gradus.classes",
                                               "gradus.class_counts"};
            test_ok(ctx, gr__st_whole(ctx, from, &st));
            for (int i = 0; i < gr__st_count(st); i++)
                if (!strstr(gr__st_at(st, i)->name, ".mask")) t[n++] = *gr__st_at(st, i);
            for (size_t i = 0; i < GR_COUNT(keys); i++)
                if (gr__st_meta(st, keys[i])) meta[k++] = (gr_st_pair){keys[i], gr__st_meta(st, keys[i])};
            assert_int_equal(n, 4);
            test_ok(ctx, gr__st_write(ctx, from, t, n, meta, k));
            gr__st_close(st);
        }
        train(ctx, &s, "optimizer: {type: sgd, lr: 0.1}\nstop: {steps: 1}\ncheckpoint: none\n", from, false);
        snprintf(path, sizeof path, "%s/metrics.jsonl", s.out);
        FILE *f = fopen(path, "r");
        assert_non_null(fgets(line, sizeof line, f));
        fclose(f);
        const char *at = strstr(line, "\"grad_norm\":");
        assert_non_null(at);
        norm[dense] = strtod(at + 12, NULL);
    }
    assert_true(norm[0] > 0 && norm[0] < 0.9 * norm[1]);
    small_remove(&s);
    test_context_end(ctx);
}

static void read_all(const char *folder, const char *file, char *bytes, size_t *n)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    *n = fread(bytes, 1, 1 << 20, f);
    fclose(f);
}

/* Resumed in the middle of pruning, and with the masks of another model, to the same bits. */
static void resumes_to_the_same_bits(void **state)
{
    (void)state;
    static const char *const lines[] = {"prune: {to: 0.8, from_step: 1, to_step: 9, every: 2}\n", ""};
    static char a[1 << 20], b[1 << 20];
    gr_context *ctx = test_context();
    small s;
    char from[200], more[400];
    small_make(&s, "stop: {steps: 1}\n");
    make_pruned(ctx, &s, 0.6, from, sizeof from);
    for (size_t k = 0; k < GR_COUNT(lines); k++) {
        size_t n, m;
        const char *format = "optimizer: {type: sgdm, lr: 0.1}\naverage: {type: ema, decay: 0.5}\nstop: {steps: %d}\n"
                             "checkpoint: {every: 1, keep: 3}\n%s";
        snprintf(more, sizeof more, format, 11, lines[k]);
        train(ctx, &s, more, k ? from : NULL, false);
        read_all(s.out, "last.safetensors", a, &n);
        for (int stop = 1; stop < 11; stop += 3) {
            snprintf(more, sizeof more, format, stop, lines[k]);
            train(ctx, &s, more, k ? from : NULL, false);
            snprintf(more, sizeof more, format, 11, lines[k]);
            train(ctx, &s, more, NULL, true);
            read_all(s.out, "last.safetensors", b, &m);
            assert_int_equal(n, m);
            assert_memory_equal(a, b, n);
        }
    }
    small_remove(&s);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_optimizer_holds_masks),    cmocka_unit_test(every_optimizer_prunes_gradually),
        cmocka_unit_test(what_stands_around_holds_masks), cmocka_unit_test(gradual_pruning_keeps_its_schedule),
        cmocka_unit_test(masked_gradients_are_none),      cmocka_unit_test(resumes_to_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
