/* Members of families: checking what a recipe gives against the rows of a member. */
#include "base/member.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* ---- ranges ---- */

/* The number from s up to one of `ends`; moves s there. */
static bool bound(const char **s, const char *ends, double *out)
{
    while (**s == ' ') ++*s;
    size_t n = strcspn(*s, ends);
    char text[64];
    if (n >= sizeof text) return false;
    memcpy(text, *s, n);
    text[n] = '\0';
    *s += n;
    return gr__parse_number(text, out);
}

bool gr__in_range(double x, const char *range)
{
    if (isnan(x)) return false;
    const char open = *range++;
    if (!open) return true;
    if (open == '{') {
        while (*range) {
            double member;
            bool ok = bound(&range, ",}", &member);
            assert(ok && "a set is {1,2,4}");
            if (ok && member == x) return true;
            if (*range) range++;
        }
        return false;
    }
    double low = 0, high = 0;
    bool ok = (open == '[' || open == '(') && bound(&range, ",", &low) && *range++ == ',' &&
              bound(&range, ")]", &high) && *range;
    assert(ok && "an interval is [0,1) or (0,inf)");
    return ok && (x > low || (x == low && open == '[')) && (x < high || (x == high && *range == ']'));
}

/* "[0,1)" as messages show it: "[0, 1)". */
static const char *show_range(const char *range, char *buffer, size_t n)
{
    size_t used = 0;
    for (; *range && used + 3 < n; range++) {
        buffer[used++] = *range;
        if (*range == ',' && range[1] != ' ') buffer[used++] = ' ';
    }
    buffer[used] = '\0';
    return buffer;
}

/* ---- names ---- */

/* Joins names with ", " into a buffer; ends with "..." when they do not fit. */
static const char *join(char *buffer, size_t n, const char *const *names, size_t n_names)
{
    size_t used = 0;
    buffer[0] = '\0';
    for (size_t i = 0; i < n_names; i++) {
        size_t length = strlen(names[i]);
        if (used + length + 8 > n) {
            memcpy(buffer + used, ", ...", 6);
            break;
        }
        if (used) {
            memcpy(buffer + used, ", ", 2);
            used += 2;
        }
        memcpy(buffer + used, names[i], length + 1);
        used += length;
    }
    return buffer;
}

void gr__hint_name(gr_context *ctx, const char *name, const char *const *names, size_t n)
{
    char list[400];
    const char *near = gr__nearest(name, names, n);
    if (near)
        gr__error_hint(ctx, "did you mean \"%s\"?", near);
    else if (gr__name_is_later(name))
        gr__error_hint(ctx, "it is not there yet in this version of gradus%s%s",
                       n == 0   ? ""
                       : n == 1 ? "; there is only "
                                : "; there are ",
                       join(list, sizeof list, names, n));
    else if (n)
        gr__error_hint(ctx, n == 1 ? "there is only %s" : "there are %s", join(list, sizeof list, names, n));
}

gr_status gr__member_find(gr_context *ctx, const char *family, const gr_member *const *members, int n, const char *name,
                          const gr_tree *at, const gr_member **out)
{
    for (int i = 0; i < n; i++) {
        if (strcmp(members[i]->name, name) == 0) {
            *out = members[i];
            return GR_OK;
        }
    }
    if (gr__error_code(ctx) != GR_OK) return GR_E_NAME;
    gr__tree_fail(ctx, at, GR_E_NAME, NULL, "unknown %s \"%s\"", family, name);
    size_t bytes = (size_t)n * sizeof(const char *);
    const char **names = gr__alloc(ctx, bytes);
    if (!names) return GR_E_NAME; /* the error stands; only its hint is lost */
    for (int i = 0; i < n; i++) names[i] = members[i]->name;
    bool near = gr__nearest(name, names, (size_t)n) != NULL || gr__name_is_later(name);
    const char *home = near ? NULL : gr__key_home(name, NULL); /* lookahead is no optimizer, warmup no schedule */
    if (home)
        gr__error_hint(ctx, "it stands elsewhere: %s", home);
    else
        gr__hint_name(ctx, name, names, (size_t)n);
    gr__free(ctx, names, bytes);
    return GR_E_NAME;
}

/* ---- checking one value ---- */

static bool is_scalar(const gr_tree *t)
{
    return t->kind != GR_TREE_NULL && t->kind != GR_TREE_LIST && t->kind != GR_TREE_MAP;
}

/* The next word of "torch|optax|paper"; NULL after the last. */
static const char *next_word(const char **words, size_t *n)
{
    if (!*words) return NULL;
    const char *word = *words;
    *n = strcspn(word, "|");
    *words = word[*n] ? word + *n + 1 : NULL;
    return word;
}

static bool in_words(const char *words, const char *text)
{
    size_t n;
    for (const char *w; (w = next_word(&words, &n));) {
        if (strlen(text) == n && memcmp(w, text, n) == 0) return true;
    }
    return false;
}

static gr_status wrong_type(gr_context *ctx, const gr_row *row, const gr_tree *t, const char *what)
{
    char shown[200], hint[300];
    snprintf(hint, sizeof hint, "%s: %s", row->name, row->help);
    return gr__tree_fail(ctx, t, GR_E_TYPE, hint, "%s is not %s", gr__tree_show(t, shown, sizeof shown), what);
}

static gr_status out_of_range(gr_context *ctx, const gr_row *row, const gr_tree *t)
{
    char shown[200], range[128], hint[300];
    const char *unit = row->unit && row->unit[0] && strcmp(row->unit, "1") != 0 ? row->unit : NULL;
    snprintf(hint, sizeof hint, unit ? "%s: %s, in %s" : "%s: %s", row->name, row->help, unit);
    return gr__tree_fail(ctx, t, GR_E_RANGE, hint, "%s is not in %s", gr__tree_show(t, shown, sizeof shown),
                         show_range(row->range, range, sizeof range));
}

static gr_status check_number(gr_context *ctx, const gr_row *row, const gr_tree *t, bool must_be_whole)
{
    int64_t whole;
    bool number = gr__tree_is_number(t);
    if (!number || isnan(t->number)) return wrong_type(ctx, row, t, must_be_whole ? "a whole number" : "a number");
    bool fits = !must_be_whole || gr__tree_int(t, &whole);
    if (!fits && t->number != floor(t->number)) return wrong_type(ctx, row, t, "a whole number");
    if (!gr__in_range(t->number, row->range)) return out_of_range(ctx, row, t);
    if (!fits) return wrong_type(ctx, row, t, "a whole number of 64 bits");
    return GR_OK;
}

static gr_status check_choice(gr_context *ctx, const gr_row *row, const gr_tree *t)
{
    const char *given = t->kind == GR_TREE_NULL ? "none" : t->text;
    if (given && in_words(row->range, given)) return GR_OK;
    char words[400], shown[200], list[400];
    const char *names[32];
    size_t n = 0, used = 0, length;
    const char *rest = row->range;
    for (const char *w; n < GR_COUNT(names) && (w = next_word(&rest, &length)) && used + length < sizeof words;
         used += length + 1) {
        memcpy(words + used, w, length);
        words[used + length] = '\0';
        names[n++] = words + used;
    }
    if (gr__error_code(ctx) != GR_OK) return GR_E_NAME;
    gr_status st = gr__tree_fail(ctx, t, is_scalar(t) ? GR_E_NAME : GR_E_TYPE, NULL, "%s is not one of %s",
                                 gr__tree_show(t, shown, sizeof shown), join(list, sizeof list, names, n));
    bool later = is_scalar(t) && gr__name_is_later(given); /* CUDA, though cuda is a word that may stand here */
    const char *near = is_scalar(t) && !later ? gr__nearest(given, names, n) : NULL;
    if (near)
        gr__error_hint(ctx, "did you mean \"%s\"?", near);
    else if (later)
        gr__error_hint(ctx, "it is not there yet in this version of gradus; %s: %s", row->name, row->help);
    else
        gr__error_hint(ctx, "%s: %s", row->name, row->help);
    return st;
}

static gr_status check_axes(gr_context *ctx, const gr_row *row, const gr_tree *t)
{
    if (t->kind != GR_TREE_LIST)
        return is_scalar(t) ? check_number(ctx, row, t, true)
                            : wrong_type(ctx, row, t, "a whole number or a list of them");
    if (t->n == 0) return gr__tree_fail(ctx, t, GR_E_TYPE, NULL, "an empty list is not a whole number an axis");
    gr_status st = GR_OK;
    for (int i = 0; i < t->n && st == GR_OK; i++) st = check_number(ctx, row, t->child[i], true);
    return st;
}

static gr_status check_value(gr_context *ctx, const gr_row *row, const gr_tree *t)
{
    switch (row->kind) {
    case GR_ROW_REAL:
        return check_number(ctx, row, t, false);
    case GR_ROW_INT:
        return check_number(ctx, row, t, true);
    case GR_ROW_BOOL:
        return t->kind == GR_TREE_BOOL ? GR_OK : wrong_type(ctx, row, t, "true or false");
    case GR_ROW_TEXT:
        return is_scalar(t) ? GR_OK : wrong_type(ctx, row, t, "text");
    case GR_ROW_PATH:
        return is_scalar(t) && t->text[0] ? GR_OK : wrong_type(ctx, row, t, "a file or folder");
    case GR_ROW_CHOICE:
        return check_choice(ctx, row, t);
    case GR_ROW_AXES:
        return check_axes(ctx, row, t);
    case GR_ROW_TREE:
        return GR_OK;
    }
    return GR_OK;
}

/* ---- checking a member ---- */

static gr_status unknown_key(gr_context *ctx, const gr_member *m, const gr_tree *tree, int i, const char *const *also)
{
    char section[256];
    size_t n = 0, n_also = 0;
    while (also && also[n_also]) n_also++;
    size_t bytes = ((size_t)m->n_rows + n_also) * sizeof(const char *);
    gr__tree_fail(ctx, tree->child[i], GR_E_KEY, NULL, "unknown key \"%s\"", tree->key[i]);
    const char **names = gr__alloc(ctx, bytes);
    if (!names) return GR_E_KEY;
    for (int r = 0; r < m->n_rows; r++) names[n++] = m->rows[r].name;
    for (size_t k = 0; k < n_also; k++) names[n++] = also[k];
    const char *home = gr__key_home(tree->key[i], gr__tree_path(tree, section, sizeof section));
    if (n && home && !gr__synonym(tree->key[i], names, n) && !gr__nearest(tree->key[i], names, n))
        gr__error_hint(ctx, "it stands elsewhere: %s", home);
    else if (n)
        gr__hint_name(ctx, tree->key[i], names, n);
    else
        gr__error_hint(ctx, "%s has no settings", m->name);
    gr__free(ctx, names, bytes);
    return GR_E_KEY;
}

static int find_row(const gr_member *m, const char *name)
{
    for (int i = 0; i < m->n_rows; i++) {
        if (strcmp(m->rows[i].name, name) == 0) return i;
    }
    return -1;
}

const gr_row *gr__member_row(const gr_member *m, const char *row)
{
    int i = find_row(m, row);
    return i < 0 ? NULL : &m->rows[i];
}

bool gr__member_has(const gr_member *m, const char *row)
{
    return find_row(m, row) >= 0;
}

static gr_status check_keys(gr_context *ctx, const gr_member *m, const gr_tree *tree, const char *const *also)
{
    for (int i = 0; i < tree->n; i++) {
        bool known = strcmp(tree->key[i], "type") == 0 || find_row(m, tree->key[i]) >= 0;
        for (const char *const *a = also; a && *a && !known; a++) known = strcmp(*a, tree->key[i]) == 0;
        if (!known) return unknown_key(ctx, m, tree, i, also);
    }
    return GR_OK;
}

static gr_status missing(gr_context *ctx, const gr_member *m, const gr_row *row, const gr_tree *tree)
{
    if (gr__error_code(ctx) != GR_OK) return GR_E_MISSING;
    char path[200], key[300], range[128];
    gr__tree_path(tree, path, sizeof path);
    snprintf(key, sizeof key, "%s%s%s", path, path[0] ? "." : "", row->name);
    gr__fail(ctx, GR_E_MISSING, "%s needs \"%s\"", m->name, row->name);
    gr__error_place(ctx, tree ? tree->file : NULL, tree ? tree->line : 0, tree ? tree->column : 0, key);
    bool ranged = row->range && row->range[0] &&
                  (row->kind == GR_ROW_REAL || row->kind == GR_ROW_INT || row->kind == GR_ROW_AXES);
    gr__error_hint(ctx, ranged ? "%s: %s, in %s" : "%s: %s", row->name, row->help,
                   show_range(ranged ? row->range : "", range, sizeof range));
    return GR_E_MISSING;
}

const char *gr__row_default(const gr_row *row, gr_preset preset)
{
    if (preset == GR_PRESET_PAPER && row->paper) return row->paper;
    if (preset == GR_PRESET_TORCH && row->torch) return row->torch;
    return row->value;
}

/* "none" means absent, but for a CHOICE that has it among its words. */
static bool may_be_absent(const gr_row *row, const char *value)
{
    return value && strcmp(value, "none") == 0 && !(row->kind == GR_ROW_CHOICE && in_words(row->range, "none"));
}

static gr_status settle_row(gr_context *ctx, gr__bump *b, const gr_row *row, gr_preset preset, gr_settings *s, int i)
{
    const char *value = gr__row_default(row, preset);
    const gr_tree *t = s->tree && s->tree->kind == GR_TREE_MAP ? gr__tree_get(s->tree, row->name) : NULL;
    s->given[i] = t != NULL;
    bool optional = may_be_absent(row, row->value) || may_be_absent(row, row->paper) || may_be_absent(row, row->torch);
    if (t ? optional && gr__tree_none(t) : may_be_absent(row, value)) return GR_OK;
    if (!t && !value) return missing(ctx, s->member, row, s->tree);
    if (!t) {
        bool verbatim = row->kind == GR_ROW_TEXT || row->kind == GR_ROW_PATH;
        t = verbatim ? gr__tree_text(b, value) : gr__tree_flow(b, value);
        if (!t) return gr__error_code(ctx);
    }
    bool words = row->kind == GR_ROW_TEXT || row->kind == GR_ROW_PATH || row->kind == GR_ROW_CHOICE;
    if (!words) gr__tree_unquote(t, row->kind == GR_ROW_BOOL);
    s->value[i] = t;
    return check_value(ctx, row, t);
}

static const char absent[] = ": none";

/* Does row i do nothing beside what another one has? */
static bool is_idle(const gr_settings *s, int i)
{
    const char *idle = s->member->rows[i].idle, *value = idle ? strstr(idle, ": ") : NULL;
    if (!idle) return false;
    for (int r = 0; r < s->member->n_rows; r++) {
        size_t n = strlen(s->member->rows[r].name);
        const gr_tree *t = s->value[r];
        if (strncmp(idle, s->member->rows[r].name, n) != 0 || (idle[n] != '\0' && idle + n != value)) continue;
        if (!t || !value) return t ? !value : value && strcmp(value, absent) == 0;
        const char *is = t->kind != GR_TREE_BOOL ? t->text : t->truth ? "true" : "false";
        return is_scalar(t) && strcmp(is, value + 2) == 0;
    }
    assert(false && "what stands in `idle` is a row of the member");
    return false;
}

/* The row of this name of n characters. */
static const gr_row *row_of(const gr_member *m, const char *name, size_t n)
{
    for (int i = 0; i < m->n_rows; i++)
        if (strlen(m->rows[i].name) == n && strncmp(m->rows[i].name, name, n) == 0) return &m->rows[i];
    return NULL;
}

static gr_status refuse_idle(gr_context *ctx, const gr_settings *s)
{
    for (int i = 0; i < s->member->n_rows; i++) {
        const gr_row *row = &s->member->rows[i];
        char hint[300];
        if (!s->given[i] || !s->value[i] || !is_idle(s, i)) continue;
        size_t n = strlen(row->idle), k = sizeof absent - 1;
        const gr_row *other =
            n > k && strcmp(row->idle + n - k, absent) == 0 ? row_of(s->member, row->idle, n - k) : NULL;
        if (other && !s->value[other - s->member->rows])
            return gr__tree_fail(ctx, s->value[i], GR_E_CONFLICT, row->help, "%s does nothing without %s", row->name,
                                 other->name);
        snprintf(hint, sizeof hint, "leave one of them out; %s: %s", row->name, row->help);
        return gr__tree_fail(ctx, s->value[i], GR_E_CONFLICT, hint, "%s does nothing beside %s", row->name, row->idle);
    }
    return GR_OK;
}

gr_status gr__settings_make(gr_context *ctx, gr__bump *b, const gr_member *m, const gr_tree *tree, gr_preset preset,
                            const char *const *also_allowed, gr_settings *out)
{
    gr_settings s = {.ctx = ctx, .member = m, .tree = tree};
    gr_status st = GR_OK;
    if (tree && tree->kind != GR_TREE_MAP && tree->kind != GR_TREE_TEXT) {
        char shown[200];
        return gr__tree_fail(ctx, tree, GR_E_TYPE, "write the name alone, or {type: name, ...}",
                             "%s is not settings of %s", gr__tree_show(tree, shown, sizeof shown), m->name);
    }
    s.value = gr__bump_alloc(b, (size_t)m->n_rows * sizeof *s.value);
    s.given = gr__bump_alloc(b, (size_t)m->n_rows * sizeof *s.given);
    if (!s.value || !s.given) return gr__error_code(ctx);
    if (tree && tree->kind == GR_TREE_MAP) st = check_keys(ctx, m, tree, also_allowed);
    for (int i = 0; i < m->n_rows && st == GR_OK; i++) st = settle_row(ctx, b, &m->rows[i], preset, &s, i);
    if (st == GR_OK) st = refuse_idle(ctx, &s);
    if (st == GR_OK) *out = s;
    return st;
}

static const char **row_names(gr__bump *b, const gr_member *m)
{
    const char **names = gr__bump_alloc(b, ((size_t)m->n_rows + 1) * sizeof *names);
    for (int i = 0; names && i < m->n_rows; i++) names[i] = m->rows[i].name;
    return names;
}

gr_status gr__settings_both(gr_context *ctx, gr__bump *b, const gr_member *m, const gr_member *common,
                            const gr_tree *tree, gr_preset preset, gr_settings *own, gr_settings *rest)
{
    const gr_tree *map = tree && tree->kind == GR_TREE_MAP ? tree : NULL;
    const char **own_names = row_names(b, m), **common_names = row_names(b, common);
    if (!own_names || !common_names) return gr__error_code(ctx);
    gr_status st = gr__settings_make(ctx, b, m, tree, preset, common_names, own);
    return st == GR_OK ? gr__settings_make(ctx, b, common, map, preset, own_names, rest) : st;
}

/* ---- reading ---- */

const gr_tree *gr__setting_tree(const gr_settings *s, const char *name)
{
    int i = find_row(s->member, name);
    assert(i >= 0 && "the name is a row of the member");
    return i >= 0 ? s->value[i] : NULL;
}

void gr__setting_replace(gr_settings *s, const char *name, const gr_tree *value)
{
    int i = find_row(s->member, name);
    assert(i >= 0 && "the name is a row of the member");
    if (i >= 0) s->value[i] = value;
}

double gr__setting_real(const gr_settings *s, const char *name)
{
    const gr_tree *t = gr__setting_tree(s, name);
    return t ? t->number : (double)NAN;
}

int64_t gr__setting_int(const gr_settings *s, const char *name)
{
    int64_t x = INT64_MIN;
    gr__tree_int(gr__setting_tree(s, name), &x);
    return x;
}

bool gr__setting_bool(const gr_settings *s, const char *name)
{
    const gr_tree *t = gr__setting_tree(s, name);
    return t && t->truth;
}

const char *gr__setting_text(const gr_settings *s, const char *name)
{
    const gr_tree *t = gr__setting_tree(s, name);
    return !t ? NULL : t->kind == GR_TREE_NULL ? "none" : t->text;
}

bool gr__setting_is(const gr_settings *s, const char *name, const char *word)
{
    const gr_tree *t = gr__setting_tree(s, name);
    const char *text = t && t->kind != GR_TREE_NULL ? t->text : "none";
    return text && strcmp(text, word) == 0;
}

bool gr__setting_axes(gr_context *ctx, const gr_settings *s, const char *name, int64_t *values, int n)
{
    const gr_tree *t = gr__setting_tree(s, name);
    if (!t) return false;
    if (t->kind == GR_TREE_LIST && t->n != n) {
        gr__tree_fail(ctx, t, GR_E_TYPE, NULL, "a list of %d does not fit %d %s", t->n, n, n == 1 ? "axis" : "axes");
        return false;
    }
    for (int i = 0; i < n; i++) gr__tree_int(t->kind == GR_TREE_LIST ? t->child[i] : t, &values[i]);
    return true;
}

gr_tree *gr__settings_tree(gr__bump *b, const gr_settings *s)
{
    gr_tree *map = gr__tree_map(b);
    if (!gr__tree_put(b, map, "type", gr__tree_text(b, s->member->name))) return NULL;
    for (int i = 0; i < s->member->n_rows; i++) {
        if (s->value[i] && is_idle(s, i)) continue;
        gr_tree *value = s->value[i] ? gr__tree_copy(b, s->value[i]) : gr__tree_text(b, "none");
        if (!gr__tree_put(b, map, s->member->rows[i].name, value)) return NULL;
    }
    return map;
}
