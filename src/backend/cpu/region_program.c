/* From expressions to a tile program: scheduling for one accumulator.
 *
 * An operand is addressable when it stands in memory or is one value; other operands are computed into the accumulator,
 * and all but one of a node's are put into slots first. A result that is written out is read again where it was
 * written; one that is needed more than once goes to a slot. */
#include <string.h>

#include "backend/cpu/region.h"

typedef struct writer {
    gr_context *ctx;
    const gr_item *item;
    const gr__exprs *x;
    gr__mode mode;
    gr__program *p;
    int capacity;
    int current;                       /* the node in the accumulator, -1: none */
    gr__ref at[GR__REGION_NODES];      /* where a node's result stands in memory */
    int left[GR__REGION_NODES];        /* uses to come */
    bool reduced[GR__REGION_NODES];    /* NARROW: its rows are, so it stands in memory */
    gr__ref copy[GR__REGION_OPERANDS]; /* where inputs that are read beforehand stand then */
    bool taken[GR__REGION_SLOTS];
    gr__pass pass[GR__REGION_NODES];
    gr__reduction reduction[GR__REGION_NODES];
    gr__hazard hazard[GR__REGION_HAZARDS];
    bool failed;
} writer;

/* ---- instructions ---- */

static void put(writer *w, gr__tile_op op, gr__ref a, gr__ref b)
{
    if (w->p->n_steps == w->capacity) {
        w->failed = true;
        return;
    }
    w->p->step[w->p->n_steps++] = (gr__step){op, {a, b}, false};
}

static const gr__ref none = {.kind = GR__REF_NONE};

static gr__ref take_slot(writer *w)
{
    for (int i = 0; i < GR__REGION_SLOTS; i++)
        if (!w->taken[i]) {
            w->taken[i] = true;
            if (i >= w->p->n_slots) w->p->n_slots = i + 1;
            return (gr__ref){.kind = GR__REF_SLOT, .index = i};
        }
    w->failed = true;
    return none;
}

static gr__ref take_kept(writer *w)
{
    return (gr__ref){.kind = GR__REF_KEPT, .index = w->p->n_kept++};
}

static gr__ref take_line(writer *w)
{
    return (gr__ref){.kind = GR__REF_LINE, .index = w->p->n_lines++};
}

/* ---- operands ---- */

/* The memory or value of an operand, or none if it must go through the accumulator. */
static gr__ref address(const writer *w, const gr__arg *a)
{
    gr__ref r = {.index = a->index, .dtype = a->dtype};
    bool wide = w->mode == GR__WIDE, flat = w->mode == GR__FLAT;
    switch (a->source) {
    case GR__FROM_NODE:
        return w->at[a->index];
    case GR__FROM_LINE:
        r.kind = wide ? GR__REF_LINE_VALUE : GR__REF_NONE;
        r.index = w->at[a->index].index;
        break;
    case GR__FROM_FULL:
        r.kind = a->dtype == GR_U8 ? GR__REF_NONE : GR__REF_IN;
        break;
    case GR__FROM_ROW:
        r.kind = wide ? GR__REF_ROW : flat ? GR__REF_ELEMENT : GR__REF_NONE;
        break;
    case GR__FROM_COLUMN:
        r.kind = flat ? GR__REF_IN : GR__REF_COLUMN;
        break;
    case GR__FROM_SCALAR:
        r.kind = GR__REF_SCALAR;
        break;
    case GR__FROM_CONST:
        r.kind = GR__REF_CONST;
        r.value.f = (float)a->value;
        break;
    case GR__FROM_ROW_INDEX:
        r.kind = wide ? GR__REF_ROW_INDEX : flat ? GR__REF_CONST : GR__REF_NONE;
        break;
    case GR__FROM_COLUMN_INDEX:
        r.kind = GR__REF_NONE;
        break;
    }
    if (r.kind == GR__REF_IN && w->copy[a->index].kind != GR__REF_NONE) return w->copy[a->index];
    return r;
}

static bool is_addressable(const writer *w, const gr__arg *a)
{
    return address(w, a).kind != GR__REF_NONE;
}

/* One use of the operand is over. */
static void used(writer *w, const gr__arg *a)
{
    if (a->source != GR__FROM_NODE || --w->left[a->index] > 0) return;
    gr__ref at = w->at[a->index];
    if (at.kind == GR__REF_SLOT) w->taken[at.index] = false;
}

static void write_node(writer *w, int n);

static void load_outside(writer *w, const gr__arg *a)
{
    gr__ref r = address(w, a), in = {.index = a->index, .dtype = a->dtype};
    w->current = -1;
    if (gr__ref_in_memory(r)) {
        put(w, GR__T_ld_m, r, none);
    } else if (r.kind != GR__REF_NONE) {
        put(w, GR__T_ld_s, r, none);
    } else if (a->source == GR__FROM_FULL) {
        in.kind = GR__REF_BYTES;
        put(w, GR__T_ld_u8, in, none);
    } else if (a->source == GR__FROM_ROW) {
        in.kind = GR__REF_ROWS;
        put(w, GR__T_ld_row, in, none);
    } else if (a->source == GR__FROM_LINE) {
        in = (gr__ref){.kind = GR__REF_LINE_ROWS, .index = w->at[a->index].index};
        put(w, GR__T_ld_row, in, none);
    } else if (a->source == GR__FROM_ROW_INDEX) {
        put(w, GR__T_iota_row, none, none);
    } else {
        put(w, w->mode == GR__FLAT ? GR__T_iota_i : w->mode == GR__WIDE ? GR__T_iota_j : GR__T_iota_column, none, none);
    }
}

/* Brings an operand into the accumulator. */
static void load(writer *w, const gr__arg *a)
{
    if (a->source != GR__FROM_NODE) {
        load_outside(w, a);
    } else if (w->current != a->index) {
        if (w->at[a->index].kind != GR__REF_NONE)
            put(w, GR__T_ld_m, w->at[a->index], none);
        else
            write_node(w, a->index);
        w->current = a->index;
    }
}

/* Makes an operand addressable. Returns its address; a slot of a value from outside is given back with *own. */
static gr__ref settle(writer *w, const gr__arg *a, bool *own)
{
    gr__ref r = address(w, a);
    *own = false;
    if (r.kind != GR__REF_NONE) return r;
    load(w, a);
    r = address(w, a); /* written out, or kept because it is used more than once */
    if (r.kind != GR__REF_NONE) return r;
    r = take_slot(w);
    put(w, GR__T_st, r, none);
    if (a->source == GR__FROM_NODE)
        w->at[a->index] = r;
    else
        *own = true;
    return r;
}

static void release(writer *w, const gr__arg *a, gr__ref r, bool own)
{
    if (own) w->taken[r.index] = false;
    used(w, a);
}

/* ---- nodes ---- */

/* Instructions that are still to be written before the operand is there. */
static int weight(const writer *w, const gr__arg *a)
{
    if (is_addressable(w, a)) return 0;
    if (a->source != GR__FROM_NODE) return 1;
    const gr__expr *e = &w->x->expr[a->index];
    int sum = 1;
    for (int i = 0; i < e->n_arg; i++) sum += weight(w, &e->arg[i]);
    return sum;
}

/* Does the operand begin with what the accumulator holds? */
static bool holds(const writer *w, const gr__arg *a)
{
    if (a->source != GR__FROM_NODE || w->current < 0) return false;
    if (a->index == w->current) return true;
    if (w->at[a->index].kind != GR__REF_NONE) return false;
    const gr__expr *e = &w->x->expr[a->index];
    for (int i = 0; i < e->n_arg; i++)
        if (holds(w, &e->arg[i])) return true;
    return false;
}

static const gr__tile_op no_instruction = GR__T_COUNT;

/* The forms with an operand in memory, as it stands and exchanged; the scalar form follows each. */
typedef struct binary {
    gr__tile_op m, r;
} binary;

static binary binary_of(gr_opcode code, bool integers)
{
    switch (code) {
    case GR_OP_ADD:
        return (binary){GR__T_add_m, GR__T_add_m};
    case GR_OP_SUB:
        return (binary){GR__T_sub_m, GR__T_rsub_m};
    case GR_OP_MUL:
        return (binary){GR__T_mul_m, GR__T_mul_m};
    case GR_OP_DIV:
        return (binary){GR__T_div_m, GR__T_rdiv_m};
    case GR_OP_MAX:
        return (binary){GR__T_max_m, GR__T_rmax_m};
    case GR_OP_MIN:
        return (binary){GR__T_min_m, GR__T_rmin_m};
    case GR_OP_LESS:
        return integers ? (binary){GR__T_ilt_m, GR__T_irlt_m} : (binary){GR__T_lt_m, GR__T_rlt_m};
    case GR_OP_LESS_EQUAL:
        return integers ? (binary){GR__T_ile_m, GR__T_irle_m} : (binary){GR__T_le_m, GR__T_rle_m};
    case GR_OP_EQUAL:
        return integers ? (binary){GR__T_ieq_m, GR__T_ieq_m} : (binary){GR__T_eq_m, GR__T_eq_m};
    default:
        return (binary){no_instruction, no_instruction};
    }
}

static gr__tile_op unary_of(gr_opcode code)
{
    switch (code) {
    case GR_OP_NEG:
        return GR__T_neg;
    case GR_OP_ABS:
        return GR__T_abs;
    case GR_OP_SIGN:
        return GR__T_sign;
    case GR_OP_FLOOR:
        return GR__T_floor;
    case GR_OP_EXP:
        return GR__T_exp;
    case GR_OP_LOG:
        return GR__T_log;
    case GR_OP_LOG1P:
        return GR__T_log1p;
    case GR_OP_SQRT:
        return GR__T_sqrt;
    case GR_OP_SQUARE:
        return GR__T_square;
    case GR_OP_RECIP:
        return GR__T_recip;
    case GR_OP_TANH:
        return GR__T_tanh;
    case GR_OP_SIGMOID:
        return GR__T_sigmoid;
    case GR_OP_RELU:
        return GR__T_relu;
    case GR_OP_SIN:
        return GR__T_sin;
    case GR_OP_COS:
        return GR__T_cos;
    case GR_OP_ERF:
        return GR__T_erf;
    case GR_OP_REAL:
    case GR_OP_STOP:
        return GR__T_real;
    default:
        return no_instruction;
    }
}

bool gr__program_has(const gr_op *op)
{
    switch (op->n_in) {
    case 1:
        return unary_of(op->code) != no_instruction;
    case 2:
        return binary_of(op->code, false).m != no_instruction;
    default:
        return op->code == GR_OP_MULADD || op->code == GR_OP_SELECT;
    }
}

static void write_binary(writer *w, const gr__expr *e)
{
    const gr__arg *a = &e->arg[0], *b = &e->arg[1];
    binary op = binary_of(e->code, a->dtype != GR_REAL);
    bool exchanged;
    if (is_addressable(w, a) && is_addressable(w, b))
        exchanged = !holds(w, a) && (holds(w, b) || !gr__ref_in_memory(address(w, a)));
    else if (is_addressable(w, a) || is_addressable(w, b))
        exchanged = is_addressable(w, a);
    else
        exchanged =
            holds(w, a) || (!holds(w, b) && weight(w, a) > weight(w, b)); /* the first to be computed goes to a slot */
    const gr__arg *stays = exchanged ? b : a, *other = exchanged ? a : b;
    bool own;
    gr__ref r = settle(w, other, &own);
    load(w, stays);
    put(w, (gr__tile_op)((exchanged ? op.r : op.m) + !gr__ref_in_memory(r)), r, none);
    release(w, other, r, own);
    used(w, stays);
}

/* Which of three operands the accumulator holds when the instruction runs: the lightest that has no address; else what
 * it holds already. */
static int choose_stay(const writer *w, const gr__expr *e)
{
    int best = -1;
    for (int i = 0; i < 3; i++)
        if (!is_addressable(w, &e->arg[i]) && (best < 0 || weight(w, &e->arg[i]) < weight(w, &e->arg[best]))) best = i;
    for (int i = 0; i < 3 && best < 0; i++)
        if (holds(w, &e->arg[i])) best = i;
    for (int i = 0; i < 3 && best < 0; i++)
        if (gr__ref_in_memory(address(w, &e->arg[i]))) best = i;
    return best < 0 ? 0 : best;
}

/* The forms are _mm, _ms, _sm, _ss in this order, as far as they exist. */
static gr__tile_op form(gr__tile_op mm, gr__ref a, gr__ref b)
{
    return (gr__tile_op)(mm + 2 * !gr__ref_in_memory(a) + !gr__ref_in_memory(b));
}

static void write_ternary(writer *w, const gr__expr *e)
{
    static const int others[3][2] = {{1, 2}, {0, 2}, {0, 1}};
    int stay = choose_stay(w, e), x = others[stay][0], y = others[stay][1];
    bool product = e->code == GR_OP_MULADD, own[3] = {false};
    gr__ref r[3];
    /* what the accumulator holds before all, then the heavier, so that fewer slots are taken */
    bool swap = !holds(w, &e->arg[x]) && (holds(w, &e->arg[y]) || weight(w, &e->arg[y]) > weight(w, &e->arg[x]));
    int first = swap ? y : x, second = swap ? x : y;
    r[first] = settle(w, &e->arg[first], &own[first]);
    r[second] = settle(w, &e->arg[second], &own[second]);
    /* addm, sela and selb have no form whose first operand is a scalar: factors change places, and a scalar factor or
     * condition goes to the accumulator */
    if (product ? stay == 2 && !gr__ref_in_memory(r[0]) && !gr__ref_in_memory(r[1])
                : stay != 0 && !gr__ref_in_memory(r[0])) {
        r[stay] = settle(w, &e->arg[stay], &own[stay]);
        stay = 0, x = 1, y = 2;
    }
    load(w, &e->arg[stay]);
    if (product && stay == 2 && !gr__ref_in_memory(r[0])) x = 1, y = 0;
    static const gr__tile_op products[] = {GR__T_madd_mm, GR__T_madd_mm, GR__T_addm_mm},
                             choices[] = {GR__T_selc_mm, GR__T_sela_mm, GR__T_selb_mm};
    gr__tile_op mm = (product ? products : choices)[stay];
    put(w, form(mm, r[x], r[y]), r[x], r[y]);
    for (int i = 0; i < 3; i++) {
        if (own[i]) w->taken[r[i].index] = false;
        used(w, &e->arg[i]);
    }
}

/* Writes what the accumulator holds of node n to where others read it. */
static void keep(writer *w, int n)
{
    const gr__expr *e = &w->x->expr[n];
    bool later = e->last > e->pass;
    gr__ref to = none;
    if (e->out >= 0) {
        w->at[n] = (gr__ref){.kind = GR__REF_OUT, .index = e->out};
        put(w, GR__T_st, w->at[n], none);
    }
    if (e->line && later)
        to = take_line(w);
    else if (e->out < 0 && (later || w->reduced[n]))
        to = take_kept(w);
    else if (e->out < 0 && w->left[n] > 1)
        to = take_slot(w);
    if (to.kind == GR__REF_NONE) return;
    w->at[n] = to;
    put(w, GR__T_st, to, none);
}

/* Computes node n into the accumulator, writes it out, keeps it if it is used again. */
static void write_node(writer *w, int n)
{
    const gr__expr *e = &w->x->expr[n];
    if (w->failed) return;
    if (e->n_arg == 1) {
        load(w, &e->arg[0]);
        if (e->code != GR_OP_STOP) put(w, unary_of(e->code), none, none);
        used(w, &e->arg[0]);
    } else if (e->n_arg == 2) {
        write_binary(w, e);
    } else {
        write_ternary(w, e);
    }
    w->current = n;
    keep(w, n);
}

/* ---- reductions ---- */

/* Where the elements of narrow rows stand in memory for their reduction. */
static gr__ref settle_rows(writer *w, const gr__arg *a)
{
    if (a->source == GR__FROM_NODE && w->at[a->index].kind == GR__REF_NONE) write_node(w, a->index);
    gr__ref r = address(w, a);
    if (r.kind == GR__REF_KEPT || r.kind == GR__REF_OUT || r.kind == GR__REF_IN) return r;
    load(w, a);
    r = take_kept(w);
    put(w, GR__T_st, r, none);
    return r;
}

static void write_reduction(writer *w, int n)
{
    const gr__expr *e = &w->x->expr[n];
    gr__program *p = w->p;
    gr__reduction *q = &p->reduction[p->n_reductions];
    *q = (gr__reduction){.max = e->code == GR_OP_REDUCE_MAX,
                         .to_double = e->reach == GR__TO_ALL,
                         .reach = e->reach,
                         .out = e->out,
                         .line = -1,
                         .factor = e->factor};
    if (w->mode == GR__FLAT && e->reach == GR__TO_ROWS) q->reach = GR__TO_ALL; /* the one row */
    if (w->mode == GR__FLAT && e->reach == GR__TO_COLUMNS) {                   /* a column of one element each */
        load(w, &e->arg[0]);
        put(w, GR__T_st, (gr__ref){.kind = GR__REF_OUT, .index = e->out}, none);
        used(w, &e->arg[0]);
        return;
    }
    if (e->uses > 0) {
        w->at[n] = take_line(w);
        q->line = w->at[n].index;
    }
    if (q->reach == GR__TO_COLUMNS) q->column = p->n_columns++;
    if (q->reach == GR__TO_ROWS && w->mode == GR__NARROW) {
        q->from = settle_rows(w, &e->arg[0]);
        p->n_reductions++;
    } else {
        load(w, &e->arg[0]);
        gr__tile_op op = q->reach == GR__TO_COLUMNS ? (q->max ? GR__T_col_max : GR__T_col_sum)
                         : q->max                   ? GR__T_red_max
                         : e->code == GR_OP_SUM     ? GR__T_red_sum
                                                    : GR__T_red_squares;
        put(w, op, (gr__ref){.kind = GR__REF_SUM, .index = p->n_reductions++}, none);
    }
    used(w, &e->arg[0]);
}

/* ---- programs ---- */

static void read_all(writer *w)
{
    bool seen[GR__REGION_OPERANDS] = {false};
    for (int n = 0; n < w->x->n; n++)
        for (int i = 0; i < w->x->expr[n].n_arg; i++) {
            const gr__arg *a = &w->x->expr[n].arg[i];
            bool full = a->source == GR__FROM_FULL || (a->source == GR__FROM_COLUMN && w->mode == GR__FLAT);
            if (!full || w->x->expr[n].line || a->dtype == GR_U8 || seen[a->index]) continue;
            seen[a->index] = true;
            gr__ref to = w->x->lines ? take_kept(w) : take_slot(w); /* all passes read it */
            put(w, GR__T_ld_m, (gr__ref){.kind = GR__REF_IN, .index = a->index, .dtype = a->dtype}, none);
            put(w, GR__T_st, to, none);
            w->copy[a->index] = to;
        }
}

/* Is it computed for its own sake, not only where others read it? */
static bool is_root(const gr__expr *e)
{
    return e->out >= 0 || e->reach != GR__TO_ELEMENTS || (e->line && e->last > e->pass);
}

/* The interface gives regions with sums to rank 0 one row, and those with sums to columns more. */
static bool fits_rows(const writer *w, const gr__expr *e)
{
    bool one = w->item->space[0].rows == 1;
    return e->reach == GR__TO_ROWS || (e->reach == GR__TO_ALL) == one;
}

static void write_roots(writer *w, int pass)
{
    const gr__exprs *x = w->x;
    for (int n = 0; n < x->n; n++) {
        const gr__expr *e = &x->expr[n];
        if (e->pass == pass && e->reach == GR__TO_ELEMENTS && e->out >= 0 && e->uses == 0) write_node(w, n);
    }
    for (int n = 0; n < x->n; n++) {
        const gr__expr *e = &x->expr[n];
        if (e->pass != pass || !is_root(e)) continue;
        if (e->reach == GR__TO_ELEMENTS) {
            if (w->at[n].kind == GR__REF_NONE) write_node(w, n);
        } else if (w->mode != GR__FLAT && !fits_rows(w, e)) {
            w->failed = true;
        } else {
            write_reduction(w, n);
        }
    }
}

static void write_passes(writer *w, bool copies)
{
    gr__program *p = w->p;
    int last = 0;
    for (int n = 0; n < w->x->n; n++) last = GR_MAX(last, w->x->expr[n].pass);
    for (int pass = 0; pass <= last; pass++) {
        bool any = false;
        for (int n = 0; n < w->x->n; n++) any |= w->x->expr[n].pass == pass && is_root(&w->x->expr[n]);
        if (!any) continue;
        gr__pass *to = &w->pass[p->n_passes++];
        *to = (gr__pass){.line = pass % 2 == 0, .first = p->n_steps, .first_reduction = p->n_reductions};
        w->current = -1;
        if (copies && !to->line) {
            read_all(w);
            copies = false;
        }
        write_roots(w, pass);
        p->step[p->n_steps++] = (gr__step){.op = GR__T_end};
        to->n = p->n_steps - to->first;
        to->n_reductions = p->n_reductions - to->first_reduction;
    }
}

gr_status gr__program_write(gr_context *ctx, const gr_item *item, const gr__exprs *x, const gr__tile_set *set,
                            gr__mode mode, bool copies, gr__program *p)
{
    gr_status st = GR_OK;
    gr__step *steps = gr__alloc(ctx, GR__REGION_INS * sizeof *steps);
    if (!steps) return gr__error_code(ctx);
    writer w = {.ctx = ctx,
                .item = item,
                .x = x,
                .mode = mode,
                .p = p,
                .capacity = GR__REGION_INS - GR__REGION_NODES, /* each pass ends */
                .current = -1};
    *p = (gr__program){.step = steps, .pass = w.pass, .reduction = w.reduction, .hazard = w.hazard};
    for (int n = 0; n < x->n; n++) {
        w.left[n] = x->expr[n].uses;
        const gr__arg *a = &x->expr[n].arg[0];
        if (mode == GR__NARROW && x->expr[n].reach == GR__TO_ROWS && a->source == GR__FROM_NODE)
            w.reduced[a->index] = true;
    }
    write_passes(&w, copies);
    if (w.failed) {
        *p = (gr__program){.step = NULL};
        st = gr__fail(ctx, GR_E_INTERNAL, "a region of %d nodes does not fit a tile program", item->n_nodes);
    } else {
        st = gr__program_link(ctx, item, set, mode, copies, p);
    }
    gr__free(ctx, steps, GR__REGION_INS * sizeof *steps);
    return st;
}
