/* Boosted trees by XGBoost's C interface, of a library that is found when it is wanted: gradus needs none to be built,
 * and takes the one of a system's package or of a Python wheel alike. */
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "study/baseline/job.h"

typedef uint64_t bst_ulong;
typedef void *handle;

/* Of xgboost/c_api.h, as it has been since 1.4. */
typedef struct library {
    void *loaded;
    const char *(*last_error)(void);
    void (*version)(int *major, int *minor, int *patch);
    int (*matrix)(const float *data, bst_ulong rows, bst_ulong columns, float missing, handle *out);
    int (*matrix_free)(handle m);
    int (*matrix_floats)(handle m, const char *field, const float *x, bst_ulong n);
    int (*booster)(const handle *matrices, bst_ulong n, handle *out);
    int (*booster_free)(handle b);
    int (*set)(handle b, const char *name, const char *value);
    int (*update)(handle b, int round, handle m);
    int (*predict)(handle b, handle m, const char *config, const bst_ulong **shape, bst_ulong *dims, const float **out);
} library;

/* ---- the library ---- */

/* ISO C has no pointer that is both to data and to a function. */
static bool find(const library *l, const char *name, void *to)
{
    void *found = dlsym(l->loaded, name);
    memcpy(to, &found, sizeof found);
    return found;
}

static bool find_all(library *l)
{
    return find(l, "XGBGetLastError", &l->last_error) && find(l, "XGBoostVersion", &l->version) &&
           find(l, "XGDMatrixCreateFromMat", &l->matrix) && find(l, "XGDMatrixFree", &l->matrix_free) &&
           find(l, "XGDMatrixSetFloatInfo", &l->matrix_floats) && find(l, "XGBoosterCreate", &l->booster) &&
           find(l, "XGBoosterFree", &l->booster_free) && find(l, "XGBoosterSetParam", &l->set) &&
           find(l, "XGBoosterUpdateOneIter", &l->update) && find(l, "XGBoosterPredictFromDMatrix", &l->predict);
}

/* False: why is said. A library that a person names must be there. It stays loaded: its threads may outlive the fit. */
static gr_status load(gr_baseline_job *j, library *l, gr_baseline *out, bool *there)
{
    static const char *const usual[] = {"libxgboost.so.0", "libxgboost.so"};
    const char *named = j->options->xgboost, *why = "";
    *l = (library){0};
    if (named) l->loaded = dlopen(named, RTLD_NOW | RTLD_LOCAL);
    if (named && !l->loaded) why = dlerror();
    for (size_t i = 0; i < GR_COUNT(usual) && !named && !l->loaded; i++)
        l->loaded = dlopen(usual[i], RTLD_NOW | RTLD_LOCAL);
    *there = l->loaded && find_all(l);
    if (*there) return GR_OK;
    if (named)
        return gr__fail(j->ctx, GR_E_FILE, "%s is no library of XGBoost from 1.4 on%s%s", named, *why ? ": " : "", why);
    snprintf(
        out->skipped, sizeof out->skipped,
        "there is no XGBoost here: Debian's package is libxgboost0, and --xgboost FILE names the libxgboost.so of a "
        "Python package");
    return GR_OK;
}

static gr_status failed(const gr_baseline_job *j, const library *l)
{
    return gr__fail(j->ctx, GR_E_FILE, "XGBoost: %s", l->last_error());
}

/* ---- matrices ---- */

static void narrow(void *user, const gr_feature_block *b)
{
    const gr_features *f = ((void **)user)[0];
    float *to = (float *)((void **)user)[1] + b->first * f->width;
    for (int64_t i = 0; i < b->n; i++)
        for (int64_t e = 0; e < f->width; e++) *to++ = (float)b->x[i * f->apart + e];
}

static gr_status make_matrix(const gr_baseline_job *j, const library *l, gr_features *f, handle *out)
{
    size_t bytes = sizeof(float) * (size_t)(f->n * f->width);
    float *data = gr__tensor_alloc(j->ctx, bytes);
    if (!data) return gr__error_code(j->ctx);
    gr_status st = gr__features_walk(f, narrow, (void *[]){f, data});
    if (st == GR_OK && l->matrix(data, (bst_ulong)f->n, (bst_ulong)f->width, (float)NAN, out) != 0) st = failed(j, l);
    gr__tensor_free(j->ctx, data, bytes);
    return st;
}

/* Labels of one booster, and what samples weigh. */
static gr_status label(const gr_baseline_job *j, const library *l, handle m, int64_t output)
{
    size_t bytes = sizeof(float) * (size_t)j->train.n;
    float *x = gr__tensor_alloc(j->ctx, bytes);
    bool good = true;
    if (!x) return gr__error_code(j->ctx);
    for (int64_t i = 0; i < j->train.n; i++)
        x[i] = j->classes ? (float)j->kind[i] : (float)j->value[i * j->outputs + output];
    good = l->matrix_floats(m, "label", x, (bst_ulong)j->train.n) == 0;
    for (int64_t i = 0; i < j->train.n; i++) x[i] = (float)j->train.weight[i];
    if (good && j->task->weighted) good = l->matrix_floats(m, "weight", x, (bst_ulong)j->train.n) == 0;
    gr__tensor_free(j->ctx, x, bytes);
    return good ? GR_OK : failed(j, l);
}

/* ---- boosters ---- */

static const char *objective(const gr_baseline_job *j)
{
    return !j->classes ? "reg:squarederror" : j->kinds == 2 ? "binary:logistic" : "multi:softprob";
}

static gr_status set_up(const gr_baseline_job *j, const library *l, handle b)
{
    char kinds[24], threads[24], seed[24];
    snprintf(kinds, sizeof kinds, "%lld", (long long)j->kinds);
    snprintf(threads, sizeof threads, "%d", gr_context_threads(j->ctx));
    snprintf(seed, sizeof seed, "%u", (unsigned)(j->task->recipe->seed & INT32_MAX));
    const char *const pair[][2] = {{"objective", objective(j)}, {"num_class", kinds},
                                   {"nthread", threads},        {"seed", seed},
                                   {"verbosity", "0"},          {"tree_method", "hist"}};
    for (size_t i = 0; i < GR_COUNT(pair); i++) {
        if (strcmp(pair[i][0], "num_class") == 0 && !(j->classes && j->kinds > 2)) continue;
        if (l->set(b, pair[i][0], pair[i][1]) != 0) return failed(j, l);
    }
    return GR_OK;
}

static void take(gr_baseline_job *j, const float *p, int64_t output)
{
    for (int64_t i = 0; i < j->validation.n; i++) {
        double *answer = j->answer + i * j->outputs;
        if (!j->classes) {
            answer[output] = (double)p[i];
            continue;
        }
        memset(answer, 0, (size_t)j->outputs * sizeof *answer);
        if (j->kinds == 2) {
            answer[j->class_of[1]] = (double)p[i];
            answer[j->class_of[0]] = 1 - (double)p[i];
            continue;
        }
        for (int64_t k = 0; k < j->kinds; k++) answer[j->class_of[k]] = (double)p[i * j->kinds + k];
    }
}

/* One booster: of all classes, or of one value. */
static gr_status boost(gr_baseline_job *j, const library *l, handle train, handle validation, int64_t output)
{
    static const char config[] =
        "{\"type\": 0, \"training\": false, \"iteration_begin\": 0, \"iteration_end\": 0, \"strict_shape\": false}";
    int64_t rounds = j->options->rounds ? j->options->rounds : 100, boosters = j->classes ? 1 : j->outputs;
    const bst_ulong *shape = NULL;
    bst_ulong dims = 0, numbers = 1,
              wanted = (bst_ulong)(j->validation.n * (j->classes && j->kinds > 2 ? j->kinds : 1));
    const float *p = NULL;
    handle b = NULL;
    gr_status st = label(j, l, train, output);
    if (st == GR_OK && l->booster(&train, 1, &b) != 0) st = failed(j, l);
    if (st == GR_OK) st = set_up(j, l, b);
    for (int64_t i = 0; i < rounds && st == GR_OK; i++) {
        st = gr__baseline_pause(j, "boosted_trees", ((double)i / (double)rounds + (double)output) / (double)boosters);
        if (st == GR_OK && l->update(b, (int)i, train) != 0) st = failed(j, l);
    }
    if (st == GR_OK && l->predict(b, validation, config, &shape, &dims, &p) != 0) st = failed(j, l);
    for (bst_ulong d = 0; d < dims && st == GR_OK; d++) numbers *= shape[d];
    if (st == GR_OK && numbers != wanted)
        st = gr__fail(j->ctx, GR_E_FILE, "XGBoost gave %llu numbers for %llu", (unsigned long long)numbers,
                      (unsigned long long)wanted);
    if (st == GR_OK) take(j, p, output);
    if (b) l->booster_free(b);
    return st;
}

gr_status gr__baseline_boosted(gr_baseline_job *j, gr_baseline *out)
{
    library l;
    handle train = NULL, validation = NULL;
    bool there = false;
    int version[3] = {0};
    int64_t boosters = j->classes ? 1 : j->outputs;
    gr_status st = load(j, &l, out, &there);
    if (st != GR_OK || !there) return st;
    if (j->classes && j->kinds < 2) {
        snprintf(out->skipped, sizeof out->skipped, "the training data has one class alone");
        return GR_OK;
    }
    l.version(&version[0], &version[1], &version[2]);
    GR_TRY(make_matrix(j, &l, &j->train, &train));
    GR_TRY(make_matrix(j, &l, &j->validation, &validation));
    for (int64_t k = 0; k < boosters; k++) GR_TRY(boost(j, &l, train, validation, k));
    snprintf(out->settings, sizeof out->settings,
             "XGBoost %d.%d.%d, %lld rounds, %s, tree_method hist, else its defaults", version[0], version[1],
             version[2], (long long)(j->options->rounds ? j->options->rounds : 100), objective(j));
done:
    if (validation) l.matrix_free(validation);
    if (train) l.matrix_free(train);
    return st;
}
