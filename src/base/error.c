/* The first error of a context: formatted into the context's own buffers, so that running out of memory can be reported
 * too. What it quotes of files and their names is shown, never sent to the terminal as it is. */
#include <string.h>

#include "base/state.h"
#include "base/text.h"

static void set(char *buffer, size_t n, const char **field, const char *format, ...) GR_PRINTF(4, 5);
static void set(char *buffer, size_t n, const char **field, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    gr__print_shown(buffer, n, format, args);
    va_end(args);
    *field = buffer;
}

gr_status gr__fail(gr_context *ctx, gr_status code, const char *format, ...)
{
    if (ctx->error.code != GR_OK) return code;
    ctx->error.code = code;
    va_list args;
    va_start(args, format);
    gr__print_shown(ctx->message, sizeof ctx->message, format, args);
    va_end(args);
    ctx->error.message = ctx->message;
    return code;
}

void gr__error_place(gr_context *ctx, const char *file, int line, int column, const char *key)
{
    gr_error *e = &ctx->error;
    if (e->code == GR_OK) return;
    if (file && !e->file[0]) {
        set(ctx->file, sizeof ctx->file, &e->file, "%s", file);
        e->line = line;
        e->column = column;
    }
    if (key && !e->key[0]) set(ctx->key, sizeof ctx->key, &e->key, "%s", key);
}

void gr__error_hint(gr_context *ctx, const char *format, ...)
{
    if (ctx->error.code == GR_OK || ctx->error.hint[0]) return;
    va_list args;
    va_start(args, format);
    gr__print_shown(ctx->hint, sizeof ctx->hint, format, args);
    va_end(args);
    ctx->error.hint = ctx->hint;
}

void gr__error_least(gr_context *ctx, uint64_t bytes)
{
    if (ctx->error.code == GR_E_BUDGET && ctx->error.least_bytes == 0) ctx->error.least_bytes = bytes;
}

gr_status gr__error_take(gr_context *ctx, const gr_context *from)
{
    const gr_error *e = &from->error;
    if (ctx->error.code != GR_OK || e->code == GR_OK) return e->code;
    gr__fail(ctx, e->code, "%s", e->message);
    gr__error_place(ctx, e->file[0] ? e->file : NULL, e->line, e->column, e->key[0] ? e->key : NULL);
    if (e->hint[0]) gr__error_hint(ctx, "%s", e->hint);
    gr__error_least(ctx, e->least_bytes);
    return e->code;
}

gr_status gr__error_code(const gr_context *ctx)
{
    return ctx->error.code;
}

const gr_error *gr_context_error(const gr_context *ctx)
{
    return &ctx->error;
}

void gr_context_clear_error(gr_context *ctx)
{
    ctx->error = (gr_error){.code = GR_OK, .file = "", .key = "", .message = "", .hint = ""};
}
