/* Sheets of cards as files. */
#include "cli/sheet.h"

#include <string.h>

#include "base/file.h"

gr_status cli_check_sheet(cli *c, const char *path)
{
    static const char *const endings[] = {"html", "htm", "png", NULL};
    return cli_check_ending(c, path, "a sheet", endings);
}

static bool is_png(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && strcmp(dot, ".png") == 0;
}

gr_status cli_write_sheet(cli *c, const gr_sheet *s, const char *path)
{
    gr__text t;
    gr__text_init(&t, c->ctx);
    gr_status st = is_png(path) ? gr__sheet_png(s, &t) : gr__sheet_html(s, &t);
    if (st == GR_OK) st = gr__file_write(c->ctx, path, t.s, t.n);
    gr__text_free(&t);
    return st;
}
