/* `data:` of a recipe. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "data/balance.h"
#include "model/reader.h"
#include "model/section.h"

typedef struct data_reader {
    gr__recipe_reader *k;
    gr_settings s;
    gr_tree *resolved;
} data_reader;

static gr_status put(data_reader *d, const char *key, gr_tree *t)
{
    return gr__tree_put(d->k->b, d->resolved, key, t) ? GR_OK : GR_E_MEMORY;
}

static gr_status put_none(data_reader *d, const char *key)
{
    return put(d, key, gr__tree_text(d->k->b, "none"));
}

static gr_status read_source(data_reader *d, const char *key, const gr_tree *t)
{
    const gr_recipe *r = d->k->r;
    const gr_wants wants = gr__recipe_wants(r);
    gr_source_options o = {.folder = r->folder, .keep_float64 = r->float64, .seed = r->seed, .wants = &wants};
    gr_tree *resolved;
    gr_status st = gr__source_resolve(d->k->ctx, d->k->b, t, &o, &resolved);
    return st == GR_OK ? put(d, key, resolved) : st;
}

/* Is it a share, 0.1 or 10 %, without the key that says of what? Then that is what the hint writes. */
static bool lone_share(const gr_tree *t, const char *key, char *hint, size_t n)
{
    char digits[64];
    double x = t->number;
    size_t length = t->text ? strcspn(t->text, " %") : 0;
    bool percent = t->text && strcmp(t->text + length + strspn(t->text + length, " "), "%") == 0;
    if (t->kind == GR_TREE_TEXT && percent && length < sizeof digits) {
        snprintf(digits, sizeof digits, "%.*s", (int)length, t->text);
        if (!gr__parse_number(digits, &x)) return false;
        x /= 100;
    } else if (t->kind != GR_TREE_INT && t->kind != GR_TREE_REAL) {
        return false;
    }
    snprintf(hint, n, "write {%s: %s}", key, gr__double_text(x, digits));
    return true;
}

static const gr_tree *given(const gr_settings *s, const char *key)
{
    const gr_tree *t = gr__setting_tree(s, key);
    return gr__tree_none(t) ? NULL : t;
}

static bool same_text(const gr_tree *a, const gr_tree *b)
{
    return a && b ? gr__tree_equal(a, b) : a == b;
}

/* What says how a part is cut says the same as that of the part before. */
static bool cut_alike(const gr_recipe *r, const gr_settings *s)
{
    const gr_tree *group = given(s, "group"), *order = given(s, "order");
    bool stratify = gr__setting_bool(s, "stratify") && !group && !order;
    return stratify == r->data.stratify && same_text(group, r->data.group) && same_text(order, r->data.order);
}

/* A column's name or number, or a file of a source that has no columns, whose path becomes absolute. */
static gr_status read_key(data_reader *d, const gr_settings *s, const char *key, const gr_tree **out, gr_tree *resolved)
{
    gr__recipe_reader *k = d->k;
    const gr_tree *t = given(s, key);
    char shown[200];
    *out = t;
    if (!t) return GR_OK;
    if (t->kind == GR_TREE_LIST || t->kind == GR_TREE_MAP || t->kind == GR_TREE_BOOL || !t->text)
        return gr__tree_fail(k->ctx, t, GR_E_TYPE, NULL, "%s is no name of a column or file",
                             gr__tree_show(t, shown, sizeof shown));
    bool file = !gr__source_is_table(k->ctx, k->r->data.train);
    if (!file || (strcmp(key, "order") == 0 && strcmp(t->text, "file") == 0)) return GR_OK;
    const gr_source_options o = {.folder = k->r->folder};
    return gr__tree_put(k->b, resolved, key, gr__source_absolute(k->ctx, k->b, t, &o)) ? GR_OK : gr__error_code(k->ctx);
}

/* Stratified, by groups, or in an order: one of them. Into the recipe, and as it is into the resolved tree. */
static gr_status read_manner(data_reader *d, const gr_settings *s, gr_tree *resolved)
{
    gr__recipe_reader *k = d->k;
    gr_recipe *r = k->r;
    gr_status st = GR_OK;
    GR_TRY(read_key(d, s, "group", &r->data.group, resolved));
    GR_TRY(read_key(d, s, "order", &r->data.order, resolved));
    const gr_tree *by = r->data.order ? r->data.order : r->data.group, *stratify = gr__tree_get(s->tree, "stratify");
    if (r->data.group && r->data.order)
        GR_TRY(gr__tree_fail(k->ctx, by, GR_E_CONFLICT, NULL, "parts are cut by group or in an order, not both"));
    if (by && stratify && gr__setting_bool(s, "stratify"))
        GR_TRY(gr__tree_fail(k->ctx, stratify, GR_E_CONFLICT, "leave out stratify",
                             "what is cut by %s does not keep the shares of the classes",
                             r->data.group ? "group" : "order"));
    r->data.stratify = gr__setting_bool(s, "stratify") && !by;
    r->data.in_file_order = r->data.order && strcmp(r->data.order->text, "file") == 0;
    if (by && !gr__tree_put(k->b, resolved, "stratify", gr__tree_scalar(k->b, "false"))) GR_TRY(GR_E_MEMORY);
done:
    return st;
}

/* `folds` with `fold`, where a part is one of them. s: of a map that may have them. */
static gr_status read_folds(data_reader *d, const gr_settings *s, const gr_tree *at)
{
    gr__recipe_reader *k = d->k;
    gr_recipe *r = k->r;
    const gr_tree *folds = given(s, "folds"), *fold = given(s, "fold");
    if (!folds && fold)
        return gr__tree_fail(k->ctx, fold, GR_E_CONFLICT, "folds: 5, for example", "a fold of how many?");
    if (!folds) return GR_OK;
    if (!fold) return gr__tree_fail(k->ctx, folds, GR_E_MISSING, "fold: 1, for example", "which fold is the part?");
    r->data.folds = (int)gr__setting_int(s, "folds");
    r->data.fold = (int)gr__setting_int(s, "fold") - 1;
    if (r->data.fold >= r->data.folds)
        return gr__tree_fail(k->ctx, fold, GR_E_RANGE, NULL, "there are %d folds", r->data.folds);
    if (given(s, "group") || given(s, "order"))
        return gr__tree_fail(k->ctx, at, GR_E_CONFLICT, NULL, "folds are neither of groups nor in an order");
    return GR_OK;
}

/* What is cut off the training data, which `split` says, or of validation `folds`. */
static gr_status read_share(data_reader *d, const gr_settings *s, const gr_tree *t, bool validation, double *fraction)
{
    gr__recipe_reader *k = d->k;
    const gr_tree *split = given(s, "split"), *folds = given(s, "folds");
    if (folds && !validation)
        return gr__tree_fail(k->ctx, folds, GR_E_CONFLICT, "split: 0.1, for example",
                             "folds are of validation, and of what the test part leaves");
    if (folds && split)
        return gr__tree_fail(k->ctx, split, GR_E_CONFLICT, "leave one of them out", "a part is a share or a fold");
    if (!folds && !split)
        return gr__tree_fail(k->ctx, t, GR_E_MISSING, "split: 0.1, for example", "how much is cut off?");
    gr_status st = read_folds(d, s, t);
    *fraction = folds && st == GR_OK ? 1.0 / k->r->data.folds : gr__setting_real(s, "split");
    return st;
}

/* `validation:` and `test:`: a source of their own, or {split: 0.1} of the training data. */
static gr_status read_part(data_reader *d, const char *key, const gr_tree **source, double *fraction)
{
    gr__recipe_reader *k = d->k;
    const gr_tree *t = gr__setting_tree(&d->s, key);
    gr_settings s;
    char hint[128], shown[200];
    if (gr__tree_none(t)) return put_none(d, key);
    if (lone_share(t, "split", hint, sizeof hint))
        return gr__tree_fail(k->ctx, t, GR_E_TYPE, hint, "%s is neither a source nor a map",
                             gr__tree_show(t, shown, sizeof shown));
    bool cut = gr__tree_get(t, "split") || gr__tree_get(t, "folds") || gr__tree_get(t, "fold");
    if (!cut || gr__tree_get(t, "type")) {
        *source = t;
        return read_source(d, key, t);
    }
    gr_status st = gr__section_make(k->ctx, k->b, &gr__section_cut, t, k->r->preset, &s);
    if (st != GR_OK) return st;
    bool other = k->r->data.split_validation > 0 && fraction != &k->r->data.split_validation;
    if ((st = read_share(d, &s, t, fraction == &k->r->data.split_validation, fraction)) != GR_OK) return st;
    if (other && !cut_alike(k->r, &s))
        return gr__tree_fail(k->ctx, t, GR_E_CONFLICT, NULL,
                             "validation and test are cut together: both stratified, or neither, by the same group or "
                             "order");
    gr_tree *resolved = gr__section_tree(k->b, &s);
    st = resolved ? read_manner(d, &s, resolved) : GR_E_MEMORY;
    return st == GR_OK ? put(d, key, resolved) : st;
}

static gr_status read_three(data_reader *d)
{
    gr__recipe_reader *k = d->k;
    gr_recipe *r = k->r;
    const gr_tree *train = gr__setting_tree(&d->s, "train"), *split = gr__setting_tree(&d->s, "split");
    gr_status st = GR_OK;
    if (split)
        return gr__tree_fail(k->ctx, split, GR_E_CONFLICT, "validation: {split: 0.1} cuts from train",
                             "split divides `source`, and there is none");
    if (gr__tree_none(train))
        return gr__tree_fail(k->ctx, gr__setting_tree(&k->top, "data"), GR_E_MISSING,
                             "train: {type: idx, images: ..., labels: ...}", "data needs \"train\"");
    r->data.train = train;
    GR_TRY(read_source(d, "train", train));
    GR_TRY(read_part(d, "validation", &r->data.validation, &r->data.split_validation));
    GR_TRY(read_part(d, "test", &r->data.test, &r->data.split_test));
    if (r->data.split_validation + r->data.split_test >= 1)
        GR_TRY(gr__tree_fail(k->ctx, gr__setting_tree(&d->s, "test"), GR_E_RANGE, NULL,
                             "validation and test leave nothing to train on"));
done:
    return st;
}

static gr_status read_sizes(data_reader *d, const gr_settings *s, const gr_tree *t)
{
    gr_context *ctx = d->k->ctx;
    gr_recipe *r = d->k->r;
    double train = gr__setting_real(s, "train"), validation = gr__setting_real(s, "validation"),
           test = gr__setting_real(s, "test"), rest = 1 - validation - test;
    r->data.split_auto = gr__setting_is(s, "sizes", "auto");
    if (r->data.split_auto && (validation > 0 || test > 0 || !isnan(train)))
        return gr__tree_fail(ctx, t, GR_E_CONFLICT, NULL, "sizes: auto stands instead of train, validation and test");
    if (!(rest > 0)) return gr__tree_fail(ctx, t, GR_E_RANGE, NULL, "validation and test leave nothing to train on");
    if (!isnan(train) && fabs(train - rest) > 1e-9)
        return gr__tree_fail(ctx, t, GR_E_RANGE, "leave out train: it takes the rest",
                             "train, validation and test do not add up to 1");
    if (given(s, "folds") && (validation > 0 || r->data.split_auto))
        return gr__tree_fail(ctx, given(s, "folds"), GR_E_CONFLICT, "leave out validation, or sizes: auto",
                             "the validation part is a share or a fold");
    gr_status st = read_folds(d, s, t);
    if (st != GR_OK) return st;
    if (r->data.folds) validation = (1 - test) / r->data.folds;
    if (r->data.split_auto) gr__split_auto(0, &validation, &test); /* there are some; how many tells the data */
    r->data.split_validation = validation;
    r->data.split_test = test;
    return GR_OK;
}

static gr_status read_split(data_reader *d, const gr_tree *source)
{
    gr__recipe_reader *k = d->k;
    gr_recipe *r = k->r;
    const gr_tree *t = gr__setting_tree(&d->s, "split");
    static const char *const three[] = {"train", "validation", "test"};
    gr_settings s;
    for (size_t i = 0; i < GR_COUNT(three); i++)
        if (gr__setting_tree(&d->s, three[i]))
            return gr__tree_fail(k->ctx, gr__setting_tree(&d->s, three[i]), GR_E_CONFLICT, NULL,
                                 "`source` with `split` stands instead of train, validation and test");
    if (gr__tree_none(t))
        return gr__tree_fail(k->ctx, source, GR_E_MISSING,
                             "split: {validation: 0.15, test: 0.05}; without any, call it `train`",
                             "a source needs a split");
    char hint[128], shown[200];
    if (lone_share(t, "validation", hint, sizeof hint))
        return gr__tree_fail(k->ctx, t, GR_E_TYPE, hint, "%s is not a map of keys",
                             gr__tree_show(t, shown, sizeof shown));
    gr_tree *map = gr__tree_map(k->b);
    if (t->kind == GR_TREE_TEXT && strcmp(t->text, "auto") == 0)
        t = map && gr__tree_put(k->b, map, "sizes", gr__tree_copy(k->b, t)) ? map : NULL;
    if (!t) return GR_E_MEMORY;
    gr_status st = gr__section_make(k->ctx, k->b, &gr__section_split, t, r->preset, &s);
    r->data.train = source;
    if (st == GR_OK) st = read_sizes(d, &s, t);
    gr_tree *resolved = st == GR_OK ? gr__section_tree(k->b, &s) : NULL;
    if (st == GR_OK) st = resolved ? read_manner(d, &s, resolved) : GR_E_MEMORY;
    if (st == GR_OK) st = read_source(d, "source", source);
    return st == GR_OK ? put(d, "split", resolved) : st;
}

static gr_status read_steps(data_reader *d, const gr_tree *t, gr_tree **out)
{
    gr__recipe_reader *k = d->k;
    gr_settings s;
    gr_tree *list = gr__tree_list(k->b);
    char shown[200];
    if (t->kind != GR_TREE_LIST)
        return gr__tree_fail(k->ctx, t, GR_E_TYPE, "such as [{type: scale, by: 1/255}, standardize]",
                             "%s is not a list of steps", gr__tree_show(t, shown, sizeof shown));
    for (int i = 0; i < t->n; i++) {
        const gr_member *found = gr__family_find(k->ctx, &gr__family_prepare, "preparation", t->child[i], NULL);
        if (!found) return gr__error_code(k->ctx);
        gr_status st = gr__settings_make(k->ctx, k->b, found, t->child[i], k->r->preset, NULL, &s);
        if (st == GR_OK) st = gr__prepare_settings(k->ctx, (const gr_prepare *)found, &s);
        if (st != GR_OK) return st;
        if (!gr__tree_push(k->b, list, gr__settings_tree(k->b, &s))) return GR_E_MEMORY;
    }
    *out = list;
    return list ? GR_OK : GR_E_MEMORY;
}

gr_model_input *gr__recipe_input(gr__recipe_reader *k, const gr_tree *at, const char *name)
{
    gr_recipe *r = k->r;
    const char *names[GR_MAX_INPUTS];
    for (int i = 0; i < r->n_inputs; i++) {
        names[i] = r->input[i].name;
        if (strcmp(names[i], name) == 0) return &r->input[i];
    }
    gr__tree_fail(k->ctx, at, GR_E_NAME, NULL, "there is no input \"%s\"", name);
    gr__hint_name(k->ctx, name, names, (size_t)r->n_inputs);
    return NULL;
}

static gr_status refuse_indices(const gr__recipe_reader *k, const gr_model_input *in, const gr_tree *at)
{
    bool several = k->r->n_inputs > 1;
    if (!in->vocabulary || (at->kind == GR_TREE_LIST && at->n == 0)) return GR_OK;
    gr_status st = gr__tree_fail(k->ctx, at, GR_E_CONFLICT, NULL,
                                 "the input \"%s\" holds indices, which are looked up as they are", in->name);
    gr__error_hint(k->ctx, several ? "prepare: {NAME: [...]} prepares the inputs that it names" : "leave it out");
    return st;
}

/* Steps by input; those that it does not name have none. */
static gr_status read_steps_by_input(data_reader *d, const gr_tree *t)
{
    gr__recipe_reader *k = d->k;
    gr_tree *map = gr__tree_map(k->b), *list;
    for (int i = 0; i < t->n; i++) {
        gr_model_input *in = gr__recipe_input(k, t->child[i], t->key[i]);
        if (!in) return gr__error_code(k->ctx);
        if (gr__tree_none(t->child[i])) continue;
        gr_status fits = refuse_indices(k, in, t->child[i]);
        if (fits != GR_OK) return fits;
        gr_status st = read_steps(d, t->child[i], &list);
        if (st != GR_OK) return st;
        in->prepare = t->child[i];
        if (!gr__tree_put(k->b, map, t->key[i], list)) return GR_E_MEMORY;
    }
    return put(d, "prepare", map);
}

/* A list is for every input, fitted on each alone. */
static gr_status read_prepare(data_reader *d)
{
    gr_recipe *r = d->k->r;
    const gr_tree *t = gr__setting_tree(&d->s, "prepare");
    gr_tree *list;
    if (gr__tree_none(t)) return put(d, "prepare", gr__tree_list(d->k->b));
    r->data.prepare = t;
    if (r->inputs_named && t->kind == GR_TREE_MAP && !gr__tree_get(t, "type")) return read_steps_by_input(d, t);
    gr_status st = read_steps(d, t, &list);
    for (int i = 0; i < r->n_inputs && st == GR_OK; i++) {
        st = refuse_indices(d->k, &r->input[i], t);
        r->input[i].prepare = t;
    }
    return st == GR_OK ? put(d, "prepare", list) : st;
}

static gr_status refuse_target(const gr__recipe_reader *k, const gr_tree *t)
{
    const gr_recipe *r = k->r;
    for (int h = 0; h < r->n_heads; h++)
        if (r->head[h].standardize && r->head[h].output.rank != 1)
            return gr__tree_fail(k->ctx, t, GR_E_CONFLICT, NULL,
                                 "a target is standardized where the network gives a list of numbers a sample, which "
                                 "is not so of cost %s here",
                                 r->head[h].cost->head.name);
    for (int h = 0; h < r->n_heads; h++)
        if (r->head[h].standardize) return GR_OK;
    return gr__tree_fail(k->ctx, t, GR_E_CONFLICT, "mse, mae and huber take values",
                         "cost %s takes no values that could be standardized", r->head[0].cost->head.name);
}

/* Of every head that predicts values. */
static gr_status read_target(data_reader *d)
{
    gr__recipe_reader *k = d->k;
    gr_recipe *r = k->r;
    const gr_tree *t = gr__setting_tree(&d->s, "target");
    gr_settings s;
    if (gr__tree_none(t)) return put_none(d, "target");
    gr_status st = gr__section_make(k->ctx, k->b, &gr__section_target, t, r->preset, &s);
    if (st != GR_OK) return st;
    bool standardize = gr__setting_bool(&s, "standardize");
    for (int h = 0; h < r->n_heads; h++)
        r->head[h].standardize = standardize && r->head[h].reading.target == GR_FORM_VALUES;
    st = standardize ? refuse_target(k, t) : GR_OK;
    return st == GR_OK ? put(d, "target", gr__section_tree(k->b, &s)) : st;
}

static gr_status read_exclude(data_reader *d)
{
    gr__recipe_reader *k = d->k;
    const gr_tree *t = gr__setting_tree(&d->s, "exclude");
    const gr_source_options o = {.folder = k->r->folder};
    char shown[200];
    if (gr__tree_none(t)) return put_none(d, "exclude");
    if (t->kind != GR_TREE_TEXT)
        return gr__tree_fail(k->ctx, t, GR_E_TYPE, "such as exclude: left-out.txt", "%s is no file",
                             gr__tree_show(t, shown, sizeof shown));
    k->r->data.exclude = t;
    gr_tree *path = gr__source_absolute(k->ctx, k->b, t, &o);
    return path ? put(d, "exclude", path) : gr__error_code(k->ctx);
}

static gr_status read_limit(data_reader *d)
{
    gr__recipe_reader *k = d->k;
    const gr_tree *t = gr__setting_tree(&d->s, "limit");
    gr_settings s;
    if (gr__tree_none(t)) return put_none(d, "limit");
    gr_status st = gr__section_make(k->ctx, k->b, &gr__section_limit, t, k->r->preset, &s);
    if (st != GR_OK) return st;
    k->r->data.limit_train = gr__setting_int(&s, "train");
    return put(d, "limit", gr__section_tree(k->b, &s));
}

static bool is_count(const gr_tree *t, double low, double high)
{
    return t->kind == GR_TREE_INT && t->number >= low && t->number <= high;
}

/* A list of steps, each more than the one before. */
static gr_status read_limits(data_reader *d, const gr_tree *t)
{
    char shown[200];
    if (t->n < 1 || t->n > GR_MAX_BUCKETS)
        return gr__tree_fail(d->k->ctx, t, GR_E_RANGE, NULL, "%d limits: there may be 1 to %d", t->n, GR_MAX_BUCKETS);
    for (int i = 0; i < t->n; i++) {
        const gr_tree *x = t->child[i];
        if (!is_count(x, 1, INT32_MAX))
            return gr__tree_fail(d->k->ctx, x, GR_E_TYPE, "such as buckets: [16, 32, 64]",
                                 "%s is not a number of steps", gr__tree_show(x, shown, sizeof shown));
        if (i && !(x->number > t->child[i - 1]->number))
            return gr__tree_fail(d->k->ctx, x, GR_E_RANGE, "such as buckets: [16, 32, 64]",
                                 "%s is not more than the limit before it, %s", x->text, t->child[i - 1]->text);
    }
    return GR_OK;
}

static gr_status read_buckets(data_reader *d)
{
    const gr_tree *t = gr__setting_tree(&d->s, "buckets");
    char shown[200];
    if (gr__tree_none(t)) return put_none(d, "buckets");
    gr_status st = t->kind == GR_TREE_LIST ? read_limits(d, t)
                   : is_count(t, 2, GR_MAX_BUCKETS)
                       ? GR_OK
                       : gr__tree_fail(d->k->ctx, t, t->kind == GR_TREE_INT ? GR_E_RANGE : GR_E_TYPE,
                                       "buckets: 4, or the most steps of each, [16, 32, 64]",
                                       "%s is neither a number of buckets, 2 to %d, nor a list of steps",
                                       gr__tree_show(t, shown, sizeof shown), GR_MAX_BUCKETS);
    if (st != GR_OK) return st;
    d->k->r->data.buckets = t;
    return put(d, "buckets", gr__tree_copy(d->k->b, t));
}

/* Balancing counts classes a sample: one head has them. What makes samples knows what becomes of that head alone. */
static gr_status check_balanced(const data_reader *d, const gr_balance *m, const gr_tree *at)
{
    const gr_recipe *r = d->k->r;
    gr_context *ctx = d->k->ctx;
    int heads = 0;
    const gr_tree *weights = NULL;
    for (int h = 0; h < r->n_heads; h++) {
        bool a_class = r->head[h].reading.target == GR_FORM_CLASS && r->head[h].output.rank <= 1;
        heads += a_class;
        if (a_class) weights = gr__tree_get(r->head[h].cost_settings.tree, "class_weights");
    }
    if (heads != 1)
        return gr__tree_fail(ctx, at, GR_E_CONFLICT, "leave it out", "%s counts the classes of samples, and %s",
                             m->head.name,
                             heads ? "several heads have some: which is meant is not said"
                                   : "no head has one class a sample as its target");
    if (m->makes && r->n_heads > 1)
        return gr__tree_fail(ctx, at, GR_E_CONFLICT, "oversample repeats samples as they are",
                             "%s makes new samples, whose targets of other heads nobody knows", m->head.name);
    for (int i = 0; i < r->n_inputs && m->makes; i++)
        if (r->input[i].vocabulary)
            return gr__tree_fail(ctx, at, GR_E_CONFLICT, "oversample repeats samples as they are",
                                 "%s makes samples between others, and the input \"%s\" holds indices, between which "
                                 "lies none",
                                 m->head.name, r->input[i].name);
    if (weights && weights->kind == GR_TREE_TEXT && strcmp(weights->text, "balanced") == 0)
        return gr__tree_fail(ctx, weights, GR_E_CONFLICT, "leave out class_weights, or data.balance",
                             "class_weights: balanced counts training samples before data.balance: rare classes would "
                             "gain twice");
    return GR_OK;
}

static gr_status read_balance(data_reader *d)
{
    gr__recipe_reader *k = d->k;
    const gr_tree *t = gr__setting_tree(&d->s, "balance");
    if (gr__tree_none(t)) return put_none(d, "balance");
    const gr_member *found = gr__family_find(k->ctx, &gr__family_balance, "balance", t, NULL);
    gr_settings *s = &k->r->data.balance_settings;
    gr_status st = GR_OK;
    if (!found) return gr__error_code(k->ctx);
    GR_TRY(gr__settings_make(k->ctx, k->b, found, t, k->r->preset, NULL, s));
    GR_TRY(gr__balance_check(k->ctx, s));
    k->r->data.balance = (const gr_balance *)found;
    GR_TRY(check_balanced(d, k->r->data.balance, t));
    s->tree = t;
    GR_TRY(put(d, "balance", gr__settings_tree(k->b, s)));
done:
    return st;
}

static gr_status read_feeding(data_reader *d)
{
    gr_recipe *r = d->k->r;
    static const char *const kept[] = {"shuffle", "batch", "drop_last"};
    gr_status st = GR_OK;
    r->data.shuffle = gr__setting_is(&d->s, "shuffle", "none")   ? GR_SHUFFLE_NONE
                      : gr__setting_is(&d->s, "shuffle", "once") ? GR_SHUFFLE_ONCE
                                                                 : GR_SHUFFLE_EVERY_EPOCH;
    r->data.drop_last = gr__setting_bool(&d->s, "drop_last");
    GR_TRY(gr__recipe_batch(d->k, gr__setting_tree(&d->s, "batch")));
    for (size_t i = 0; i < GR_COUNT(kept); i++)
        GR_TRY(put(d, kept[i], gr__tree_copy(d->k->b, gr__setting_tree(&d->s, kept[i]))));
done:
    return st;
}

gr_status gr__recipe_data(gr__recipe_reader *k)
{
    data_reader d = {.k = k, .resolved = gr__tree_map(k->b)};
    gr_status st =
        gr__section_make(k->ctx, k->b, &gr__section_data, gr__setting_tree(&k->top, "data"), k->r->preset, &d.s);
    if (st != GR_OK) return st;
    if (!d.resolved) return GR_E_MEMORY;
    k->r->data.stratify = true;
    const gr_tree *source = gr__setting_tree(&d.s, "source");
    GR_TRY(source ? read_split(&d, source) : read_three(&d));
    GR_TRY(read_exclude(&d));
    GR_TRY(read_limit(&d));
    GR_TRY(read_prepare(&d));
    GR_TRY(read_balance(&d));
    GR_TRY(read_target(&d));
    GR_TRY(read_feeding(&d));
    GR_TRY(read_buckets(&d));
    GR_TRY(gr__recipe_augment(k, &d.s, d.resolved));
    GR_TRY(gr__recipe_part(k, "data", d.resolved));
done:
    return st;
}
