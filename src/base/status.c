/* Names, texts and exit codes of the statuses: the table of gradus/status.h, read three times. */
#include "gradus/status.h"

#include <stddef.h>

typedef struct row {
    gr_status code;
    const char *name, *text;
    int exit_code;
} row;

static const row rows[] = {
#define ROW(code, number, name, exit, text) {code, name, text, exit},
    GR_STATUS_TABLE(ROW)
#undef ROW
};

/* A number that is no status (a newer library's, a stray cast) is a bug and reads as one. */
static const row *find(gr_status s)
{
    static const row unknown = {GR_E_INTERNAL, "E_UNKNOWN", "not a status of this library", 70};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].code == s) return &rows[i];
    return &unknown;
}

const char *gr_status_name(gr_status s)
{
    return find(s)->name;
}

const char *gr_status_text(gr_status s)
{
    return find(s)->text;
}

int gr_status_exit_code(gr_status s)
{
    return find(s)->exit_code;
}
