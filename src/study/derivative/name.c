/* Which derivative is meant: dL/dw[LAYER][INDEX], dL/db[LAYER][INDEX], dL/dTENSOR[INDEX]. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "graph/shape.h"
#include "model/file.h"
#include "study/derivative/derivative.h"

enum { MOST_INDICES = GR_MAX_RANK };
typedef struct group {
    int64_t index[MOST_INDICES];
    int n;
    char text[64];
} group; /* one pair of brackets */

typedef struct reader {
    gr_context *ctx;
    const char *text;
    char head[256]; /* "w", "c1.weight" */
    group at[2];
    int groups;
    const gr_param_info *params;
    size_t n;
} reader;

bool gr__derivative_is(const char *text)
{
    return strncmp(text, "dL/d", 4) == 0 || strncmp(text, "dJ/d", 4) == 0;
}

/* ---- text ---- */

static gr_status malformed(const reader *r)
{
    gr_status st = gr__fail(r->ctx, GR_E_USAGE, "%.200s is not a derivative in one element", r->text);
    gr__error_hint(r->ctx,
                   "such as 'dL/dw[0][3,2]' (tensor of weights, element), 'dL/db[0][3]' or 'dL/dc1.weight[3,0,1,2]'");
    return st;
}

/* "[3,2]" at *s, which then stands after it. */
static gr_status read_group(const reader *r, const char **s, group *out)
{
    const char *end = strchr(*s, ']');
    if (!end || (size_t)(end - *s) + 2 > sizeof out->text) return malformed(r);
    snprintf(out->text, sizeof out->text, "%.*s", (int)(end - *s) + 1, *s);
    for (const char *at = *s + 1;; at++) {
        char *after;
        errno = 0;
        long long i = strtoll(at, &after, 10);
        if (after == at || at[0] < '0' || at[0] > '9' || errno || out->n == MOST_INDICES ||
            (*after != ',' && after != end)) {
            gr_status st =
                gr__fail(r->ctx, GR_E_USAGE, "%.200s: %s is not an index of one element", r->text, out->text);
            gr__error_hint(r->ctx, "whole numbers from 0 with commas between them, at most %d: [3,0,1,2]",
                           MOST_INDICES);
            return st;
        }
        out->index[out->n++] = i;
        at = after;
        if (at == end) break;
    }
    *s = end + 1;
    return GR_OK;
}

static gr_status read_text(reader *r)
{
    const char *s = r->text + 4;
    size_t n = strcspn(s, "[]");
    if (n == 0 || n >= sizeof r->head) return malformed(r);
    memcpy(r->head, s, n);
    for (s += n; *s == '[';) {
        if (r->groups == 2) return malformed(r);
        gr_status st = read_group(r, &s, &r->at[r->groups++]);
        if (st != GR_OK) return st;
    }
    return *s ? malformed(r) : GR_OK;
}

/* ---- tensors ---- */

static bool is_weight(const gr_param_info *p)
{
    return p->entry.role == GR_ROLE_WEIGHT || p->entry.role == GR_ROLE_EMBEDDING;
}

/* Number of parameter i among the tensors of weights; of a bias, that of its layer; -1: none. */
static int number_of(const reader *r, size_t i)
{
    const char *name = r->params[i].entry.name, *dot = strrchr(name, '.');
    size_t layer = dot ? (size_t)(dot - name) : strlen(name);
    int k = -1;
    for (size_t j = 0; j < r->n; j++) {
        if (!is_weight(&r->params[j])) continue;
        k++;
        if (j == i) return k;
        const char *other = r->params[j].entry.name, *end = strrchr(other, '.');
        if (r->params[i].entry.role == GR_ROLE_BIAS && end && (size_t)(end - other) == layer &&
            strncmp(name, other, layer) == 0)
            return k;
    }
    return -1;
}

static gr_status by_number(const reader *r, size_t *out)
{
    bool bias = r->head[0] == 'b';
    int n = 0;
    size_t last = 0;
    if (r->groups == 0) return malformed(r);
    if (r->at[0].n != 1)
        return gr__fail(r->ctx, GR_E_USAGE, "%s: %s%s is not one tensor's number", r->text, r->head, r->at[0].text);
    for (size_t i = 0; i < r->n; i++) {
        if (is_weight(&r->params[i])) last = i, n++;
        bool kind = bias ? r->params[i].entry.role == GR_ROLE_BIAS : is_weight(&r->params[i]);
        if (!kind || number_of(r, i) != r->at[0].index[0]) continue;
        *out = i;
        return GR_OK;
    }
    if (n == 0) return gr__fail(r->ctx, GR_E_NAME, "the model has no weights to differentiate by");
    if (bias && r->at[0].index[0] < n) {
        size_t w = 0;
        while (number_of(r, w) != r->at[0].index[0]) w++;
        return gr__fail(r->ctx, GR_E_NAME, "the layer of w%s, which is %s, has no bias", r->at[0].text,
                        r->params[w].entry.name);
    }
    gr__fail(r->ctx, GR_E_NAME, "there is no %s%s: the model has %d tensor%s of weights%s", r->head, r->at[0].text, n,
             n == 1 ? "" : "s", n == 1 ? ", w[0]" : "");
    gr__error_hint(r->ctx, "they are counted from 0 in the order of use: the last is w[%d], %s", n - 1,
                   r->params[last].entry.name);
    return GR_E_NAME;
}

static gr_status by_name(const reader *r, gr__bump *memory, size_t *out)
{
    const char **names = gr__bump_alloc(memory, sizeof *names * (r->n + 1));
    if (!names) return GR_E_MEMORY;
    for (size_t i = 0; i < r->n; i++) {
        names[i] = r->params[i].entry.name;
        if (strcmp(names[i], r->head) != 0) continue;
        *out = i;
        return GR_OK;
    }
    const char *near = gr__nearest(r->head, names, r->n);
    gr__fail(r->ctx, GR_E_NAME, "the model has no tensor \"%s\"", r->head);
    if (near)
        gr__error_hint(r->ctx, "did you mean dL/d%s?", near);
    else if (r->n)
        gr__error_hint(r->ctx, "tensors are called as in model files: %s; or by number: w[0]", names[0]);
    return GR_E_NAME;
}

/* ---- elements ---- */

static gr_status find_element(const reader *r, const group *index, const gr_entry_spec *e, int64_t *offset)
{
    gr_shape shape = gr__file_shape(e);
    char text[96];
    gr__shape_text(shape, text);
    if (!index) {
        gr_status st = gr__fail(r->ctx, GR_E_USAGE, "%.200s is a whole tensor of shape %s, one element of it is wanted",
                                r->text, text);
        gr__error_hint(r->ctx, "an index with %d number%s, in brackets at its end", shape.rank,
                       shape.rank == 1 ? "" : "s");
        return st;
    }
    if (index->n != shape.rank)
        return gr__fail(r->ctx, GR_E_RANGE, "%s has shape %s: %s is no element of it, which takes %d number%s", e->name,
                        text, index->text, shape.rank, shape.rank == 1 ? "" : "s");
    *offset = 0;
    for (int i = 0; i < shape.rank; i++) {
        if (index->index[i] >= shape.dim[i])
            return gr__fail(r->ctx, GR_E_RANGE, "%s has shape %s: in %s number %d goes from 0 to %lld", e->name, text,
                            index->text, i + 1, (long long)shape.dim[i] - 1);
        *offset = *offset * shape.dim[i] + index->index[i];
    }
    *offset = gr__offset_in_memory(e, *offset);
    return GR_OK;
}

gr_status gr__derivative_find(gr_context *ctx, const char *text, const gr_param_info *params, size_t n,
                              gr__bump *memory, gr_target_element *out)
{
    reader r = {.ctx = ctx, .text = text, .params = params, .n = n};
    gr_target_element e = {0};
    gr_status st = GR_OK;
    GR_TRY(read_text(&r));
    bool numbered = strcmp(r.head, "w") == 0 || strcmp(r.head, "b") == 0;
    if (!numbered && r.groups == 2) GR_TRY(malformed(&r));
    GR_TRY(numbered ? by_number(&r, &e.parameter) : by_name(&r, memory, &e.parameter));
    const group *index = r.groups > numbered ? &r.at[numbered] : NULL;
    GR_TRY(find_element(&r, index, &params[e.parameter].entry, &e.offset));
    e.layer = number_of(&r, e.parameter);
    if (!(e.name = gr__bump_format(memory, "%s%s", params[e.parameter].entry.name, index->text))) GR_TRY(GR_E_MEMORY);
    *out = e;
done:
    return st;
}
