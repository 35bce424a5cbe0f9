/* Settings of members: what recipes and texts such as "{filters: 16, kernel: 3}" give, checked against a member's rows.
 *
 * Families are "layer", "cost", "optimizer", "schedule", "init", "penalty", "metric", "source" and "prepare". Each has
 * members (conv, adam, ...), each member rows: name, kind, default, range, one line of help. A text of settings is YAML
 * as in a recipe, usually one map in flow style; NULL or "" takes every default. What is wrong with it is told as of a
 * recipe: the key, the place within the text, what is allowed, the nearest name (gr_context_error). */
#ifndef GRADUS_SETTINGS_H
#define GRADUS_SETTINGS_H

#include "gradus/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a graph of layers is built for: random masks and statistics of the batch, or the model as it is used. */
typedef enum gr_mode { GR_MODE_TRAIN, GR_MODE_EVALUATE } gr_mode;

/* ---- rows, as a member from outside the tree has them (gradus/ext) ---- */

typedef enum gr_setting_kind {
    GR_SETTING_REAL,   /* a number within range */
    GR_SETTING_INT,    /* a whole number within range */
    GR_SETTING_BOOL,   /* true or false */
    GR_SETTING_TEXT,   /* any text */
    GR_SETTING_PATH,   /* a file or folder, relative to the recipe */
    GR_SETTING_CHOICE, /* one of the words of range: "first|last" */
    GR_SETTING_AXES    /* a whole number, or a list of one a spatial axis, each within range */
} gr_setting_kind;

typedef struct gr_setting {
    const char *name; /* small letters, digits and _ */
    gr_setting_kind kind;
    const char *value; /* default, as YAML; NULL: must be given; "none": absent unless given */
    const char *range; /* "[0,1)", "(0,inf)", "{1,2,4}"; words of CHOICE; NULL or "": anything */
    const char *unit;  /* "updates", "pixels"; NULL, "" or "1": none */
    const char *help;  /* one line */
} gr_setting;

/* ---- reading, within functions of a member ----
 * The name is that of a row of the member, the function that of its kind; anything else is GR_E_USAGE, kept in the
 * context, and gives what an absent value gives. */

typedef struct gr_settings gr_settings;
GR_API double gr_setting_real(const gr_settings *s, const char *name);      /* REAL, INT; NaN where absent */
GR_API int64_t gr_setting_int(const gr_settings *s, const char *name);      /* INT; INT64_MIN where absent */
GR_API bool gr_setting_bool(const gr_settings *s, const char *name);        /* BOOL */
GR_API const char *gr_setting_text(const gr_settings *s, const char *name); /* TEXT, PATH, CHOICE; NULL where absent;
                                                                               valid while the member's function runs */
/* AXES: fills n values, a single number as each of them; false where absent, or where a list has another length
 * (GR_E_TYPE, kept in the context). */
GR_API bool gr_setting_axes(const gr_settings *s, const char *name, int64_t *values, int n);

/* What a member's function finds wrong with a setting: the error is kept with the setting's place (NULL: the member's)
 * and gives code. The first error stays. */
GR_API gr_status gr_setting_fail(const gr_settings *s, const char *name, gr_status code, const char *format, ...)
    GR_PRINTF(4, 5);

/* ---- what there is ---- */

/* The members of a family, those that were registered with the context last; 0 and NULL where there is none. Names
 * live as long as the context. */
GR_API int gr_member_count(gr_context *ctx, const char *family);
GR_API const char *gr_member_name(gr_context *ctx, const char *family, int index);
/* What `gradus explain` tells of one: title, source, equations, a line a row. Owned by the caller, gr_text_free of
 * gradus/graph.h. GR_E_NAME names the nearest. */
GR_API GR_CHECKED gr_status gr_member_explain(gr_context *ctx, const char *family, const char *name, char **text);

#ifdef __cplusplus
}
#endif
#endif
