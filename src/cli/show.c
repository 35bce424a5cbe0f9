/* Showing what a command has found: text, or JSON under --json. */
#include <string.h>

#include "cli/cli.h"

gr_result *cli_result(cli *c)
{
    gr__result_close(&c->result);
    gr__result_open(c->ctx, c->command ? c->command->name : "", &c->result); /* none: it is unknown */
    return &c->result;
}

static gr_status present(cli *c, const gr_result *r, bool shown)
{
    gr__text t;
    if (r->failed != GR_OK) return r->failed;
    gr__text_init(&t, c->ctx);
    gr_status st = c->json ? gr__present_json(r, &t) : shown ? gr__present_text(r, &t) : GR_OK;
    if (st == GR_OK && t.n) fwrite(t.s, 1, t.n, stdout);
    if (st == GR_OK && c->json) putchar('\n');
    gr__text_free(&t);
    c->answered = st == GR_OK;
    return st;
}

gr_status cli_show(cli *c, const gr_result *r)
{
    return present(c, r, !c->quiet);
}

gr_status cli_tell(cli *c, const gr_result *r)
{
    gr__text t;
    if (r->failed != GR_OK || c->quiet) return r->failed;
    gr__text_init(&t, c->ctx);
    gr_status st = gr__present_text(r, &t);
    if (st == GR_OK && t.n) fwrite(t.s, 1, t.n, stderr);
    gr__text_free(&t);
    return st;
}

gr_status cli_list(cli *c, const gr_result *r)
{
    return present(c, r, true);
}

void cli_lines(gr_result *r, const char *indent, const char *text)
{
    for (const char *s = text; *s;) {
        size_t n = strcspn(s, "\n");
        gr__result_note(r, "%s%.*s\n", indent, (int)n, s);
        s += n + (s[n] == '\n');
    }
}

gr_status cli_unknown(cli *c, const char *what, const char *name, const char *const *names, size_t n, const char *hint)
{
    const char *near = gr__nearest(name, names, n);
    gr__fail(c->ctx, GR_E_NAME, "%s %s", what, name);
    if (near)
        gr__error_hint(c->ctx, "did you mean %s?", near);
    else
        gr__error_hint(c->ctx, "%s", hint);
    return GR_E_NAME;
}
