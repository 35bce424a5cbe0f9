/* Answers of commands under --json. */
#include "cli/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* JSON lets stand some characters that a terminal takes for commands, such as U+009B; its escapes mean the same. */
static void print_shown(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    for (size_t n = strlen(text), length; n > 0; s += length, n -= length) {
        length = GR_MAX(gr__utf8_bytes(s, n), 1);
        if (gr__is_shown(s, length))
            fwrite(s, 1, length, stdout);
        else if (length < 3)
            printf("\\u%04x", length == 1 ? s[0] : (s[0] & 0x1fu) << 6 | (s[1] & 0x3f));
        else
            printf("\\u%04x", (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3f));
    }
    printf("\n");
}

gr_status cli_json(cli *c, json_t *o, size_t digits)
{
    char *text = o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(digits)) : NULL;
    json_decref(o);
    if (!text) return gr__fail(c->ctx, GR_E_MEMORY, "no memory for the answer");
    print_shown(text);
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
