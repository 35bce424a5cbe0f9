/* Lines of text with a label in front: label, tab, text. Each is a sample, padded or cut. */
#include <string.h>

#include "base/text.h"
#include "data/text/text.h"

enum { LABEL_BYTES = 1000 };
enum { RETURN = 1, FEED = 2 };

typedef struct line {
    uint64_t number, ended; /* from 1; line ends so far */
    bool any, tab, broken;  /* it has something; its label has ended; some of it is no character */
    gr__broken first_broken;
    int held; /* RETURN, FEED: not known yet whether they end it */
    char label[LABEL_BYTES + 4];
    size_t n_label;
    int32_t *unit;   /* of the text, the first that there is room for */
    int64_t n, room; /* units that the text has */
} line;

/* ---- reading ---- */

static void add(line *l, bool labelled, bool chars, int32_t unit)
{
    if (!l->any) l->number = l->ended + 1;
    l->any = true;
    l->broken |= unit == GR__UNIT_BROKEN;
    if (unit == GR__UNIT_BROKEN) return;
    if (!labelled || l->tab) {
        if (l->n < l->room) l->unit[l->n] = unit;
        l->n++;
    } else if (unit == '\t') {
        l->tab = true;
    } else if (l->n_label <= LABEL_BYTES) {
        l->label[l->n_label] = (char)unit;
        l->n_label += chars ? gr__utf8_write(unit, l->label + l->n_label) : 1;
    }
}

/* Line ends within a text are text; those at its end are not. */
static void add_held(line *l, bool labelled, bool chars)
{
    if (l->held & RETURN) add(l, labelled, chars, '\r');
    if (l->held & FEED) add(l, labelled, chars, '\n');
    l->held = 0;
}

/* The next line that is not empty, or the whole file. */
static bool next_line(const gr__corpus *c, gr__units *u, bool labelled, line *l)
{
    int32_t unit;
    bool done = false, chars = c->o->chars;
    l->any = l->tab = l->broken = false;
    l->n_label = 0;
    l->n = 0;
    l->held = 0;
    while (!done && gr__units_next(u, &unit)) {
        bool feed = unit == '\n';
        if (unit == GR__UNIT_BROKEN && !l->broken) l->first_broken = u->broken;
        if (feed && !c->o->whole) {
            l->ended++;
            l->held = 0;
            done = l->any;
        } else if (feed && l->held == RETURN) {
            l->held |= FEED;
        } else {
            add_held(l, labelled, chars);
            if (feed || unit == '\r')
                l->held = feed ? FEED : RETURN;
            else
                add(l, labelled, chars, unit);
        }
    }
    return l->any && u->st == GR_OK;
}

/* ---- labels ---- */

static gr_status wrong_line(const gr__corpus *c, const gr__units *u, const line *l, const char *what)
{
    return gr__fail(c->ctx, GR_E_DATA, "\"%s\": line %llu %s", u->name, (unsigned long long)l->number, what);
}

static gr_status check_line(const gr__corpus *c, const gr__units *u, const line *l, gr_fault_kind *kind)
{
    size_t at;
    *kind = GR_FAULT_UNDECODABLE;
    if (l->broken) return gr__units_broken(u, l->first_broken);
    if (c->o->raw) return GR_OK;
    *kind = GR_FAULT_NO_LABEL;
    if (!l->tab) {
        gr_status st = wrong_line(c, u, l, "has no tab between a label and a text");
        gr__error_hint(c->ctx, "lines are `label<TAB>text`; running text is read without `labels`");
        return st;
    }
    if (l->n_label == 0) return wrong_line(c, u, l, "has no label before the tab");
    *kind = GR_FAULT_UNDECODABLE;
    if (l->n_label > LABEL_BYTES) return wrong_line(c, u, l, "has a label of more than 1000 bytes");
    if (!gr__is_text(l->label, l->n_label, &at)) return wrong_line(c, u, l, "has a label that is no UTF-8 text");
    *kind = GR_FAULT_SHAPE;
    return l->n > 0 ? GR_OK : wrong_line(c, u, l, "has no text after the tab");
}

/* After the failure st of a row, whether it is let through. */
static gr_status let(const gr__corpus *c, gr_fault_kind kind, int64_t row, gr_status st)
{
    if (st != GR_E_DATA && st != GR_E_FORMAT) return st;
    return gr__fault_let(c->o->faults, kind, row, c->ctx) ? GR_OK : st;
}

/* *sound: it is a sample, and neither left out nor let through. */
static gr_status look_at(const gr__corpus *c, const gr__units *u, const line *l, int64_t row, bool *sound)
{
    gr_fault_kind kind;
    *sound = !gr__row_is_out(c->o->faults, row);
    if (!*sound) return GR_OK;
    gr_status st = check_line(c, u, l, &kind);
    *sound = st == GR_OK;
    return let(c, kind, row, st);
}

static bool is_known(const gr__corpus *c, const line *l, gr_status *st)
{
    const gr__cell f = {.s = l->label, .n = l->n_label};
    int32_t seen = -1;
    if (l->tab && l->n_label <= LABEL_BYTES) *st = gr__labels_find(&c->table, &c->labels, &f, &seen);
    return seen >= 0;
}

/* The class of a line, in the order of first sight until all are known. */
static gr_status take_label(gr__corpus *c, const gr__units *u, const line *l, int32_t *out)
{
    const gr__cell f = {.s = l->label, .n = l->n_label};
    if (!c->known) return gr__labels_add(&c->table, &c->labels, &f, out);
    gr_status st = gr__labels_find(&c->table, &c->labels, &f, out);
    if (st != GR_OK || *out >= 0) return st;
    const gr_schema_target *like = gr__schema_target(c->o->like, c->o->target, true);
    char label[80], first[80], last[80];
    const char *a = like->class_names[0], *b = like->class_names[like->n_class_names - 1];
    st = gr__fail(c->ctx, GR_E_DATA, "\"%s\": line %llu: \"%s\" is none of the classes of training", u->name,
                  (unsigned long long)l->number, gr__shown(label, sizeof label, l->label, l->n_label));
    gr__error_hint(c->ctx, "there are %d, from \"%s\" to \"%s\"", like->n_class_names,
                   gr__shown(first, sizeof first, a, strlen(a)), gr__shown(last, sizeof last, b, strlen(b)));
    return st;
}

/* ---- the two readings ---- */

static gr_status begin(const gr__corpus *c, line *l)
{
    *l = (line){.room = c->o->length};
    l->unit = gr__alloc(c->ctx, (size_t)l->room * sizeof *l->unit);
    return l->unit ? GR_OK : GR_E_MEMORY;
}

static void end(const gr__corpus *c, line *l)
{
    gr__free(c->ctx, l->unit, (size_t)l->room * sizeof *l->unit);
}

static gr_status count_line(gr__corpus *c, const gr__units *u, const line *l)
{
    bool sound;
    gr_status st = look_at(c, u, l, c->rows, &sound);
    if (c->o->raw && c->labelled) c->labelled = is_known(c, l, &st) && l->n > 0;
    for (int64_t i = 0; i < GR_MIN(l->n, l->room) && st == GR_OK && sound && c->o->chars && !c->alphabet.symbol; i++)
        st = gr__alphabet_count(&c->alphabet, l->unit[i]);
    c->rows++;
    return st;
}

gr_status gr__lines_count(gr__corpus *c, const gr__blob *b)
{
    gr__units u;
    line l;
    int64_t before = c->rows;
    gr_status st = begin(c, &l);
    if (st != GR_OK) return st;
    gr__units_open(&u, b, c->o->chars, true);
    while (u.st == GR_OK && next_line(c, &u, c->labelled, &l)) u.st = count_line(c, &u, &l);
    st = u.st;
    gr__units_close(&u);
    end(c, &l);
    if (st == GR_OK && c->rows == before) st = gr__fail(c->ctx, GR_E_DATA, "\"%s\" holds no text", b->name);
    return st;
}

/* A row that is in no part is of no class, and one padding long. */
static gr_status fill_line(gr__corpus *c, const gr__units *u, const line *l, gr_set *s, int64_t row)
{
    int32_t *x = (int32_t *)s->field[0].data + row * l->room, *length = s->field[gr__set_fields(s) - 1].data;
    int32_t none, *y = s->n_targets ? (int32_t *)s->field[1].data + row : &none;
    int64_t n = GR_MIN(l->n, l->room);
    bool sound;
    gr_status st = look_at(c, u, l, row, &sound);
    if (st == GR_OK && sound && s->n_targets) {
        st = take_label(c, u, l, y);
        sound = st == GR_OK;
        st = let(c, GR_FAULT_LABEL_RANGE, row, st);
    }
    for (int64_t i = 0; i < n && st == GR_OK && sound; i++) {
        st = gr__corpus_index(c, u, l->unit[i], &x[i]);
        sound = st == GR_OK;
        st = let(c, GR_FAULT_UNDECODABLE, row, st);
    }
    if (!sound) *y = -1;
    length[row] = sound ? (int32_t)n : 1;
    return st;
}

gr_status gr__lines_fill(gr__corpus *c, const gr__blob *b, gr_set *s, int64_t *row)
{
    gr__units u;
    line l;
    gr_status st = begin(c, &l);
    if (st != GR_OK) return st;
    gr__units_open(&u, b, c->o->chars, true);
    while (u.st == GR_OK && next_line(c, &u, c->labelled, &l) && *row < s->n) {
        if (c->line) c->line[*row] = l.number;
        u.st = fill_line(c, &u, &l, s, *row);
        ++*row;
    }
    st = u.st;
    gr__units_close(&u);
    end(c, &l);
    return st;
}
