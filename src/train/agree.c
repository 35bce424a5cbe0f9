/* What a recipe says held against what its data is. What cannot be meant is refused; what may be meant is said. */
#include "train/agree.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/shape.h"
#include "model/stack.h"

const gr_tree *gr__agree_place(const gr_recipe *r, gr_part p)
{
    const gr_tree *const trees[GR_PARTS] = {r->data.train, r->data.validation, r->data.test};
    return trees[p] ? trees[p] : r->data.train;
}

int64_t gr__agree_classes(const gr_recipe *r, int head)
{
    gr_shape output = r->head[head].output;
    int64_t outputs = output.rank > 0 ? output.dim[output.rank - 1] : 1;
    return outputs == 1 ? 2 : outputs;
}

bool gr__agree_missing(const gr_set *s)
{
    bool any = false;
    for (int i = 0; i < s->n_inputs; i++) any |= gr__set_input(s, i)->missing;
    return any;
}

/* The name of a head as messages put it before what they blame: "kind: ". */
static const char *of_head(const gr_recipe *r, int head, char text[GR_FIGURE_TEXT])
{
    snprintf(text, GR_FIGURE_TEXT, "%s%s", r->heads_named ? r->head[head].name : "", r->heads_named ? ": " : "");
    return text;
}

/* ---- refused ---- */

static gr_status check_input(gr_context *ctx, const gr_recipe *r, gr_part p, const gr_field *x, int i)
{
    char a[96], b[96], c[96];
    gr_shape prepared;
    gr_status st = gr__prepare_shape(ctx, r->input[i].prepare, x, r->input[i].sample, &prepared);
    if (st != GR_OK || gr__sample_fits(prepared, r->input[i].sample)) return st;
    const char *key = r->inputs_named ? "s." : "", *name = r->inputs_named ? r->input[i].name : "";
    if (!gr__sample_fits(prepared, x->sample))
        return gr__tree_fail(ctx, gr__agree_place(r, p), GR_E_DATA, NULL,
                             "the %s data has samples of shape %s, which preparation makes %s; model.input%s%s is %s",
                             gr__part_name(p), gr__shape_text(x->sample, a), gr__shape_text(prepared, b), key, name,
                             gr__shape_text(r->input[i].sample, c));
    return gr__tree_fail(ctx, gr__agree_place(r, p), GR_E_DATA, NULL,
                         "the %s data has samples of shape %s, model.input%s%s is %s", gr__part_name(p),
                         gr__shape_text(x->sample, a), key, name, gr__shape_text(r->input[i].sample, b));
}

static gr_status check_target(gr_context *ctx, const gr_recipe *r, gr_part p, const gr_field *y, int head)
{
    const gr_tree *at = gr__agree_place(r, p);
    const gr_head *h = &r->head[head];
    char what[96], path[96], of[GR_FIGURE_TEXT];
    gr_target_kind want = h->reading.target == GR_FORM_CLASS ? GR_TARGET_CLASS : GR_TARGET_VALUE,
                   is = y ? y->kind : GR_TARGET_NONE;
    if (is != want)
        return gr__tree_fail(ctx, at, GR_E_DATA, NULL, "%sthe %s data has %s as targets, cost %s wants %s",
                             of_head(r, head, of), gr__part_name(p),
                             is == GR_TARGET_CLASS   ? "classes"
                             : is == GR_TARGET_VALUE ? "values"
                                                     : "nothing",
                             h->cost->head.name, want == GR_TARGET_CLASS ? "classes" : "values");
    const gr_wants w = gr__recipe_wants(r);
    snprintf(what, sizeof what, "%.40sthe %s data", of_head(r, head, of), gr__part_name(p));
    gr_status st = gr__targets_fit(ctx, &w.target[head], y->sample, what);
    if (st != GR_OK) gr__error_place(ctx, at->file, at->line, at->column, gr__tree_path(at, path, sizeof path));
    return st;
}

gr_status gr__agree_lengths(gr_context *ctx, const gr_recipe *r)
{
    const gr_tree *const source[GR_PARTS] = {r->data.train, r->data.validation, r->data.test};
    for (int i = 0; i < r->n_inputs; i++) {
        const gr_tree *step = gr__prepare_reshapes(ctx, r->input[i].prepare);
        for (int p = 0; p < GR_PARTS && step; p++)
            if (gr__source_has_lengths(source[p], r->input[i].name))
                return gr__tree_fail(
                    ctx, step, GR_E_CONFLICT, "leave out the step, or `lengths` of the source",
                    "samples of the input \"%s\" have lengths, which would no longer count their steps "
                    "once their shape is changed",
                    r->input[i].name);
    }
    return GR_OK;
}

gr_status gr__agree_shapes(gr_context *ctx, const gr_recipe *r, gr_part p, const gr_set *s)
{
    gr_status st = GR_OK;
    for (int i = 0; i < r->n_inputs && st == GR_OK; i++) st = check_input(ctx, r, p, gr__set_input(s, i), i);
    for (int h = 0; h < r->n_heads && st == GR_OK; h++)
        st = check_target(ctx, r, p, h < s->n_targets ? gr__set_target(s, h) : NULL, h);
    return st;
}

/* Each label that the network has no output for is a fault of its sample. */
static gr_status note_labels(gr_context *ctx, const gr_recipe *r, gr_part p, const gr_set *s, int head,
                             gr_faults *notes)
{
    const gr_field *y = gr__set_target(s, head);
    int64_t classes = gr__agree_classes(r, head), width = gr_shape_count(y->sample);
    const int32_t *label = y->data;
    if (y->kind != GR_TARGET_CLASS || r->head[head].reading.target != GR_FORM_CLASS) return GR_OK;
    for (int64_t i = 0; i < s->n * width; i++) {
        if (label[i] < classes) continue;
        gr_status st =
            gr__fail(ctx, GR_E_DATA, "the label of %s %lld is %d, but the network has outputs for classes 0 to %lld",
                     gr__part_name(p), (long long)(i / width), label[i], (long long)classes - 1);
        if (!gr__fault_let(notes, GR_FAULT_LABEL_RANGE, i / width, ctx)) return st;
    }
    return GR_OK;
}

/* Labels must lie within the outputs. */
static gr_status check_labels(gr_context *ctx, const gr_recipe *r, gr_part p, const gr_field *y, int head)
{
    int64_t classes = gr__agree_classes(r, head);
    char of[GR_FIGURE_TEXT];
    if (y->kind != GR_TARGET_CLASS || y->classes <= classes) return GR_OK;
    return gr__tree_fail(
        ctx, gr__agree_place(r, p), GR_E_DATA, NULL,
        "%sthe %s data has labels up to %d in \"%s\", but the network has outputs for classes 0 to %lld",
        of_head(r, head, of), gr__part_name(p), y->classes - 1, y->file ? y->file : "", (long long)classes - 1);
}

/* Shares from 0 to 1, and how many samples of distributions do not sum to 1. */
static gr_status check_shares(gr_context *ctx, const gr_recipe *r, gr_part p, const gr_set *s, int head,
                              gr_faults *notes)
{
    const gr_head *h = &r->head[head];
    const gr_field *y = gr__set_target(s, head);
    bool labels = h->reading.target == GR_FORM_LABELS;
    int64_t count = gr_shape_count(y->sample), width = labels ? count : h->output.dim[h->output.rank - 1],
            rows = s->n * count / width, off = 0; /* of distributions one a position */
    char of[GR_FIGURE_TEXT];
    for (int64_t i = 0; i < rows; i++) {
        double sum = 0;
        for (int64_t k = 0; k < width; k++) {
            double x = gr__element_at(y->element, y->data, i * width + k);
            sum += x;
            if ((x >= 0 && x <= (labels ? 1 : INFINITY)) || (notes && isnan(x))) continue; /* noted already */
            gr_status st =
                gr__tree_fail(ctx, gr__agree_place(r, p), GR_E_DATA, NULL,
                              "%sthe %s data has the target %g in row %lld, but %s wants %s", of_head(r, head, of),
                              gr__part_name(p), x, (long long)(i * s->n / rows), h->cost->head.name,
                              labels ? "labels from 0 to 1" : "distributions, which are nowhere below 0");
            if (!notes || !gr__fault_let(notes, GR_FAULT_LABEL_RANGE, i * s->n / rows, ctx)) return st;
        }
        off += !(fabs(sum - 1) <= 1e-3);
    }
    if (!labels && off)
        gr__log(ctx, GR_LOG_WARNING, "%s%lld of %lld targets of the %s data do not sum to 1, as distributions do",
                of_head(r, head, of), (long long)off, (long long)rows, gr__part_name(p));
    return GR_OK;
}

gr_status gr__agree_values(gr_context *ctx, const gr_recipe *r, gr_part p, const gr_set *s, gr_faults *notes)
{
    gr_status st = GR_OK;
    for (int h = 0; h < r->n_heads && st == GR_OK; h++) {
        gr_target_form form = r->head[h].reading.target;
        st = form == GR_FORM_LABELS || form == GR_FORM_DISTRIBUTION ? check_shares(ctx, r, p, s, h, notes)
             : notes                                                ? note_labels(ctx, r, p, s, h, notes)
                                                                    : check_labels(ctx, r, p, gr__set_target(s, h), h);
    }
    return st;
}

/* ---- said: pictures as sequences ---- */

/* Numbers of two axes that are probably a picture: bytes of about its form, as many rows as columns, or a third axis
 * of one channel. Sequences are seldom square. */
static bool looks_like_picture(gr_shape s, gr_element e)
{
    if (s.rank == 3 && s.dim[2] == 1) return true;
    if (s.rank != 2) return false;
    int64_t low = GR_MIN(s.dim[0], s.dim[1]), high = GR_MAX(s.dim[0], s.dim[1]);
    return low >= 8 && (low == high || (e == GR_EL_U8 && high <= 2 * low));
}

/* The first layer that tells steps of a sequence from their features, reached from this input through layers that treat
 * every number alike; NULL: flattened before. */
static const gr_stacked *first_by_steps(const gr_stack *s, int input)
{
    bool whole[GR_MAX_LAYERS] = {false}; /* gives the input's own axes on */
    for (int i = 0; i < s->n; i++) {
        const gr_stacked *l = &s->layer[i];
        bool takes = false;
        for (int j = 0; j < l->n_from; j++)
            takes |= gr__is_input(l->from[j]) ? gr__input_of(l->from[j]) == input : whole[l->from[j]];
        if (!takes || l->member->flattens) continue;
        whole[i] = l->member->activation_only || l->member->pointwise;
        if (!whole[i]) return l;
    }
    return NULL;
}

/* Three axes of which the first counts channels: pictures as other tools order them. */
static bool channels_first(gr_shape s)
{
    bool few = s.rank == 3 && (s.dim[0] == 1 || s.dim[0] == 3 || s.dim[0] == 4);
    return few && s.dim[1] >= 8 && s.dim[1] == s.dim[2];
}

static void say_input(gr_context *ctx, const gr_recipe *r, int i, const gr_field *x)
{
    gr_shape in = r->input[i].sample;
    const gr_stacked *l = in.rank >= 2 ? first_by_steps(r->stack, i) : NULL;
    char key[GR_FIGURE_TEXT];
    if (!l) return;
    snprintf(key, sizeof key, "model.input%s%s", r->inputs_named ? "s." : "", r->inputs_named ? r->input[i].name : "");
    if (channels_first(in)) {
        gr__log(ctx, GR_LOG_WARNING,
                "%s: [%lld, %lld, %lld] is a picture of height %lld with %lld channels: the order is height, "
                "width, channels; write [%lld, %lld, %lld], and put the data in that order",
                key, (long long)in.dim[0], (long long)in.dim[1], (long long)in.dim[2], (long long)in.dim[0],
                (long long)in.dim[2], (long long)in.dim[1], (long long)in.dim[2], (long long)in.dim[0]);
        return;
    }
    if (in.rank != 2 || !(looks_like_picture(x->sample, x->element) || channels_first(x->sample))) return;
    gr__log(ctx, GR_LOG_WARNING,
            "%s: [%lld, %lld] is a sequence of %lld steps with %lld features, and %s \"%s\" takes it as one; "
            "for pictures write [%lld, %lld, 1]",
            key, (long long)in.dim[0], (long long)in.dim[1], (long long)in.dim[0], (long long)in.dim[1],
            l->member->head.name, l->name, (long long)in.dim[0], (long long)in.dim[1]);
}

void gr__agree_say_inputs(gr_context *ctx, const gr_recipe *r, const gr_set *s)
{
    for (int i = 0; i < r->n_inputs; i++) say_input(ctx, r, i, gr__set_input(s, i));
}

/* ---- said: classes ---- */

void gr__agree_say_outputs(gr_context *ctx, const gr_recipe *r, int head, int classes)
{
    int64_t outputs = gr__agree_classes(r, head);
    char of[GR_FIGURE_TEXT];
    if (r->head[head].reading.target != GR_FORM_CLASS || classes >= outputs || classes < 1) return;
    gr__log(ctx, GR_LOG_WARNING, "%sthe network has outputs for %lld classes, but the data has %d (0 to %d)",
            of_head(r, head, of), (long long)outputs, classes, classes - 1);
}

/* "ant", "bee", "cow" and 4 more: names of the classes that are marked. */
static void name_classes(const gr_meaning *m, int head, const int64_t *count, int classes, const int64_t *all,
                         gr__text *out)
{
    enum { MOST = 5 };
    int n = 0;
    for (int k = 0; k < classes; k++) {
        if (count[k] > 0 || (all && all[k] == 0) || n++ >= MOST) continue;
        const char *comma = n > 1 ? ", " : "";
        if (m->class_names[head] && k < m->classes[head])
            gr__text_add(out, "%s\"%s\"", comma, m->class_names[head][k]);
        else
            gr__text_add(out, "%s%d", comma, k);
    }
    if (n > MOST) gr__text_add(out, " and %d more", n - MOST);
}

static void count_rows(const gr_field *y, const gr_rows *rows, int64_t *count)
{
    const int32_t *label = y->data;
    int64_t width = gr_shape_count(y->sample);
    for (int64_t i = 0; i < rows->n; i++)
        for (int64_t k = 0; k < gr__field_counts(y, rows->row[i], width); k++) count[label[rows->row[i] * width + k]]++;
}

static gr_status say_part(const gr_task *t, gr_part p, int head, int classes, const int64_t *count, const int64_t *all)
{
    gr__text names;
    char of[GR_FIGURE_TEXT];
    gr__text_init(&names, t->ctx);
    name_classes(&t->meaning, head, count, classes, all, &names);
    bool failed = names.failed;
    of_head(t->recipe, head, of);
    if (names.n && !failed) {
        if (p == GR_PART_TRAIN)
            gr__log(t->ctx, GR_LOG_WARNING, "%sno training sample is of class %s: the network cannot learn it", of,
                    names.s);
        else
            gr__log(t->ctx, GR_LOG_INFO, "%sthe %s part has no sample of class %s: too few for a share of it", of,
                    gr__part_name(p), names.s);
    }
    gr__text_free(&names);
    return failed ? gr__error_code(t->ctx) : GR_OK;
}

gr_status gr__agree_say_classes(const gr_task *t, int head)
{
    const gr_set *s = &t->set[GR_PART_TRAIN];
    const gr_field *y = gr__set_target(s, head);
    int classes = t->meaning.class_names[head] ? t->meaning.classes[head] : 0;
    gr_status st = GR_OK;
    if (y->kind != GR_TARGET_CLASS || y->vocabulary) return GR_OK;
    for (int p = 0; p < GR_PARTS; p++)
        if (t->set[p].n_targets > head) classes = GR_MAX(classes, gr__set_target(&t->set[p], head)->classes);
    size_t bytes = 2 * sizeof(int64_t) * (size_t)classes;
    int64_t *all = gr__alloc(t->ctx, bytes), *count = all ? all + classes : NULL;
    if (!all) return GR_E_MEMORY;
    for (int p = 0; p < GR_PARTS; p++)
        if (t->set_of[p] == s) count_rows(y, &t->rows[p], all);
    for (int p = 0; p < GR_PARTS && st == GR_OK; p++) {
        bool train = p == GR_PART_TRAIN, cut = t->set_of[p] == s && t->recipe->data.stratify;
        if (!train && !cut) continue;
        memset(count, 0, bytes / 2);
        count_rows(y, &t->rows[p], count);
        st = say_part(t, (gr_part)p, head, classes, count, train ? NULL : all);
    }
    gr__free(t->ctx, all, bytes);
    return st;
}
