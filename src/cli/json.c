/* Answers of commands under --json. */
#include "cli/json.h"

#include <math.h>
#include <string.h>

gr_status cli_json(cli *c, json_t *o)
{
    gr__text t;
    if (!o) return gr__fail(c->ctx, GR_E_MEMORY, "no memory for the answer");
    gr__text_init(&t, c->ctx);
    gr__json_write(&t, o, 0);
    json_decref(o);
    if (!t.failed) printf("%s\n", t.s);
    gr_status st = t.failed ? gr__error_code(c->ctx) : GR_OK;
    gr__text_free(&t);
    return st;
}

json_t *cli_real(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

json_t *cli_text(const char *s)
{
    return json_stringn_nocheck(s, strlen(s));
}
