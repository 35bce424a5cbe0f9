/* Answers of commands under --json. */
#include "cli/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

gr_status cli_json(cli *c, json_t *o, size_t digits)
{
    char *text = o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(digits)) : NULL;
    json_decref(o);
    if (!text) return gr__fail(c->ctx, GR_E_MEMORY, "no memory for the answer");
    printf("%s\n", text);
    free(text);
    return GR_OK;
}

json_t *cli_real(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

json_t *cli_text(const char *s)
{
    char shown[4200];
    json_t *o = json_string(s);
    return o ? o : json_string(gr__shown(shown, sizeof shown, s, strlen(s)));
}
