/* Paths and folders. Paths are bytes between slashes: nothing is resolved, so links and ".." mean what they mean to the
 * system. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

bool gr__file_exists(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0;
}

static int make_one(const char *path)
{
    struct stat about;
    if (mkdir(path, 0777) == 0) return 0;
    int code = errno;
    /* Some systems say "read-only" or "not permitted" of a folder that is there: only its absence is a failure. */
    if (stat(path, &about) == 0) return S_ISDIR(about.st_mode) ? 0 : ENOTDIR;
    return code;
}

gr_status gr__make_folder(gr_context *ctx, const char *path)
{
    char *p = gr__strdup(ctx, path);
    if (!p) return GR_E_MEMORY;
    size_t bytes = strlen(p) + 1;
    int code = *p ? 0 : ENOENT;
    for (char *c = p; code == 0 && *c;) {
        c += strspn(c, "/");
        c += strcspn(c, "/");
        char end = *c;
        *c = '\0';
        code = make_one(p);
        *c = end;
    }
    gr__free(ctx, p, bytes);
    if (code == 0) return GR_OK;
    char reason[128];
    return gr__fail(ctx, GR_E_WRITE, "cannot make the folder \"%s\": %s", path,
                    gr__errno_text(code, reason, sizeof reason));
}

char *gr__path_join(gr_context *ctx, const char *folder, const char *name)
{
    size_t n = strlen(folder);
    if (name[0] == '/' || n == 0) return gr__strdup(ctx, name);
    return gr__format(ctx, "%s%s%s", folder, folder[n - 1] == '/' ? "" : "/", name);
}

char *gr__path_folder(gr_context *ctx, const char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    while (n > 0 && path[n - 1] != '/') n--;
    while (n > 1 && path[n - 1] == '/') n--;
    return n ? gr__format(ctx, "%.*s", (int)n, path) : gr__strdup(ctx, ".");
}

char *gr__path_absolute(gr_context *ctx, const char *path)
{
    char here[PATH_MAX];
    if (path[0] == '/') return gr__strdup(ctx, path);
    if (!getcwd(here, sizeof here)) {
        char reason[128];
        gr__fail(ctx, GR_E_FILE, "cannot tell the current folder: %s", gr__errno_text(errno, reason, sizeof reason));
        return NULL;
    }
    while (path[0] == '.' && path[1] == '/') {
        path += 2;
        path += strspn(path, "/");
    }
    if (path[0] == '\0' || strcmp(path, ".") == 0) return gr__strdup(ctx, here);
    return gr__path_join(ctx, here, path);
}
