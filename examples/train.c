/* Training from a recipe with data of the program, callbacks that are told of every update and evaluation, and a model
 * file at the end, which examples/predict.c uses: which of two rings around the middle is a point on?
 *
 *   cc train.c $(pkg-config --cflags --libs gradus) -lm && ./a.out */
#include <gradus/gradus.h>
#include <math.h>
#include <stdio.h>

enum { N = 600 };

static const char recipe[] = "gradus: 1\n"
                             "seed: 2\n"
                             "data: {train: program, validation: {split: 0.2}, batch: 32, prepare: [standardize]}\n"
                             "model:\n"
                             "  input: [2]\n"
                             "  layers:\n"
                             "    - {type: dense, units: 16, activation: tanh}\n"
                             "    - {type: dense, units: 2, name: head}\n"
                             "cost: cross_entropy\n"
                             "optimizer: {type: adam, lr: 0.01}\n"
                             "stop: {epochs: 60}\n";

/* Raw numbers: centimetres from a corner of a table. */
static void make_rings(float x[N][2], uint8_t ring[N])
{
    for (int i = 0; i < N; i++) {
        ring[i] = i % 2;
        double turn = 2.39996 * i, radius = (ring[i] ? 30 : 10) + 6 * sin(i * 0.77);
        x[i][0] = (float)(50 + radius * cos(turn));
        x[i][1] = (float)(50 + radius * sin(turn));
    }
}

/* Told of every evaluation; the run ends early where it has found what was wanted. */
static gr_status evaluated(void *user, const gr_progress *p, bool *stop)
{
    int *updates = user;
    if (p->best)
        printf("update %4lld  %4d told of  validation error %.4f\n", (long long)p->step, *updates, p->validation_error);
    *stop = p->validation_error == 0;
    return GR_OK;
}

static gr_status updated(void *user, const gr_progress *p, bool *stop)
{
    (void)p, (void)stop;
    ++*(int *)user;
    return GR_OK;
}

/* What went wrong, with its place, and what helps. */
static int told(gr_context *ctx)
{
    const gr_error *e = gr_context_error(ctx);
    fprintf(stderr, "%s:%d:%d: %s: %s\n%s\n", e->file, e->line, e->column, e->key, e->message, e->hint);
    gr_context_destroy(ctx);
    return 1;
}

int main(void)
{
    static const char *const names[] = {"inner", "outer"};
    static float x[N][2];
    static uint8_t ring[N];
    int updates = 0;
    gr_context *ctx;
    gr_recipe *r;
    gr_data *d;
    gr_trainer *t;
    gr_train_result found;
    make_rings(x, ring);
    if (gr_context_create(NULL, &ctx) != GR_OK) return 1;
    if (gr_recipe_parse(ctx, "rings", NULL, recipe, NULL, 0, &r) != GR_OK) return told(ctx);
    if (gr_data_create(ctx, N, &d) != GR_OK) return told(ctx);
    const gr_data_field fields[] = {
        {.version = GR_DATA_FIELD_VERSION,
         .role = GR_DATA_INPUT,
         .type = GR_DATA_F32,
         .shape = GR_SHAPE(2),
         .values = x},
        {.version = GR_DATA_FIELD_VERSION,
         .role = GR_DATA_TARGET,
         .type = GR_DATA_U8,
         .shape = GR_SCALAR,
         .values = ring,
         .class_names = names,
         .n_classes = 2},
    };
    for (int i = 0; i < 2; i++)
        if (gr_data_add(d, &fields[i]) != GR_OK) return told(ctx);
    const gr_watcher w = {
        .version = GR_WATCHER_VERSION, .user = &updates, .after_update = updated, .after_evaluation = evaluated};
    const gr_trainer_options o = {
        .version = GR_TRAINER_VERSION, .out = "runs/rings", .overwrite = true, .watcher = &w, .n_watchers = 1};
    if (gr_trainer_create(r, &(gr_trainer_data){.train = d}, &o, &t) != GR_OK) return told(ctx);
    if (gr_trainer_run(t, &found) != GR_OK) return told(ctx);
    printf("ended by %s after %d updates, best error %.4f, in %s\n", gr_reason_name(found.reason), updates,
           found.best_error, gr_trainer_folder(t));
    gr_trainer_destroy(t);
    gr_data_destroy(d);
    gr_recipe_close(r);
    gr_context_destroy(ctx);
    return found.best_error < 0.05 ? 0 : 1;
}
