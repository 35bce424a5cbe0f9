/* The biases of an LSTM's gates: those of the chapter (forget 1, input and output -1), a forget gate's 1 alone, and
 * zeros, on two tasks that need memory. Which is learned faster is reported, whichever way it falls; what is claimed is
 * what the biases do to the first state, which theory says. [mission I11, I12] */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "study/lab/training.h"
#include "study/steps/steps.h"

static const gr_row rows[] = {
    GR_ROW("seeds", INT, "5", "[1,50]", "", "trainings of each start, each of other initial weights and batches"),
    GR_ROW("units", INT, "32", "[1,1024]", "1", "of the LSTM"),
    GR_ROW("copied", INT, "4", "[1,200]", "symbols", "to copy, in as many steps after them"),
    GR_ROW("lag", INT, "30", "[2,2000]", "steps", "of the sequences whose first symbol is asked for at the end"),
    GR_ROW("samples", INT, "2000", "[100,100000]", "samples", "to train on; half as many to validate on"),
    GR_ROW("epochs", INT, "25", "[1,1000]", "epochs", "of every training"),
    GR_ROW("lr", REAL, "0.01", "(0,1]", "1", "the learning rate, Adam's"),
};

enum { COPY, LATCH, TASKS };
enum { CHAPTER, FORGET, ZERO, STARTS };
enum { MOST_SEEDS = 50, BATCH = 50, SYMBOLS = 8, ANSWERS = 4 };
static const char *const task_words[] = {"copy", "latch", NULL};
static const char *const start_words[] = {"chapter", "forget_1", "zeros", NULL};
static const double start_bias[STARTS][3] = {{1, -1, -1}, {1, 0, 0}, {0, 0, 0}}; /* forget, input, output */

static const gr_column curve_columns[] = {GR_NUMBER("task", "", task_words),    GR_NUMBER("start", "", start_words),
                                          GR_NUMBER("epoch", "epochs", NULL),   GR_NUMBER("mean_error", "%", NULL),
                                          GR_NUMBER("lowest_error", "%", NULL), GR_NUMBER("highest_error", "%", NULL)};
static const gr_column run_columns[] = {GR_NUMBER("task", "", task_words), GR_NUMBER("start", "", start_words),
                                        GR_NUMBER("seed", "", NULL), GR_NUMBER("solved_after", "epochs", NULL),
                                        GR_NUMBER("last_error", "%", NULL)};
static const gr_column state_columns[] = {GR_NUMBER("start", "", start_words), GR_NUMBER("gate_product", "", NULL),
                                          GR_NUMBER("first_state", "", NULL), GR_NUMBER("by_zeros", "", NULL)};

/* ---- one training ---- */

static const char *recipe_of(gr_lab *lab, int task, int start, uint64_t seed)
{
    const gr_settings *s = &lab->settings;
    const double *bias = start_bias[start];
    char rate[32];
    long long copied = (long long)gr__setting_int(s, "copied"), n = (long long)gr__setting_int(s, "samples");
    int features = (int)(task == COPY ? copied : gr__setting_int(s, "lag")), classes = task == COPY ? SYMBOLS : ANSWERS;
    long long data = (long long)(lab->seed % 1000000007);
    return gr__lab_text(
        lab,
        "{gradus: 1, name: gates, seed: %llu, data: {train: {type: synthetic, kind: %s, features: %d, classes: %d, n: "
        "%lld, seed: %lld},\n"
        " validation: {type: synthetic, kind: %s, features: %d, classes: %d, n: %lld, seed: %lld}, batch: %d, shuffle: "
        "every_epoch},\n"
        " model: {input: [%d], layers: [{type: embedding, vocabulary: %d, units: %d}, {type: lstm, units: %lld, "
        "return: %s, name: cell}, {type: dense, units: %d}]},\n"
        " init: {lstm: {forget_bias: %g, input_bias: %g, output_bias: %g}}, cost: cross_entropy,\n"
        " optimizer: {type: adam, lr: %s}, stop: {epochs: %lld}}\n",
        (unsigned long long)seed, task_words[task], features, classes, n, 2 * data, task_words[task], features, classes,
        n / 2, 2 * data + 1, BATCH, task == COPY ? 2 * features : features, 2 * ANSWERS, 2 * ANSWERS,
        (long long)gr__setting_int(s, "units"), task == COPY ? "sequence" : "last", classes, bias[0], bias[1], bias[2],
        gr__double_text(gr__setting_real(s, "lr"), rate), (long long)gr__setting_int(s, "epochs"));
}

/* error: after each epoch, in percent. */
static gr_status train(gr_lab *lab, int task, int start, uint64_t seed, double *error)
{
    gr_trained end;
    const gr_training t = {.recipe = recipe_of(lab, task, start, seed), .every = 1, .error = error};
    int64_t epochs = gr__setting_int(&lab->settings, "epochs");
    for (int64_t e = 0; e < epochs; e++) error[e] = 1; /* of those that a training never reaches */
    gr_status st = gr__lab_train(lab, &t, &end);
    for (int64_t e = 0; e < epochs; e++) error[e] *= 100;
    return st;
}

/* ---- a start, all its seeds ---- */

typedef struct standing {
    double solved, last; /* epochs until at most 1 % is wrong, what is wrong at the end; means over seeds */
    int unsolved;
} standing;

static void curve(gr_lab *lab, gr_table *t, int task, int start, const double *error, int64_t epochs, int64_t seeds)
{
    for (int64_t e = 0; e < epochs; e++) {
        double mean = 0, low = INFINITY, high = -INFINITY;
        for (int64_t k = 0; k < seeds; k++) {
            double x = error[k * epochs + e];
            mean += x / (double)seeds;
            low = fmin(low, x);
            high = fmax(high, x);
        }
        GR_LAB_ROW(lab, t, task, start, (double)(e + 1), mean, low, high);
    }
}

static gr_status follow(gr_lab *lab, gr_table *curves, gr_table *runs, int task, int start, standing *out)
{
    int64_t epochs = gr__setting_int(&lab->settings, "epochs"), seeds = gr__setting_int(&lab->settings, "seeds");
    double *error = gr__bump_alloc(lab->memory, (size_t)(seeds * epochs) * sizeof *error);
    gr_status st = error ? GR_OK : GR_E_MEMORY;
    *out = (standing){0};
    for (int64_t k = 0; k < seeds && st == GR_OK; k++) {
        double *of = error + k * epochs;
        uint64_t seed = gr__lab_seed(lab, k);
        st = train(lab, task, start, seed, of);
        if (st != GR_OK) break;
        int64_t after = 0;
        while (after < epochs && of[after] > 1) after++;
        bool solved = after < epochs;
        out->unsolved += !solved;
        out->solved += (double)(after + 1) / (double)seeds;
        out->last += of[epochs - 1] / (double)seeds;
        GR_LAB_ROW(lab, runs, task, start, (double)seed, solved ? (double)(after + 1) : NAN, of[epochs - 1]);
    }
    if (st == GR_OK) curve(lab, curves, task, start, error, epochs, seeds);
    return st;
}

/* ---- the first state, by the initial weights ---- */

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static const float *tensor(const gr_store *s, const char *name) /* the cpu backend's */
{
    return gr_store_find(s, name)->data;
}

/* The mean size of the cell's states after the first step, over symbols and units: c = sigmoid(i) tanh(g). */
static double first_state(const gr_store *s, int64_t units)
{
    const float *rows_of = tensor(s, "embedding1.weight"), *w = tensor(s, "cell.weight_ih_l0"),
                *b = tensor(s, "cell.bias_ih_l0"), *d = tensor(s, "cell.bias_hh_l0");
    const int64_t wide = 2 * ANSWERS;
    double sum = 0;
    for (int64_t symbol = 0; symbol < wide; symbol++) {
        for (int64_t u = 0; u < units; u++) {
            double z[4]; /* i, f, g, o */
            for (int64_t gate = 0; gate < 4; gate++) {
                int64_t row = gate * units + u;
                z[gate] = (double)b[row] + (double)d[row];
                for (int64_t k = 0; k < wide; k++) z[gate] += (double)w[row * wide + k] * rows_of[symbol * wide + k];
            }
            sum += fabs(sigmoid(z[0]) * tanh(z[2]));
        }
    }
    return sum / (double)(wide * units);
}

static gr_status measure(gr_lab *lab, int start, double *out)
{
    gr_recipe *r = NULL;
    gr_steps s = {0};
    gr_status st = GR_OK;
    const char *text = recipe_of(lab, LATCH, start, lab->seed);
    GR_TRY(text ? GR_OK : GR_E_MEMORY);
    GR_TRY(gr__recipe_from_text(lab->ctx, "gates", ".", text, strlen(text), NULL, 0, &r));
    GR_TRY(gr__steps_open(lab->ctx, r, 0, &s));
    *out = first_state(s.engine.store, gr__setting_int(&lab->settings, "units"));
done:
    gr__steps_close(&s);
    if (r) gr__recipe_close(lab->ctx, r);
    return st;
}

static gr_status states(gr_lab *lab)
{
    double size[STARTS] = {0}, gate[STARTS];
    gr_status st = GR_OK;
    gr_table *t = gr__lab_table(lab, "first-state", "the cell's state after the first step, by the initial weights",
                                state_columns, (int)GR_COUNT(state_columns));
    for (int i = 0; i < STARTS && st == GR_OK; i++) st = measure(lab, i, &size[i]);
    for (int i = 0; i < STARTS && st == GR_OK; i++) {
        gate[i] = sigmoid(start_bias[i][1]);
        GR_LAB_ROW(lab, t, i, gate[i], size[i], size[i] / size[ZERO]);
    }
    if (st != GR_OK) return st;
    gr__lab_equal(lab, gate[CHAPTER] / gate[ZERO], size[CHAPTER] / size[ZERO], 0.15,
                  "mean size of the first state with the chapter's biases, by that with zeros: sigmoid(-1)/sigmoid(0)");
    gr__lab_equal(lab, 1, size[FORGET] / size[ZERO], 0, "the same of a forget gate's 1 alone, which adds nothing yet");
    return GR_OK;
}

/* ---- what is reported ---- */

static void drawing(gr_lab *lab, int task, const char *title)
{
    static const char *const labels[STARTS] = {"1, -1, -1 (chapter)", "1, 0, 0", "0, 0, 0"};
    gr_panel p = {.name = task == COPY ? NULL : task_words[task],
                  .title = title,
                  .caption = gr__lab_text(lab,
                                          "Biases of forget, input and output gate at the start. Mean validation error "
                                          "of %lld trainings each.",
                                          (long long)gr__setting_int(&lab->settings, "seeds")),
                  .x = {.label = "epochs"},
                  .y = {.label = "wrong answers (%)", .low = 0, .high = 100}};
    const char *table = gr__lab_text(lab, "%s-curves", task_words[task]);
    for (int i = 0; i < STARTS; i++)
        p.curve[i] = (gr_curve){.label = labels[i],
                                .colour = i + 1,
                                .table = table,
                                .x = "epoch",
                                .y = "mean_error",
                                .where = "start",
                                .is = start_words[i]};
    gr__lab_panel(lab, &p);
}

/* Claims are of the runs themselves: none has a winner. */
static void report(gr_lab *lab, int task, const standing *all)
{
    double guess = task == COPY ? 50 * (1 - 1.0 / (SYMBOLS - 1)) : 100 * (1 - 1.0 / ANSWERS);
    for (int i = 0; i < STARTS; i++)
        gr__lab_within(lab, 0, guess + 10, all[i].last,
                       "%s, %s: wrong at the end, %%; %s %.1f epochs until at most 1 %%, %d of %lld not there",
                       task_words[task], start_words[i], all[i].unsolved ? "at least" : "on average", all[i].solved,
                       all[i].unsolved, (long long)gr__setting_int(&lab->settings, "seeds"));
}

static gr_status run(gr_lab *lab)
{
    static const char *const titles[TASKS] = {"Copying symbols after a pause", "Latching the first symbol"};
    standing all[TASKS][STARTS];
    gr_status st = states(lab);
    gr_table *runs = gr__lab_table(lab, "seeds", "every training", run_columns, (int)GR_COUNT(run_columns));
    for (int task = 0; task < TASKS && st == GR_OK; task++) {
        gr_table *curves = gr__lab_table(lab, gr__lab_text(lab, "%s-curves", task_words[task]), titles[task],
                                         curve_columns, (int)GR_COUNT(curve_columns));
        for (int i = 0; i < STARTS && st == GR_OK; i++) st = follow(lab, curves, runs, task, i, &all[task][i]);
        if (st == GR_OK) report(lab, task, all[task]);
        if (st == GR_OK) drawing(lab, task, titles[task]);
    }
    return st;
}

GR_FIGURE(gates) = {
    .head =
        {
            .family = "figure",
            .name = "gates",
            .title = "Biases of an LSTM's gates, on tasks that need memory",
            .cite = "chapter 4.2; Gers, Schmidhuber & Cummins 2000; Jozefowicz, Zaremba & Sutskever 2015; Hochreiter & "
                    "Schmidhuber 1997",
            .equations = "c_t = sigmoid(f) c_(t-1) + sigmoid(i) tanh(g): a forget bias of 1 keeps 0.73 of a state from "
                         "step to step, one of 0 half of it;\n"
                         "an input bias of -1 lets in 0.27 of what comes, 0 half of it",
            GR_ROWS(rows),
        },
    .quick = "{seeds: 2, samples: 1000}",
    .run = run,
};
