/* From a text to a set: read once to know what it holds, and again to fill. */
#include <stdio.h>
#include <string.h>

#include "data/fields.h"
#include "data/text/text.h"

/* ---- what the text holds ---- */

int64_t gr__corpus_limit(const gr__text_options *o)
{
    return o->room && o->outputs ? GR_MIN(o->room, o->outputs) : o->room + o->outputs;
}

/* What sets the limit. */
static const char *limiter(const gr__text_options *o)
{
    bool room = o->room && !(o->outputs && o->outputs < o->room);
    return room ? "the layer that looks them up has a vocabulary of" : "the network's outputs tell apart";
}

gr_status gr__corpus_index(const gr__corpus *c, const gr__units *u, int32_t unit, int32_t *out)
{
    int64_t limit = gr__corpus_limit(c->o);
    *out = 0;
    if (unit == GR__UNIT_BROKEN) return gr__units_broken(u, u->broken);
    *out = c->o->chars ? gr__alphabet_index(&c->alphabet, unit) : unit;
    if (!limit || *out < limit) return GR_OK;
    *out = 0;
    return gr__fail(c->ctx, GR_E_DATA, "\"%s\": a byte before place %llu is %d, but %s %lld: 0 to %lld", u->name,
                    (unsigned long long)gr__units_place(u), (int)unit, limiter(c->o), (long long)limit,
                    (long long)limit - 1);
}

static gr_status check_alphabet(const gr__corpus *c, const char *file)
{
    int64_t limit = gr__corpus_limit(c->o), needed = c->alphabet.n + GR__TEXT_FIRST;
    if (!limit || needed <= limit) return GR_OK;
    gr_status st = gr__fail(c->ctx, GR_E_DATA,
                            "\"%s\" has %d different characters, which with those for padding and for what is unknown "
                            "take a vocabulary of %lld, but %s %lld",
                            file, c->alphabet.n, (long long)needed, limiter(c->o), (long long)limit);
    gr__error_hint(c->ctx,
                   "write vocabulary: %lld where the model looks them up, and as many outputs where it tells what is "
                   "next; `vocabulary` of the source gives the most frequent an index and leaves the others unknown",
                   (long long)needed);
    return st;
}

static const gr_schema_target *known_classes(const gr__text_options *o)
{
    const gr_schema_target *t = o->like ? gr__schema_target(o->like, o->target ? o->target : "", true) : NULL;
    return t && t->class_names ? t : NULL;
}

static gr_status take_known(gr__corpus *c)
{
    const gr_schema_target *t = c->o->window || c->o->own_classes || c->o->whole ? NULL : known_classes(c->o);
    gr_status st = GR_OK;
    for (int i = 0; t && i < t->n_class_names && st == GR_OK; i++) {
        int32_t seen;
        const gr__cell f = {.s = t->class_names[i], .n = strlen(t->class_names[i])};
        st = gr__labels_add(&c->table, &c->labels, &f, &seen);
    }
    c->known = t != NULL;
    c->labelled = !c->o->raw || t;
    return st;
}

static gr_status begin(gr__corpus *c, gr_context *ctx, gr__blob *b, const gr__text_options *o, gr__bump *memory)
{
    const gr_schema *like = o->like;
    *c = (gr__corpus){.ctx = ctx, .o = o, .memory = memory};
    c->table = (gr__table){.ctx = ctx, .blob = b, .memory = memory};
    gr_status st = take_known(c);
    if (st == GR_OK && o->chars) st = gr__alphabet_begin(&c->alphabet, ctx, memory);
    if (st == GR_OK && o->chars && like && like->n_symbols)
        st = gr__alphabet_take(&c->alphabet, ctx, like->symbol, like->n_symbols);
    return st;
}

static gr_status count(gr__corpus *c, const gr__blob *b)
{
    return c->o->window ? gr__windows_count(c, b) : gr__lines_count(c, b);
}

static gr_status settle(gr__corpus *c, const char *file)
{
    gr_status st = GR_OK;
    if (!c->o->chars) return GR_OK;
    if (!c->alphabet.symbol) st = gr__alphabet_settle(&c->alphabet, c->ctx, c->o->most);
    return st == GR_OK ? check_alphabet(c, file) : st;
}

/* Units that there are names for. */
static int64_t units_of(const gr__corpus *c)
{
    if (c->o->chars) return c->alphabet.n + GR__TEXT_FIRST;
    return c->o->outputs ? GR_MIN(c->o->outputs, GR__TEXT_BYTES) : GR__TEXT_BYTES;
}

/* ---- the set ---- */

static void describe_field(const gr__corpus *c, gr_field *f)
{
    const gr__text_options *o = c->o;
    f->element = GR_EL_I32;
    f->kind = f->role == GR_FIELD_TARGET ? GR_TARGET_CLASS : GR_TARGET_NONE;
    if (f->role == GR_FIELD_INPUT || (f->role == GR_FIELD_TARGET && o->window && !o->last))
        f->sample = GR_SHAPE(o->window ? o->window : o->length);
    if (f->role == GR_FIELD_INPUT) f->vocabulary = o->room;
    if (f->role == GR_FIELD_TARGET && o->window) f->vocabulary = units_of(c);
    f->bytes = (uint64_t)c->rows * (uint64_t)gr_shape_count(f->sample) * gr__element_bytes(f->element);
}

/* b: where names live; NULL: where they are. */
static gr_status describe(const gr__corpus *c, gr__bump *b, const char *file, gr_set *out)
{
    const gr__text_options *o = c->o;
    gr__entries e = {.n_inputs = 1, .n_targets = o->target && !o->raw, .n_lengths = !o->window || c->cut};
    e.entry[0] = (gr__entry){.name = o->input, .role = GR_FIELD_INPUT};
    if (e.n_targets) e.entry[1] = (gr__entry){.name = o->target, .role = GR_FIELD_TARGET};
    if (e.n_lengths) e.entry[1 + e.n_targets] = (gr__entry){.name = o->input, .role = GR_FIELD_LENGTH};
    gr_status st = gr__entries_begin(c->ctx, &e, b, out);
    out->n = c->rows;
    out->overlap = o->window && !o->raw && o->stride < o->window;
    out->file = b ? gr__bump_strdup(b, file) : NULL;
    if (st == GR_OK && b && !out->file) st = gr__error_code(c->ctx);
    for (int i = 0; i < gr__set_fields(out); i++) {
        describe_field(c, &out->field[i]);
        out->field[i].file = out->file;
    }
    return st;
}

/* What a unit is called: as it is written, or by its number where it is no character of its own. */
static const char *unit_name(const gr__corpus *c, int64_t index)
{
    char text[8] = "";
    int32_t unit = (int32_t)index;
    if (c->o->chars && index < GR__TEXT_FIRST) return index == GR__TEXT_PAD ? "(padding)" : "(unknown)";
    if (c->o->chars) unit = c->alphabet.symbol[index - GR__TEXT_FIRST];
    if (unit == 0 || (!c->o->chars && unit >= 0x80)) return gr__bump_format(c->memory, "\\x%02x", (unsigned)unit);
    text[gr__utf8_write(unit, text)] = '\0';
    return gr__bump_strdup(c->memory, text);
}

static gr_status name_units(const gr__corpus *c, gr_field *y)
{
    int64_t n = units_of(c);
    const char **name = gr__bump_alloc(c->memory, (size_t)n * sizeof *name);
    for (int64_t i = 0; i < n && name; i++)
        if (!(name[i] = unit_name(c, i))) name = NULL;
    y->class_names = name;
    y->classes = (int)n;
    return name ? GR_OK : gr__error_code(c->ctx);
}

/* The training's names, in memory of this set's own. */
static gr_status name_known(const gr__corpus *c, gr_field *y)
{
    const gr_schema_target *t = known_classes(c->o);
    const char **name = gr__bump_alloc(c->memory, (size_t)t->n_class_names * sizeof *name);
    for (int i = 0; i < t->n_class_names && name; i++)
        if (!(name[i] = gr__bump_strdup(c->memory, t->class_names[i]))) name = NULL;
    y->class_names = name;
    y->classes = t->n_class_names;
    return name ? GR_OK : gr__error_code(c->ctx);
}

static gr_status name_classes(const gr__corpus *c, gr_set *s)
{
    gr_field *y = &s->field[1];
    if (!s->n_targets) return GR_OK;
    if (c->o->window) return name_units(c, y);
    return c->known ? name_known(c, y) : gr__labels_number(&c->table, &c->labels, y, s->n);
}

static gr_status tell_schema(const gr__corpus *c, gr__bump *b, gr_set *s)
{
    const gr_schema own = {.unit = c->o->chars ? "char" : "byte",
                           .lines = c->o->window == 0,
                           .symbol = c->alphabet.symbol,
                           .n_symbols = c->alphabet.n};
    s->schema = gr__schema_copy(b, &own);
    return s->schema ? GR_OK : gr__error_code(c->ctx);
}

gr_status gr__text_info(gr__blob *b, const gr__text_options *o, gr__bump *memory, gr_set *out)
{
    gr__corpus c;
    gr_set s;
    gr__bump *own = gr__bump_create(b->ctx);
    if (!own) return GR_E_MEMORY;
    gr_status st = begin(&c, b->ctx, b, o, own);
    if (st == GR_OK) st = count(&c, b);
    if (st == GR_OK) st = settle(&c, b->name);
    if (st == GR_OK) st = describe(&c, memory, b->name, &s);
    if (st == GR_OK && memory) st = tell_schema(&c, memory, &s);
    if (st == GR_OK) *out = s;
    gr__labels_free(b->ctx, &c.labels);
    gr__bump_destroy(own);
    return st;
}

/* Where lines stand, for whoever looks for faults. */
static gr_status place_lines(gr__corpus *c, gr_set *s)
{
    bool wanted = !c->o->window && c->o->faults && c->o->faults->note;
    s->line = c->line = wanted ? gr__bump_alloc(c->memory, (size_t)s->n * sizeof *c->line) : NULL;
    return wanted && !s->line ? gr__error_code(c->ctx) : GR_OK;
}

/* All that follows once everything is counted, but the filling. */
static gr_status make(gr__corpus *c, const char *file, gr_set *s)
{
    gr_status st = settle(c, file);
    if (st == GR_OK) st = describe(c, c->memory, file, s);
    for (int i = 0; i < gr__set_fields(s) && st == GR_OK; i++) {
        s->field[i].data = gr__tensor_alloc(c->ctx, (size_t)s->field[i].bytes);
        if (!s->field[i].data) st = gr__error_code(c->ctx);
    }
    s->memory = c->memory;
    if (st == GR_OK) st = place_lines(c, s);
    return st == GR_OK ? tell_schema(c, c->memory, s) : st;
}

static gr_status fill(gr__corpus *c, const gr__blob *b, gr_set *s, int64_t *row)
{
    return c->o->window ? gr__windows_fill(c, b, s, row) : gr__lines_fill(c, b, s, row);
}

static gr_status changed(gr_context *ctx, const char *file)
{
    return gr__fail(ctx, GR_E_FILE, "\"%s\" changed while it was read", file);
}

gr_status gr__text_load(gr__blob *b, const gr__text_options *o, gr_set *out)
{
    gr__corpus c;
    gr_set s = {0};
    int64_t row = 0;
    gr__bump *memory = gr__bump_create(b->ctx);
    if (!memory) return GR_E_MEMORY;
    gr_status st = begin(&c, b->ctx, b, o, memory);
    if (st == GR_OK) st = count(&c, b);
    if (st == GR_OK) st = make(&c, b->name, &s);
    if (st == GR_OK) st = fill(&c, b, &s, &row);
    if (st == GR_OK && row != s.n) st = changed(b->ctx, b->name);
    if (st == GR_OK) st = name_classes(&c, &s);
    gr__labels_free(b->ctx, &c.labels);
    s.memory = memory;
    if (st == GR_OK)
        *out = s;
    else
        gr__set_free(b->ctx, &s);
    return st;
}

/* ---- several files ---- */

static gr_status count_files(gr__corpus *c, const char *const *file, int n, int64_t *until)
{
    gr_status st = GR_OK;
    for (int i = 0; i < n && st == GR_OK; i++) {
        gr__blob b;
        st = gr__blob_open(c->ctx, file[i], &b);
        if (st != GR_OK) return st;
        st = count(c, &b);
        gr__blob_close(&b);
        until[i] = c->rows;
    }
    return st;
}

/* Samples are called as their files, and numbered within one that has several. */
static gr_status name_samples(const gr__corpus *c, const char *file, int64_t from, int64_t until, const char **name)
{
    for (int64_t i = from; i < until; i++) {
        name[i] = until - from == 1 ? gr__bump_strdup(c->memory, file)
                                    : gr__bump_format(c->memory, "%s[%lld]", file, (long long)(i - from));
        if (!name[i]) return gr__error_code(c->ctx);
    }
    return GR_OK;
}

static gr_status fill_files(gr__corpus *c, const char *const *file, int n, const int64_t *until, gr_set *s)
{
    gr_status st = GR_OK;
    const char **name = gr__bump_alloc(c->memory, (size_t)s->n * sizeof *name);
    if (!name) return gr__error_code(c->ctx);
    s->sample = name;
    for (int i = 0; i < n && st == GR_OK; i++) {
        gr__blob b;
        int64_t from = i ? until[i - 1] : 0, row = from;
        st = gr__blob_open(c->ctx, file[i], &b);
        if (st != GR_OK) return st;
        st = fill(c, &b, s, &row);
        gr__blob_close(&b);
        if (st == GR_OK && row != until[i]) st = changed(c->ctx, file[i]);
        if (st == GR_OK) st = name_samples(c, file[i], from, until[i], name);
    }
    return st;
}

gr_status gr__text_files(gr_context *ctx, const char *const *file, int n, const gr__text_options *o, gr_set *out)
{
    gr__corpus c;
    gr_set s = {0};
    gr__bump *memory = gr__bump_create(ctx);
    int64_t *until = memory ? gr__bump_alloc(memory, (size_t)n * sizeof *until) : NULL;
    gr_status st = until ? begin(&c, ctx, NULL, o, memory) : GR_E_MEMORY;
    if (st == GR_OK) st = count_files(&c, file, n, until);
    if (st == GR_OK) st = make(&c, file[0], &s);
    if (st == GR_OK) st = fill_files(&c, file, n, until, &s);
    s.memory = memory;
    if (st == GR_OK)
        *out = s;
    else
        gr__set_free(ctx, &s);
    return st;
}
