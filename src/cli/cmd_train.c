/* gradus train: the progress line, and what a person reads at the end. */
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "train/train.h"

typedef struct view {
    bool terminal, quiet;
    double shown; /* when the line was last drawn */
    bool open;    /* a line without its newline stands on the terminal */
} view;

static void clear(view *v)
{
    if (v->open) fprintf(stderr, "\r\033[K");
    v->open = false;
}

static void draw(view *v, const gr_progress *p)
{
    enum { WIDTH = 24 };
    char bar[WIDTH + 1], left[32] = "";
    double part = p->steps ? (double)p->step / (double)p->steps : 0;
    int full = (int)(part * WIDTH);
    for (int i = 0; i < WIDTH; i++) bar[i] = i < full ? '#' : '.';
    bar[WIDTH] = 0;
    if (isfinite(p->seconds_left)) {
        int s = (int)(p->seconds_left + 0.5);
        if (s >= 3600)
            snprintf(left, sizeof left, "  %d:%02d:%02d left", s / 3600, s / 60 % 60, s % 60);
        else
            snprintf(left, sizeof left, "  %d:%02d left", s / 60, s % 60);
    }
    fprintf(stderr, "\r\033[K%s",
            p->phase == GR_PHASE_VALIDATE     ? "validating  "
            : p->phase == GR_PHASE_STATISTICS ? "statistics  "
                                              : "");
    if (p->steps)
        fprintf(stderr, "[%s] %3.0f %%  epoch %.2f of %.4g", bar, 100 * part, p->epoch, p->epochs);
    else
        fprintf(stderr, "step %lld", (long long)p->step);
    fprintf(stderr, "  cost %.4f  lr %.3g  %.0f samples/s%s", p->cost, p->lr, p->samples_per_second, left);
    fflush(stderr);
    v->open = true;
}

static void progress(void *user, const gr_progress *p)
{
    view *v = user;
    if (v->quiet) return;
    switch (p->phase) {
    case GR_PHASE_TRAIN:
    case GR_PHASE_STATISTICS:
    case GR_PHASE_VALIDATE:
        if (!v->terminal) return;
        if (p->phase != GR_PHASE_VALIDATE && p->seconds - v->shown < 0.1) return;
        v->shown = p->seconds;
        draw(v, p);
        return;
    case GR_PHASE_EVALUATED:
        clear(v);
        fprintf(stderr, "epoch %-6.4g step %-7lld cost %-9.5f validation cost %-9.5f error %.4f%s  (%.0f s)\n",
                p->epoch, (long long)p->step, p->cost, p->validation_cost, p->validation_error, p->best ? "  best" : "",
                p->seconds);
        return;
    case GR_PHASE_RESUMED:
        fprintf(stderr, "resumed from %s after step %lld\n", p->path, (long long)p->step);
        return;
    case GR_PHASE_CHECKPOINT:
        return;
    case GR_PHASE_DONE:
        clear(v);
        return;
    }
}

static void conclude(const cli *c, const char *out, const gr_train_result *r)
{
    char bytes[32];
    FILE *to = c->json ? stderr : stdout;
    if (c->quiet) return;
    gr__size_text(r->peak_bytes, bytes, sizeof bytes);
    fprintf(to, "%s after %lld steps (%.4g epochs) in %.1f s, %s of tensor memory\n",
            r->reason == GR_REASON_DIVERGED ? "diverged" : "stopped", (long long)r->steps, r->epochs, r->seconds,
            bytes);
    fprintf(to, "reason: %s\n", gr__reason_name(r->reason));
    if (r->best_step && isfinite(r->best_error))
        fprintf(to, "best: step %lld, validation cost %.5f, error %.4f\n", (long long)r->best_step, r->best_cost,
                r->best_error);
    fprintf(to, "models: %s/best.safetensors, last.safetensors\n", out);
}

static gr_status copy_file(FILE *to, gr_context *ctx, const char *folder, const char *name)
{
    char path[4200], chunk[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "re");
    if (!f) return gr__fail(ctx, GR_E_FILE, "cannot read %s", path);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;) fwrite(chunk, 1, n, to);
    fclose(f);
    return GR_OK;
}

static gr_status run(cli *c)
{
    gr_recipe *r = NULL;
    gr_train_result result = {0};
    view v = {.terminal = isatty(STDERR_FILENO), .quiet = c->quiet};
    gr_status st = cli_recipe(c, c->argument[0], &r);
    if (st != GR_OK) return st;
    const char *out = cli_value(c, "out") ? cli_value(c, "out") : gr__bump_format(c->memory, "runs/%s", r->name);
    if (cli_value(c, "resume") && cli_value(c, "overwrite"))
        st = gr__fail(c->ctx, GR_E_USAGE, "--resume and --overwrite exclude each other");
    else if (cli_value(c, "force") && !cli_value(c, "from"))
        st = gr__fail(c->ctx, GR_E_USAGE, "--force says what to do with the model of --from, which is missing");
    else if (!out)
        st = GR_E_MEMORY;
    if (st == GR_OK) {
        cli_catch_signals();
        gr_train_options o = {.out = out,
                              .from = cli_value(c, "from"),
                              .force = cli_value(c, "force") != NULL,
                              .resume = cli_value(c, "resume") != NULL,
                              .overwrite = cli_value(c, "overwrite") != NULL,
                              .stop = &cli_stop,
                              .progress = progress,
                              .user = &v};
        st = gr__train(c->ctx, r, &o, &result);
        clear(&v);
        if (result.steps > 0 || st == GR_OK) {
            conclude(c, out, &result);
            if (c->json && st == GR_OK) st = copy_file(stdout, c->ctx, out, "result.json");
        }
    }
    gr__recipe_close(c->ctx, r);
    return st;
}

static const cli_flag flags[] = {
    {"out", "DIR", "the run folder; default runs/NAME", 'o'},
    {"from", "MODEL",
     "starts from this model's weights instead of new ones, and prepares inputs and numbers classes as it does", 0},
    {"force", NULL,
     "with --from: a model of other classes, columns or preparation; the recipe's and the data's are taken", 0},
    {"resume", NULL, "continues the run in the folder, to the same bits; starts one where there is none", 0},
    {"overwrite", NULL, "starts over where the folder holds a run", 0},
    {0},
};

const cli_command cmd_train = {
    .name = "train",
    .usage = "RECIPE [--out DIR] [--from MODEL [--force]] [--resume | --overwrite]",
    .summary = "Trains the network of a recipe, or resumes",
    .help =
        "Everything goes into the run folder: recipe.yaml (resolved), metrics.jsonl (a line an update), result.json,\n"
        "best.safetensors and last.safetensors (models), checkpoints/. Ctrl-C writes a checkpoint and ends with exit "
        "code 5;\n"
        "--resume then continues to the same bits as if nothing had happened.\n\n"
        "With --from a model's weights keep their meaning: its numbers of classes, its columns, its statistics of the "
        "inputs. Other classes,\n"
        "columns or steps of preparation are refused; --force takes the new ones, and says what it does.\n\n"
        "Examples\n  gradus train recipes/fashion.yaml\n  gradus train my.yaml --set optimizer.lr=0.01 --set "
        "stop.epochs=20 --out runs/lr01\n",
    .flags = flags,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
