/* The program: weights, what kernels have in common, kernels, and the function that calls them one after the other. */
#include "backend/source/program.h"

#include <string.h>

static gr_status write_frame(gr__csource *s, const gr__frame *f);

/* ---- loops ---- */

/* A loop while it is written: `done` counts its steps in the program. */
typedef struct looping {
    gr__csource *s;
    const gr__frame *outer, *body;
    const gr__instruction *in;
    const gr__loop *l;
} looping;

/* The address of an operand of the loop; NULL: no memory. */
static const char *operand(const looping *x, int i)
{
    const gr_item *it = &x->in->made->item;
    int64_t count = i < it->n_in ? gr_shape_count(gr__value(it->graph, it->in[i])->shape) : 0;
    return gr__csource_address(x->s, gr__csource_at(x->s, x->outer, x->in->operand[i]), count, (gr__layout){0});
}

static const char *block(const looping *x, int index)
{
    int64_t at = (int64_t)x->l->body->blocks[index].offset / 4;
    return gr__csource_address(x->s, (gr__at){.kind = GR__AT_SCRATCH, .offset = x->body->base + at}, 0,
                               (gr__layout){0});
}

/* Where a carry stands after so many steps, as an expression: loop.c has the same as addresses. */
static const char *carried(const looping *x, const gr__carry *c, const char *done)
{
    gr__bump *m = x->s->memory;
    long long steps = x->l->steps, count = (long long)(c->bytes / 4);
    if (c->states >= 0) {
        const char *states = operand(x, c->states);
        if (!states) return NULL;
        return x->l->reverse ? gr__bump_format(m, "%s + (%lld - (%s)) * %lld", states, steps, done, count)
                             : gr__bump_format(m, "%s + (%s) * %lld", states, done, count);
    }
    const char *even = c->final >= 0 ? operand(x, c->final) : block(x, c->block[0]), *odd = block(x, c->block[1]);
    return even && odd ? gr__bump_format(m, "((%lld - (%s)) %% 2 ? %s : %s)", steps, done, odd, even) : NULL;
}

static const char *slot_text(const looping *x, int slot)
{
    const gr__slot *sl = &x->l->slots[slot];
    const gr__carry *c = &x->l->carries[sl->operand];
    gr__bump *m = x->s->memory;
    const char *done = gr__bump_format(m, "done%d", x->body->number), *after = gr__bump_format(m, "%s + 1", done);
    if (!done || !after) return NULL;
    if (sl->kind == GR__SLOT_AFTER) return carried(x, c, after);
    if (sl->kind == GR__SLOT_BEFORE) {
        const char *before = carried(x, c, done), *initial = operand(x, c->initial);
        return before && initial ? gr__bump_format(m, "%s ? %s : %s", done, before, initial) : NULL;
    }
    const char *base = operand(x, sl->operand);
    long long stride = (long long)(sl->stride / 4), last = x->l->steps - 1;
    if (!base) return NULL;
    return x->l->reverse ? gr__bump_format(m, "%s + (%lld - %s) * %lld", base, last, done, stride)
                         : gr__bump_format(m, "%s + %s * %lld", base, done, stride);
}

static bool is_written(const gr__slot *slot, const gr_item *it)
{
    return slot->kind == GR__SLOT_AFTER || (slot->kind == GR__SLOT_STEP && slot->operand >= it->n_in);
}

static bool moves(const gr__loop *l, int slot)
{
    for (int i = 0; i < l->n_moving; i++)
        if (l->moving[i].slot == slot) return l->slots[slot].kind != GR__SLOT_GIVEN;
    return false;
}

/* Pointers that the step's calls are given. */
static gr_status put_slots(const looping *x)
{
    for (int i = 0; i < x->l->n_slots; i++) {
        if (!moves(x->l, i)) continue;
        const char *text = slot_text(x, i);
        if (!text) return gr__error_code(x->s->ctx);
        gr__csource_indent(x->s);
        gr__text_add(&x->s->calls, "%sfloat *s%d_%d = %s;\n",
                     is_written(&x->l->slots[i], &x->in->made->item) ? "" : "const ", x->body->number, i, text);
    }
    return GR_OK;
}

static gr_status put_copy(const looping *x, const char *to, const char *from, size_t bytes, const char *condition)
{
    if (!to || !from) return gr__error_code(x->s->ctx);
    gr__csource_indent(x->s);
    gr__text_add(&x->s->calls, "%smemcpy(%s, %s, %lld * sizeof(float));\n", condition, to, from,
                 (long long)(bytes / 4));
    return GR_OK;
}

/* What is stacked as it is found begins with what there is before the first step. */
static gr_status put_beginning(const looping *x)
{
    gr_status st = GR_OK;
    for (int k = 0; k < x->l->n_carries && st == GR_OK; k++) {
        const gr__carry *c = &x->l->carries[k];
        if (c->states >= 0 && c->bytes) st = put_copy(x, carried(x, c, "0"), operand(x, c->initial), c->bytes, "");
    }
    return st;
}

/* What has ended before its time stands where it was last. */
static gr_status put_settling(const looping *x)
{
    gr_status st = GR_OK;
    const char *odd =
        gr__bump_format(x->s->memory, "if ((%lld - done%d) %% 2) ", (long long)x->l->steps, x->body->number);
    if (!odd) return gr__error_code(x->s->ctx);
    for (int k = 0; k < x->l->n_carries && x->l->until >= 0 && st == GR_OK; k++) {
        const gr__carry *c = &x->l->carries[k];
        if (c->final >= 0 && c->states < 0 && c->bytes)
            st = put_copy(x, operand(x, c->final), block(x, c->block[1]), c->bytes, odd);
    }
    return st;
}

/* The step is counted at its end; the carry that tells so may end the loop there. */
static gr_status put_step_end(const looping *x)
{
    gr__text *t = &x->s->calls;
    int number = x->body->number;
    if (x->l->until >= 0) {
        const char *done = gr__bump_format(x->s->memory, "done%d + 1", number);
        const char *left = done ? carried(x, &x->l->carries[x->l->until], done) : NULL;
        if (!left) return gr__error_code(x->s->ctx);
        gr__csource_indent(x->s);
        gr__text_add(t, "const float left%d = *(%s);\n", number, left);
    }
    gr__csource_indent(x->s);
    gr__text_add(t, "done%d++;\n", number);
    if (x->l->until < 0) return GR_OK;
    gr__csource_indent(x->s);
    gr__text_add(t, "if (left%d == 0) break;\n", number);
    return GR_OK;
}

static gr_status write_loop(gr__csource *s, const gr__frame *f, const gr__instruction *in)
{
    gr_status st = GR_OK;
    const gr__loop *l = gr__loop_of(in);
    gr__frame body = {.plan = l->body, .outer = f, .loop = in, .number = ++s->n_loops, .base = f->base};
    if (in->workspace >= 0) body.base += (int64_t)f->plan->blocks[in->workspace].offset / 4;
    const looping x = {s, f, &body, in, l};
    GR_TRY(put_beginning(&x));
    gr__csource_indent(s);
    gr__text_add(&s->calls, "int done%d = 0;\n", body.number);
    gr__csource_indent(s);
    gr__text_add(&s->calls, "while (done%d < %lld) {\n", body.number, (long long)l->steps);
    s->depth++;
    GR_TRY(put_slots(&x));
    GR_TRY(write_frame(s, &body));
    GR_TRY(put_step_end(&x));
    s->depth--;
    gr__csource_indent(s);
    gr__text_add(&s->calls, "}\n");
    GR_TRY(put_settling(&x));
done:
    return st;
}

static gr_status write_frame(gr__csource *s, const gr__frame *f)
{
    gr_status st = GR_OK;
    for (int i = 0; i < f->plan->n_instructions && st == GR_OK; i++) {
        const gr__instruction *in = &f->plan->instructions[i];
        switch (in->code) {
        case GR__CALL:
            st = gr__csource_call(s, f, in);
            break;
        case GR__LOOP:
            st = write_loop(s, f, in);
            break;
        default:
            st = gr__fail(s->ctx, GR_E_UNSUPPORTED, "a program keeps nothing: what assigns cannot be one");
        }
    }
    return st;
}

/* ---- the function ---- */

/* Lengths are found before anything else. */
static void put_lengths(gr__csource *s, const gr__frame *f)
{
    for (int i = 0; i < f->plan->n_feeds; i++)
        for (int k = 0; k < s->program->n_feeds; k++) {
            const gr__csource_feed *feed = &s->program->feed[k];
            if (!feed->steps || strcmp(feed->name, f->plan->feeds[i].name) != 0) continue;
            gr__helper help = feed->indices ? GR__HELP_TOKENS : GR__HELP_STEPS;
            gr__at at = gr__csource_at(s, f, (gr__operand){f->plan->feeds[i].buffer, 0});
            s->help[help] = true;
            gr__csource_indent(s);
            gr__text_add(&s->calls, "scratch[%lld] = (float)%s(input + %lld, %lld, %lld);\n", (long long)at.offset,
                         feed->indices ? "tokens" : "steps", (long long)feed->offset, (long long)feed->steps,
                         (long long)(feed->indices ? feed->zeros : feed->width));
        }
}

static gr_status put_results(gr__csource *s, const gr__frame *f)
{
    const gr_plan *p = f->plan;
    for (int i = 0; i < p->n_outputs; i++)
        for (int k = 0; k < s->program->n_results; k++) {
            const gr__csource_result *r = &s->program->result[k];
            if (strcmp(r->name, p->outputs[i].name) != 0) continue;
            int64_t count = gr_shape_count(p->outputs[i].shape);
            const char *from = gr__csource_address(s, gr__csource_at(s, f, p->outputs[i].at), count, (gr__layout){0});
            if (!from) return gr__error_code(s->ctx);
            gr__csource_indent(s);
            gr__text_add(&s->calls, "memcpy(output + %lld, %s, %lld * sizeof(float));\n", (long long)r->offset, from,
                         (long long)count);
        }
    return GR_OK;
}

static gr_status put_text(gr__csource *s, const gr__text *t)
{
    if (t->failed) return gr__error_code(s->ctx);
    if (t->n) gr__writer_put(s->out, t->s, t->n);
    return GR_OK;
}

static gr_status put_all(gr__csource *s)
{
    gr_status st = GR_OK;
    gr__text t;
    gr__text_init(&t, s->ctx);
    GR_TRY(gr__csource_arrays(s));
    gr__csource_helpers(s, &t);
    GR_TRY(put_text(s, &t));
    GR_TRY(put_text(s, &s->functions));
    t.n = 0;
    gr__text_add(&t, "\nvoid %s(const float *input, float *output, float *scratch)\n{\n", s->program->name);
    gr__text_add(&t, "    (void)input, (void)scratch;\n");
    GR_TRY(put_text(s, &t));
    gr__text_add(&s->calls, "}\n");
    st = put_text(s, &s->calls);
done:
    gr__text_free(&t);
    return st;
}

gr_status gr__csource_write(const gr_plan *p, const gr__csource_program *program, gr__writer *out, uint64_t *weights)
{
    gr_status st = GR_OK;
    gr__csource s = {.ctx = p->ctx, .store = p->store, .program = program, .out = out};
    const gr__frame f = {.plan = p};
    gr__text_init(&s.functions, p->ctx);
    gr__text_init(&s.calls, p->ctx);
    s.memory = gr__bump_create(p->ctx);
    GR_TRY(s.memory ? GR_OK : gr__error_code(p->ctx));
    GR_TRY(gr__csource_survey(&s, &f));
    put_lengths(&s, &f);
    GR_TRY(write_frame(&s, &f));
    GR_TRY(put_results(&s, &f));
    *weights = gr__csource_array_bytes(&s);
    st = put_all(&s);
done:
    gr__text_free(&s.functions);
    gr__text_free(&s.calls);
    gr__bump_destroy(s.memory);
    return st;
}

int64_t gr__csource_scratch(const gr_plan *p)
{
    return (int64_t)p->block_bytes / 4;
}
