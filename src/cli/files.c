/* What a result holds for files: tables of numbers as CSV, drawings as SVG, graphs as DOT too. */
#include "base/file.h"
#include "cli/cli.h"

typedef struct output {
    cli *c;
    gr_result *r;
    const char *folder;
    gr__text text;
    gr_list files;
    const char **path;
} output;

/* What is in `text`. */
static void write_file(output *o, const char *name, const char *suffix, gr_status st)
{
    if (st == GR_OK && o->r->failed == GR_OK) {
        const char *path =
            gr__result_text(o->r, "%s/%s%s%s.%s", o->folder, o->r->name, name ? "-" : "", name ? name : "", suffix);
        st = gr__file_write(o->c->ctx, path, o->text.s ? o->text.s : "", o->text.n);
        if (st == GR_OK) gr__result_note(o->r, "%s\n", cli_shown(o->c, path));
        if (st == GR_OK) o->path[o->files.n++] = path;
    }
    gr__result_fail(o->r, st);
    gr__text_free(&o->text);
}

static size_t count(const gr_result *r)
{
    size_t n = 1;
    for (const gr_table *t = r->tables; t; t = t->next) n++;
    for (const gr_drawing *d = r->drawings; d; d = d->next) n += d->dag ? 2 : 1;
    return n;
}

gr_list cli_write_files(cli *c, gr_result *r, const char *folder, const gr_table *more)
{
    output o = {.c = c, .r = r, .folder = folder};
    o.path = gr__result_alloc(r, count(r) * sizeof *o.path);
    if (!o.path) return o.files;
    o.files.text = o.path;
    gr__result_fail(r, gr__make_folder(c->ctx, folder));
    gr__text_init(&o.text, c->ctx);
    for (const gr_table *t = r->tables; t; t = t->next) write_file(&o, t->name, "csv", gr__table_csv(t, &o.text));
    if (more) write_file(&o, more->name, "csv", gr__table_csv(more, &o.text));
    for (const gr_drawing *d = r->drawings; d; d = d->next) {
        write_file(&o, d->name, "svg", gr__drawing_svg(c->ctx, d, &o.text));
        if (d->dag) write_file(&o, d->name, "dot", gr__dag_dot(d->dag, &o.text));
    }
    return o.files;
}

gr_status cli_write_drawing(cli *c, gr_result *r, const char *path)
{
    gr__text t;
    gr__text_init(&t, c->ctx);
    gr_status st = r->failed != GR_OK ? r->failed : gr__drawing_svg(c->ctx, r->drawings, &t);
    if (st == GR_OK) st = gr__file_write(c->ctx, path, t.s, t.n);
    gr__text_free(&t);
    if (st == GR_OK) gr__result_note(r, "\n%s\n", cli_shown(c, path));
    return st;
}
