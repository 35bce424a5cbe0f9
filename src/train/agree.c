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

gr_wanted gr__agree_wanted(const gr_recipe *r)
{
    return (gr_wanted){.form = r->reading.target, .output = r->output, .cost = r->cost->head.name};
}

int64_t gr__agree_classes(const gr_recipe *r)
{
    int64_t outputs = r->output.rank > 0 ? r->output.dim[r->output.rank - 1] : 1;
    return outputs == 1 ? 2 : outputs;
}

/* ---- refused ---- */

gr_status gr__agree_shapes(gr_context *ctx, const gr_recipe *r, gr_part p, gr_shape sample, gr_target_kind target,
                           gr_shape target_sample)
{
    const gr_tree *at = gr__agree_place(r, p);
    char a[96], b[96];
    if (!gr__sample_fits(sample, r->input))
        return gr__tree_fail(ctx, at, GR_E_DATA, NULL, "the %s data has samples of shape %s, model.input is %s",
                             gr__part_name(p), gr__shape_text(sample, a), gr__shape_text(r->input, b));
    gr_target_kind want = r->reading.target == GR_FORM_CLASS ? GR_TARGET_CLASS : GR_TARGET_VALUE;
    if (target != want)
        return gr__tree_fail(ctx, at, GR_E_DATA, NULL, "the %s data has %s as targets, cost %s wants %s",
                             gr__part_name(p),
                             target == GR_TARGET_CLASS   ? "classes"
                             : target == GR_TARGET_VALUE ? "values"
                                                         : "nothing",
                             r->cost->head.name, want == GR_TARGET_CLASS ? "classes" : "values");
    gr_wanted w = gr__agree_wanted(r);
    snprintf(a, sizeof a, "the %s data", gr__part_name(p));
    gr_status st = gr__targets_fit(ctx, &w, target_sample, a);
    if (st != GR_OK) gr__error_place(ctx, at->file, at->line, at->column, gr__tree_path(at, b, sizeof b));
    return st;
}

/* Labels must lie within the outputs. */
static gr_status check_labels(gr_context *ctx, const gr_recipe *r, gr_part p, const gr_set *s)
{
    int64_t classes = gr__agree_classes(r);
    if (s->target != GR_TARGET_CLASS || s->classes <= classes) return GR_OK;
    return gr__tree_fail(ctx, gr__agree_place(r, p), GR_E_DATA, NULL,
                         "the %s data has labels up to %d in \"%s\", but the network has outputs for classes 0 to %lld",
                         gr__part_name(p), s->classes - 1,
                         s->target_file ? s->target_file
                         : s->file      ? s->file
                                        : "",
                         (long long)classes - 1);
}

gr_status gr__agree_values(gr_context *ctx, const gr_recipe *r, gr_part p, const gr_set *s)
{
    bool labels = r->reading.target == GR_FORM_LABELS;
    gr_element held = gr__target_element(s);
    int64_t width = gr_shape_count(s->target_sample), off = 0;
    if (!labels && r->reading.target != GR_FORM_DISTRIBUTION) return check_labels(ctx, r, p, s);
    for (int64_t i = 0; i < s->n; i++) {
        double sum = 0;
        for (int64_t k = 0; k < width; k++) {
            double x = gr__element_at(held, s->targets, i * width + k);
            if (!(x >= 0) || x > (labels ? 1 : INFINITY))
                return gr__tree_fail(ctx, gr__agree_place(r, p), GR_E_DATA, NULL,
                                     "the %s data has the target %g in row %lld, but %s wants %s", gr__part_name(p), x,
                                     (long long)i, r->cost->head.name,
                                     labels ? "labels from 0 to 1" : "distributions, which are nowhere below 0");
            sum += x;
        }
        off += !(fabs(sum - 1) <= 1e-3);
    }
    if (!labels && off)
        gr__log(ctx, GR_LOG_WARNING, "%lld of %lld targets of the %s data do not sum to 1, as distributions do",
                (long long)off, (long long)s->n, gr__part_name(p));
    return GR_OK;
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

/* The first layer that tells steps of a sequence from their features, reached from the input through layers that treat
 * every number alike; NULL: flattened before. */
static const gr_stacked *first_by_steps(const gr_stack *s)
{
    bool whole[GR_MAX_LAYERS] = {false}; /* gives the input's own axes on */
    for (int i = 0; i < s->n; i++) {
        const gr_stacked *l = &s->layer[i];
        bool takes = false;
        for (int j = 0; j < l->n_from; j++) takes |= l->from[j] == GR_FROM_INPUT || whole[l->from[j]];
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

void gr__agree_say_input(gr_context *ctx, const gr_recipe *r, gr_shape sample, gr_element element)
{
    gr_shape in = r->input;
    const gr_stacked *l = in.rank >= 2 ? first_by_steps(r->stack) : NULL;
    if (!l) return;
    if (channels_first(in)) {
        gr__log(ctx, GR_LOG_WARNING,
                "model.input: [%lld, %lld, %lld] is a picture of height %lld with %lld channels: the order is height, "
                "width, channels; write [%lld, %lld, %lld], and put the data in that order",
                (long long)in.dim[0], (long long)in.dim[1], (long long)in.dim[2], (long long)in.dim[0],
                (long long)in.dim[2], (long long)in.dim[1], (long long)in.dim[2], (long long)in.dim[0]);
        return;
    }
    if (in.rank != 2 || !(looks_like_picture(sample, element) || channels_first(sample))) return;
    gr__log(ctx, GR_LOG_WARNING,
            "model.input: [%lld, %lld] is a sequence of %lld steps with %lld features, and %s \"%s\" takes it as one; "
            "for pictures write [%lld, %lld, 1]",
            (long long)in.dim[0], (long long)in.dim[1], (long long)in.dim[0], (long long)in.dim[1],
            l->member->head.name, l->name, (long long)in.dim[0], (long long)in.dim[1]);
}

/* ---- said: classes ---- */

void gr__agree_say_outputs(gr_context *ctx, const gr_recipe *r, int classes)
{
    int64_t outputs = gr__agree_classes(r);
    if (r->reading.target != GR_FORM_CLASS || classes >= outputs || classes < 1) return;
    gr__log(ctx, GR_LOG_WARNING, "the network has outputs for %lld classes, but the data has %d (0 to %d)",
            (long long)outputs, classes, classes - 1);
}

/* "ant", "bee", "cow" and 4 more: names of the classes that are marked. */
static void name_classes(const gr_task *t, const int64_t *count, int classes, const int64_t *all, gr__text *out)
{
    enum { MOST = 5 };
    int n = 0;
    for (int k = 0; k < classes; k++) {
        if (count[k] > 0 || (all && all[k] == 0) || n++ >= MOST) continue;
        const char *comma = n > 1 ? ", " : "";
        if (t->class_names && k < t->classes)
            gr__text_add(out, "%s\"%s\"", comma, t->class_names[k]);
        else
            gr__text_add(out, "%s%d", comma, k);
    }
    if (n > MOST) gr__text_add(out, " and %d more", n - MOST);
}

static void count_rows(const gr_set *s, const gr_rows *rows, int64_t *count)
{
    const int32_t *label = s->targets;
    int64_t width = gr_shape_count(s->target_sample);
    for (int64_t i = 0; i < rows->n; i++)
        for (int64_t k = 0; k < width; k++) count[label[rows->row[i] * width + k]]++;
}

static gr_status say_part(const gr_task *t, gr_part p, int classes, const int64_t *count, const int64_t *all)
{
    gr__text names;
    gr__text_init(&names, t->ctx);
    name_classes(t, count, classes, all, &names);
    bool failed = names.failed;
    if (names.n && !failed) {
        if (p == GR_PART_TRAIN)
            gr__log(t->ctx, GR_LOG_WARNING, "no training sample is of class %s: the network cannot learn it", names.s);
        else
            gr__log(t->ctx, GR_LOG_INFO, "the %s part has no sample of class %s: too few for a share of it",
                    gr__part_name(p), names.s);
    }
    gr__text_free(&names);
    return failed ? gr__error_code(t->ctx) : GR_OK;
}

gr_status gr__agree_say_classes(const gr_task *t)
{
    const gr_set *s = &t->set[GR_PART_TRAIN];
    int classes = t->class_names ? t->classes : 0;
    gr_status st = GR_OK;
    if (s->target != GR_TARGET_CLASS) return GR_OK;
    for (int p = 0; p < GR_PARTS; p++) classes = GR_MAX(classes, t->set[p].classes);
    size_t bytes = 2 * sizeof(int64_t) * (size_t)classes;
    int64_t *all = gr__alloc(t->ctx, bytes), *count = all ? all + classes : NULL;
    if (!all) return GR_E_MEMORY;
    for (int p = 0; p < GR_PARTS; p++)
        if (t->set_of[p] == s) count_rows(s, &t->rows[p], all);
    for (int p = 0; p < GR_PARTS && st == GR_OK; p++) {
        bool train = p == GR_PART_TRAIN, cut = t->set_of[p] == s && t->recipe->data.stratify;
        if (!train && !cut) continue;
        memset(count, 0, bytes / 2);
        count_rows(s, &t->rows[p], count);
        st = say_part(t, (gr_part)p, classes, count, train ? NULL : all);
    }
    gr__free(t->ctx, all, bytes);
    return st;
}
