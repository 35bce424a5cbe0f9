/* Settings as functions of members from outside the tree read them: nothing is taken on trust. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/member.h"
#include "gradus/settings.h"

/* The row, if it is one of these kinds (a mask of 1 << kind); NULL with GR_E_USAGE kept. */
static bool reads(const gr_settings *s, const char *name, unsigned kinds, const char *what)
{
    for (int i = 0; i < s->member->n_rows; i++) {
        const gr_row *row = &s->member->rows[i];
        if (strcmp(row->name, name) != 0) continue;
        if (kinds & 1u << row->kind) return true;
        gr__fail(s->ctx, GR_E_USAGE, "setting \"%s\" of %s is not read as %s", name, s->member->name, what);
        return false;
    }
    gr__fail(s->ctx, GR_E_USAGE, "%s has no setting \"%s\"", s->member->name, name);
    return false;
}

double gr_setting_real(const gr_settings *s, const char *name)
{
    bool ok = reads(s, name, 1u << GR_ROW_REAL | 1u << GR_ROW_INT, "a number");
    return ok ? gr__setting_real(s, name) : (double)NAN;
}

int64_t gr_setting_int(const gr_settings *s, const char *name)
{
    return reads(s, name, 1u << GR_ROW_INT, "a whole number") ? gr__setting_int(s, name) : INT64_MIN;
}

bool gr_setting_bool(const gr_settings *s, const char *name)
{
    return reads(s, name, 1u << GR_ROW_BOOL, "true or false") && gr__setting_bool(s, name);
}

const char *gr_setting_text(const gr_settings *s, const char *name)
{
    bool ok = reads(s, name, 1u << GR_ROW_TEXT | 1u << GR_ROW_PATH | 1u << GR_ROW_CHOICE, "text");
    return ok ? gr__setting_text(s, name) : NULL;
}

bool gr_setting_axes(const gr_settings *s, const char *name, int64_t *values, int n)
{
    return reads(s, name, 1u << GR_ROW_AXES, "a number an axis") && gr__setting_axes(s->ctx, s, name, values, n) &&
           gr__error_code(s->ctx) == GR_OK;
}

gr_status gr_setting_fail(const gr_settings *s, const char *name, gr_status code, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const gr_tree *at = name ? gr__tree_get(s->tree, name) : NULL;
    return gr__tree_fail(s->ctx, at ? at : s->tree, code == GR_OK ? GR_E_USAGE : code, NULL, "%s", text);
}
