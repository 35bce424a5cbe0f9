/* Names that arguments give: endings of files that are to be written, and names as a terminal may show them. */
#include <string.h>

#include "cli/cli.h"

/* What follows the last dot of the last part; NULL: nothing. */
static const char *ending_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    return dot && dot != name && dot[1] ? dot + 1 : NULL;
}

gr_status cli_check_ending(cli *c, const char *path, const char *what, const char *const *endings)
{
    const char *ending = ending_of(path);
    if (!ending) return GR_OK;
    for (int i = 0; endings[i]; i++)
        if (strcasecmp(ending, endings[i]) == 0) return GR_OK;
    gr__fail(c->ctx, GR_E_USAGE, "%s: -o %s: it writes %s, which .%s is not", c->command->name, path, what, ending);
    gr__error_hint(c->ctx, "name it %.*s%s", (int)(ending - path), path, endings[0]);
    return GR_E_USAGE;
}

const char *cli_shown(cli *c, const char *s)
{
    size_t n = strlen(s), room = 4 * n + 1; /* \x1b for a byte */
    char *shown = gr__bump_alloc(c->memory, room);
    return shown ? gr__shown(shown, room, s, n) : "";
}
