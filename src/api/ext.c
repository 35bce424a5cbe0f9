/* From a descriptor to a member's head: checked row by row, copied into the context's memory. */
#include "api/ext.h"

#include <string.h>

#include "base/text.h"

enum { MAX_ROWS = 100, MAX_NAME = 60 };

bool gr__ext_is_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    size_t n = name ? strlen(name) : 0;
    return n > 0 && n <= MAX_NAME && strspn(name, allowed) == n && name[0] >= 'a' && name[0] <= 'z';
}

/* Text that may be printed as it stands; of one line, or of several. NULL is none. */
static bool is_text(const char *s, bool lines)
{
    size_t n = s ? strlen(s) : 0, step;
    for (const unsigned char *at = (const unsigned char *)s; n; at += step, n -= step)
        if ((step = gr__utf8_bytes(at, n)) == 0 || ((*at < ' ' || *at == 0x7f) && !(lines && *at == '\n')))
            return false;
    return true;
}

static bool is_taken(const char *const *list, const char *name)
{
    for (; list && *list; list++)
        if (strcmp(*list, name) == 0) return true;
    return false;
}

/* ---- ranges: what gr__in_range takes for granted ---- */

static bool is_number(const char *s, size_t n)
{
    char text[64];
    double x;
    while (n && *s == ' ') s++, n--;
    if (n == 0 || n >= sizeof text) return false;
    memcpy(text, s, n);
    text[n] = '\0';
    return gr__parse_number(text, &x);
}

/* "1,2,4}": up to `count` numbers (0: any), the last before one of ends. */
static bool is_list(const char *s, const char *ends, int count)
{
    for (int n = 1;; n++) {
        size_t length = strcspn(s, ",)]}");
        if (!is_number(s, length)) return false;
        s += length;
        if (*s != ',') return *s && strchr(ends, *s) && !s[1] && (count == 0 || n == count);
        s++;
    }
}

static bool is_range(const char *s)
{
    if (!*s) return true;
    if (*s == '{') return is_list(s + 1, "}", 0);
    return (*s == '[' || *s == '(') && is_list(s + 1, ")]", 2);
}

static bool is_words(const char *s)
{
    for (;; s++) {
        size_t n = strcspn(s, "|");
        if (n == 0) return false;
        s += n;
        if (!*s) return true;
    }
}

static const gr_row_kind row_kinds[] = {
    [GR_SETTING_REAL] = GR_ROW_REAL, [GR_SETTING_INT] = GR_ROW_INT,   [GR_SETTING_BOOL] = GR_ROW_BOOL,
    [GR_SETTING_TEXT] = GR_ROW_TEXT, [GR_SETTING_PATH] = GR_ROW_PATH, [GR_SETTING_CHOICE] = GR_ROW_CHOICE,
    [GR_SETTING_AXES] = GR_ROW_AXES};

/* ---- rows ---- */

/* What is wrong with row i; NULL: nothing. */
static const char *fault_of(const gr__ext_head *h, int i)
{
    const gr_setting *r = &h->settings[i];
    const char *range = r->range ? r->range : "";
    if (!gr__ext_is_name(r->name)) return "its name is not small letters, digits and _";
    if ((unsigned)r->kind >= GR_COUNT(row_kinds)) return "its kind is unknown";
    if (!r->help || !*r->help) return "it has no line of help";
    if (!is_text(r->help, false) || !is_text(r->unit, false) || !is_text(range, false) || !is_text(r->value, false))
        return "its texts are not lines of UTF-8";
    if (r->kind == GR_SETTING_CHOICE ? !is_words(range) : !is_range(range)) return "its range cannot be read";
    if (strcmp(r->name, "type") == 0) return "`type` is the member's own name";
    if (h->family->common && gr__member_has(h->family->common, r->name)) return "every member has one of that name";
    if (is_taken(h->taken_settings, r->name)) return "recipes have that key beside the settings of every member";
    for (int k = 0; k < i; k++)
        if (strcmp(h->settings[k].name, r->name) == 0) return "there are two of that name";
    return NULL;
}

static const char *copy(gr__bump *b, const char *s, bool *failed)
{
    char *c = gr__bump_strdup(b, s ? s : "");
    *failed |= !c;
    return c;
}

static gr_status copy_rows(gr_context *ctx, gr__bump *b, const gr__ext_head *h, gr_member *out)
{
    gr_row *rows = gr__bump_alloc(b, sizeof *rows * (size_t)(h->n_settings + 1));
    bool failed = !rows;
    for (int i = 0; i < h->n_settings && !failed; i++) {
        const gr_setting *r = &h->settings[i];
        const char *fault = fault_of(h, i);
        if (fault)
            return gr__fail(ctx, GR_E_USAGE, "%s \"%s\", setting %d (%s): %s", h->noun, h->name, i,
                            r->name ? r->name : "no name", fault);
        rows[i] = (gr_row){.name = copy(b, r->name, &failed),
                           .kind = row_kinds[r->kind],
                           .value = r->value ? copy(b, r->value, &failed) : NULL,
                           .range = copy(b, r->range, &failed),
                           .unit = copy(b, r->unit, &failed),
                           .help = copy(b, r->help, &failed)};
    }
    out->rows = rows;
    out->n_rows = h->n_settings;
    return failed ? GR_E_MEMORY : GR_OK;
}

/* Defaults must be such as may be given. */
static gr_status check_defaults(gr_context *ctx, gr__bump *b, const gr__ext_head *h, const gr_member *m)
{
    for (int i = 0; i < m->n_rows; i++) {
        gr_member one = {.family = m->family, .name = m->name, .rows = &m->rows[i], .n_rows = 1};
        gr_settings s;
        if (!m->rows[i].value || gr__settings_make(ctx, b, &one, NULL, GR_PRESET_CHAPTER, NULL, &s) == GR_OK) continue;
        if (gr__error_code(ctx) == GR_E_MEMORY) return GR_E_MEMORY;
        gr_context_clear_error(ctx);
        return gr__fail(ctx, GR_E_USAGE, "%s \"%s\", setting %d (%s): its default %s is none that it allows", h->noun,
                        h->name, i, m->rows[i].name, m->rows[i].value);
    }
    return GR_OK;
}

/* Does a recipe read this name as the name of a member, and not as no, a truth value or a word of its own? */
static gr_status check_word(gr_context *ctx, gr__bump *b, const gr__ext_head *h)
{
    const gr_tree *t = gr__tree_flow(b, h->name);
    if (!t) return GR_E_MEMORY;
    if (t->kind == GR_TREE_TEXT && !gr__tree_none(t) && !is_taken(h->taken, h->name)) return GR_OK;
    return gr__fail(ctx, GR_E_USAGE, "\"%s\" cannot be a %s's name: recipes take it for something else", h->name,
                    h->noun);
}

static gr_status check_head(gr_context *ctx, const gr__ext_head *h)
{
    if (gr__error_code(ctx) != GR_OK) return gr__error_code(ctx);
    if (h->version != h->known)
        return gr__fail(ctx, GR_E_UNSUPPORTED, "version %u of a %s's descriptor is not known; this library knows %u",
                        h->version, h->noun, h->known);
    if (!gr__ext_is_name(h->name))
        return gr__fail(ctx, GR_E_USAGE,
                        "\"%.100s\" cannot be a %s's name: small letters, digits and _, a letter first",
                        h->name ? h->name : "", h->noun);
    if (!is_text(h->title, false) || !is_text(h->cite, false) || !is_text(h->equations, true))
        return gr__fail(ctx, GR_E_USAGE, "%s \"%s\": title, source and equations are lines of UTF-8", h->noun, h->name);
    if (!h->title || !*h->title) return gr__fail(ctx, GR_E_USAGE, "%s \"%s\" has no title", h->noun, h->name);
    if (!h->complete) return gr__fail(ctx, GR_E_USAGE, "%s \"%s\" lacks a function", h->noun, h->name);
    if (h->n_settings < 0 || h->n_settings > MAX_ROWS || (h->n_settings > 0 && !h->settings))
        return gr__fail(ctx, GR_E_USAGE, "%s \"%s\" has %d settings", h->noun, h->name, h->n_settings);
    return GR_OK;
}

gr_status gr__ext_make(gr_context *ctx, const gr__ext_head *h, size_t bytes, void **out)
{
    bool failed = false;
    gr_status st = check_head(ctx, h);
    if (st != GR_OK) return st;
    gr__bump *b = gr__context_memory(ctx);
    gr_member *m = b ? gr__bump_alloc(b, bytes) : NULL;
    if (!m) return GR_E_MEMORY;
    st = check_word(ctx, b, h);
    if (st != GR_OK) return st;
    *m = (gr_member){.family = copy(b, h->noun, &failed),
                     .name = copy(b, h->name, &failed),
                     .title = copy(b, h->title, &failed),
                     .cite = copy(b, h->cite, &failed),
                     .equations = copy(b, h->equations, &failed)};
    st = failed ? GR_E_MEMORY : copy_rows(ctx, b, h, m);
    if (st == GR_OK) st = check_defaults(ctx, b, h, m);
    if (st == GR_OK) *out = m;
    return st;
}
