/* Where operands stand: in the program's arguments, its scratch, arrays of weights, or where a loop has its slots. */
#include "backend/source/program.h"

#include <string.h>

/* ---- operands ---- */

static const gr_node *producer(const gr__frame *f, int buffer)
{
    return gr__producer(f->plan->graph, f->plan->buffers[buffer].value);
}

static const gr__csource_feed *feed_of(const gr__csource *s, const gr_node *n)
{
    for (int i = 0; n->op->code == GR_OP_FEED && i < s->program->n_feeds; i++)
        if (strcmp(s->program->feed[i].name, n->attr.name) == 0) return &s->program->feed[i];
    return NULL;
}

static gr__at in_block(const gr__csource *s, const gr__frame *f, int buffer, int64_t offset)
{
    const gr_plan *p = f->plan;
    gr__spot spot = p->buffers[buffer].spot;
    const gr_node *n = producer(f, buffer);
    const gr__csource_feed *feed = f->outer ? NULL : feed_of(s, n);
    if (feed && !feed->steps) return (gr__at){.kind = GR__AT_INPUT, .offset = feed->offset + offset};
    int64_t at = (int64_t)(p->blocks[spot.index].offset + spot.offset) / 4;
    return (gr__at){.kind = GR__AT_SCRATCH, .offset = f->base + at + offset};
}

gr__at gr__csource_at(const gr__csource *s, const gr__frame *f, gr__operand operand)
{
    if (operand.buffer < 0) return (gr__at){.kind = GR__AT_NOWHERE};
    gr__spot spot = f->plan->buffers[operand.buffer].spot;
    int64_t offset = (int64_t)operand.offset / 4;
    switch (spot.kind) {
    case GR__IN_STORE:
        return (gr__at){.kind = GR__AT_WEIGHT, .index = spot.index, .offset = (int64_t)spot.offset / 4 + offset};
    case GR__IN_CONSTANTS:
        return (gr__at){.kind = GR__AT_CONSTANT, .index = operand.buffer, .offset = offset, .plan = f->plan};
    case GR__IN_SLOT: {
        const gr__slot *slot = &gr__loop_of(f->loop)->slots[spot.index];
        if (slot->kind != GR__SLOT_GIVEN)
            return (gr__at){.kind = GR__AT_SLOT, .index = spot.index, .offset = offset, .loop = f->number};
        gr__at given = gr__csource_at(s, f->outer, f->loop->operand[slot->operand]);
        given.offset += offset;
        return given;
    }
    default:
        return in_block(s, f, operand.buffer, offset);
    }
}

/* ---- constants ---- */

static const double *numbers_of(const gr__at *at, int64_t *count)
{
    const gr_graph *g = at->plan->graph;
    const gr_node *n = gr__producer(g, at->plan->buffers[at->index].value);
    *count = 1;
    return n->op->code == GR_OP_CONST ? n->attr.f : gr__const_tensor(g, n->attr.i[0], count);
}

bool gr__csource_is_wide(gr__at at)
{
    int64_t count = 0;
    if (at.kind != GR__AT_CONSTANT) return false;
    const double *x = numbers_of(&at, &count);
    for (int64_t i = 0; i < count; i++)
        if ((double)(float)x[i] != x[i] && x[i] == x[i]) return true;
    return false;
}

/* ---- arrays ---- */

static bool same_layout(gr__layout a, gr__layout b)
{
    return a.groups == b.groups && a.k == b.k && a.n == b.n && a.codes == b.codes && a.doubles == b.doubles;
}

static bool add_array(gr__csource *s, gr__array a)
{
    if (s->n_arrays == s->array_room) {
        int room = GR_MAX(2 * s->array_room, 32);
        gr__array *more = gr__bump_alloc(s->memory, (size_t)room * sizeof *more);
        if (!more) return false;
        if (s->n_arrays) memcpy(more, s->array, (size_t)s->n_arrays * sizeof *more);
        s->array = more;
        s->array_room = room;
    }
    a.number = s->n_arrays;
    s->array[s->n_arrays++] = a;
    return true;
}

/* Readers of a weight agree where what two of them read is the same, in the same layout, or nothing of the other's. */
static bool agree(const gr__array *a, const gr__array *b)
{
    bool apart = a->at.offset + a->count <= b->at.offset || b->at.offset + b->count <= a->at.offset;
    return apart || (a->at.offset == b->at.offset && a->count == b->count && same_layout(a->layout, b->layout));
}

static gr_status note(gr__csource *s, gr__at at, int64_t count, gr__layout layout)
{
    gr__array a = {.at = at, .count = count, .layout = layout};
    for (int i = 0; i < s->n_arrays; i++) {
        const gr__array *b = &s->array[i];
        if (b->at.index != at.index) continue;
        if (!agree(&a, b)) s->plain[at.index] = true;
    }
    return add_array(s, a) ? GR_OK : gr__error_code(s->ctx);
}

static gr_status note_operand(gr__csource *s, const gr__frame *f, const gr__instruction *in, int i, gr__layout layout)
{
    const gr_item *it = &in->made->item;
    gr__at at = gr__csource_at(s, f, in->operand[i]);
    if (at.kind != GR__AT_WEIGHT) return GR_OK;
    return note(s, at, gr_shape_count(gr__value(it->graph, it->in[i])->shape), layout);
}

/* A loop's own reading; what it gives to its body is read there. */
static gr_status survey_loop(gr__csource *s, const gr__frame *f, const gr__instruction *in)
{
    const gr__loop *l = gr__loop_of(in);
    gr_status st = GR_OK;
    for (int i = 0; i < l->n_slots && st == GR_OK; i++)
        if (l->slots[i].kind == GR__SLOT_STEP && l->slots[i].operand < in->made->item.n_in)
            st = note_operand(s, f, in, l->slots[i].operand, (gr__layout){0});
    for (int i = 0; i < l->n_carries && st == GR_OK; i++)
        st = note_operand(s, f, in, l->carries[i].initial, (gr__layout){0});
    return st;
}

static gr_status survey_call(gr__csource *s, const gr__frame *f, const gr__instruction *in)
{
    const gr_item *it = &in->made->item;
    gr_status st = GR_OK;
    for (int i = 0; i < it->n_segments * it->n_in && st == GR_OK; i++)
        st = note_operand(s, f, in, i, it->n_segments == 1 ? gr__csource_layout(it, i) : (gr__layout){0});
    return st;
}

static gr_status survey(gr__csource *s, const gr__frame *f)
{
    gr_status st = GR_OK;
    for (int i = 0; i < f->plan->n_instructions && st == GR_OK; i++) {
        const gr__instruction *in = &f->plan->instructions[i];
        if (in->code == GR__CALL) st = survey_call(s, f, in);
        if (in->code == GR__LOOP) st = survey_loop(s, f, in);
        if (in->code == GR__LOOP && st == GR_OK)
            st = survey(s, &(gr__frame){.plan = gr__loop_of(in)->body, .outer = f, .loop = in});
    }
    return st;
}

gr_status gr__csource_survey(gr__csource *s, const gr__frame *f)
{
    s->plain = gr__bump_alloc(s->memory, (size_t)(gr_store_count(s->store) + 1) * sizeof *s->plain);
    if (!s->plain) return gr__error_code(s->ctx);
    gr_status st = survey(s, f);
    s->n_arrays = 0; /* those that are read are found again */
    return st;
}

/* The array that holds this; a whole entry where readers do not agree. */
static gr__array *array_of(gr__csource *s, gr__at at, int64_t count, gr__layout layout)
{
    for (int i = 0; i < s->n_arrays; i++) {
        gr__array *a = &s->array[i];
        bool same = a->at.kind == at.kind && a->at.index == at.index && a->at.plan == at.plan;
        if (same && a->at.offset == at.offset && a->count == count && same_layout(a->layout, layout)) return a;
    }
    return add_array(s, (gr__array){.at = at, .count = count, .layout = layout}) ? &s->array[s->n_arrays - 1] : NULL;
}

static const char *array_address(gr__csource *s, gr__at at, int64_t count, gr__layout layout)
{
    int64_t offset = 0;
    if (at.kind == GR__AT_WEIGHT && s->plain[at.index]) {
        offset = at.offset;
        at.offset = 0;
        count = gr_store_entry(s->store, at.index)->count;
        layout = (gr__layout){0};
    } else if (at.kind == GR__AT_CONSTANT) {
        offset = at.offset;
        at.offset = 0;
        (void)numbers_of(&at, &count);
    }
    const gr__array *a = array_of(s, at, count, layout);
    if (!a) return NULL;
    return offset ? gr__bump_format(s->memory, "w%d + %lld", a->number, (long long)offset)
                  : gr__bump_format(s->memory, "w%d", a->number);
}

const char *gr__csource_address(gr__csource *s, gr__at at, int64_t count, gr__layout layout)
{
    const char *base = at.kind == GR__AT_INPUT ? "input" : "scratch";
    switch (at.kind) {
    case GR__AT_WEIGHT:
    case GR__AT_CONSTANT:
        return array_address(s, at, count, layout);
    case GR__AT_SLOT:
        base = gr__bump_format(s->memory, "s%d_%d", at.loop, at.index);
        break;
    default:
        break;
    }
    if (!base || at.offset == 0) return base;
    return gr__bump_format(s->memory, "%s + %lld", base, (long long)at.offset);
}

/* ---- writing arrays ---- */

enum { PER_LINE = 8 };

/* Where number i of the array stands among those of the store. */
static int64_t source_of(gr__layout l, int64_t i)
{
    if (l.k == 0) return i;
    int64_t group = i / (l.k * l.n), k = i / l.n % l.k, n = i % l.n;
    return (group * l.n + n) * l.k + k;
}

static void put_title(const gr__csource *s, const gr__array *a, gr__text *out)
{
    char shape[96];
    if (a->at.kind == GR__AT_CONSTANT) {
        gr__text_add(out, "\n/* a constant */\n");
        return;
    }
    const gr_entry *e = gr_store_entry(s->store, a->at.index);
    gr__text_add(out, "\n/* ");
    gr__csource_comment(out, e->spec.name);
    gr__text_add(out, " %s", gr__shape_text(e->spec.shape, shape));
    if (a->count != e->count) gr__text_add(out, ", from %lld on", (long long)a->at.offset);
    if (a->layout.k > 1 && a->layout.n > 1)
        gr__text_add(out, ", as [%lld,%lld,%lld]", (long long)a->layout.groups, (long long)a->layout.k,
                     (long long)a->layout.n);
    gr__text_add(out, " */\n");
}

static void put_weight(const gr__csource *s, const gr__array *a, int64_t i, gr__text *out)
{
    const gr_entry *e = gr_store_entry(s->store, a->at.index);
    int64_t at = a->at.offset + source_of(a->layout, i);
    if (e->spec.shape.rank == 0)
        gr__csource_number((float)((const double *)e->data)[at], out);
    else
        gr__csource_number(((const float *)e->data)[at], out);
}

static void put_constant(const gr__array *a, bool wide, int64_t i, gr__text *out)
{
    int64_t count;
    char text[40];
    double x = numbers_of(&a->at, &count)[i];
    if (wide)
        gr__text_add(out, "%s", gr__csource_literal(x, true, text));
    else
        gr__csource_number((float)x, out);
}

/* What was added goes to the file. */
static gr_status flush(const gr__csource *s, gr__text *t)
{
    if (t->failed) return gr__error_code(s->ctx);
    gr__writer_put(s->out, t->s, t->n);
    t->n = 0;
    return GR_OK;
}

/* Codes as their kernel reads them, and for each channel the scale of its sums. */
static gr_status put_codes(const gr__csource *s, const gr__array *a, gr__text *t)
{
    const gr__layout l = a->layout;
    const float *row = (const float *)gr_store_entry(s->store, a->at.index)->data + a->at.offset;
    int64_t rows = l.groups * l.n;
    signed char *codes = gr__alloc(s->ctx, (size_t)a->count);
    float *scale = codes ? gr__alloc(s->ctx, (size_t)rows * sizeof *scale) : NULL;
    gr_status st = scale ? GR_OK : gr__error_code(s->ctx);
    for (int64_t r = 0; r < rows && scale; r++)
        scale[r] = l.codes->scale * gr__csource_encode(row + r * l.k, l.k, codes + r * l.k);
    gr__text_add(t, "static const signed char w%d[%lld] = {", a->number, (long long)a->count);
    for (int64_t i = 0; i < a->count && st == GR_OK; i++) {
        gr__text_add(t, "%s%d,", i % (4 * PER_LINE) ? " " : "\n    ", codes[source_of(l, i)]);
        if (t->n > 1 << 16) st = flush(s, t);
    }
    gr__text_add(t, "\n};\nstatic const float w%d_scale[%lld] = {", a->number, (long long)rows);
    for (int64_t r = 0; r < rows && st == GR_OK; r++) {
        gr__text_add(t, r % PER_LINE ? " " : "\n    ");
        gr__csource_number(scale[r], t);
        gr__text_put(t, ",", 1);
    }
    gr__text_add(t, "\n};\n");
    if (scale) gr__free(s->ctx, scale, (size_t)rows * sizeof *scale);
    if (codes) gr__free(s->ctx, codes, (size_t)a->count);
    return st == GR_OK ? flush(s, t) : st;
}

static gr_status write_array(const gr__csource *s, const gr__array *a, gr__text *t)
{
    const bool wide = a->layout.doubles;
    gr_status st = GR_OK;
    put_title(s, a, t);
    if (a->layout.codes) return put_codes(s, a, t);
    gr__text_add(t, "static const %s w%d[%lld] = {", wide ? "double" : "float", a->number, (long long)a->count);
    for (int64_t i = 0; i < a->count && st == GR_OK; i++) {
        gr__text_put(t, i % PER_LINE ? " " : "\n    ", i % PER_LINE ? 1 : 5);
        if (a->at.kind == GR__AT_WEIGHT)
            put_weight(s, a, i, t);
        else
            put_constant(a, wide, i, t);
        gr__text_put(t, ",", 1);
        if (t->n > 1 << 16) st = flush(s, t);
    }
    gr__text_add(t, "\n};\n");
    return st == GR_OK ? flush(s, t) : st;
}

gr_status gr__csource_arrays(const gr__csource *s)
{
    gr_status st = GR_OK;
    gr__text t;
    gr__text_init(&t, s->ctx);
    for (int i = 0; i < s->n_arrays && st == GR_OK; i++) st = write_array(s, &s->array[i], &t);
    gr__text_free(&t);
    return st;
}

uint64_t gr__csource_array_bytes(const gr__csource *s)
{
    uint64_t bytes = 0;
    for (int i = 0; i < s->n_arrays; i++) {
        const gr__array *a = &s->array[i];
        const gr__layout l = a->layout;
        bytes += l.codes ? (uint64_t)(a->count + 4 * l.groups * l.n)
                         : (uint64_t)a->count * (l.doubles ? sizeof(double) : sizeof(float));
    }
    return bytes;
}
