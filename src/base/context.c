/* The context's life, and the log. */
#include <assert.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/state.h"
#include "base/text.h"

#define MAX_THREADS 1024

int gr__processors(void)
{
    cpu_set_t set;
    int n = 0;
    if (sched_getaffinity(0, sizeof set, &set) == 0) n = CPU_COUNT(&set);
    if (n < 1) n = (int)sysconf(_SC_NPROCESSORS_ONLN); /* more processors than cpu_set_t holds */
    return n < 1 ? 1 : n;
}

gr_status gr_context_create(const gr_context_options *options, gr_context **out)
{
    gr_context_options o = {0};
    if (options) o = *options;
    if (!o.acquire != !o.release) return GR_E_RANGE;
    if (o.threads < 0 || o.threads > MAX_THREADS) return GR_E_RANGE;
    if (!o.acquire) {
        o.acquire = gr__default_acquire;
        o.release = gr__default_release;
    }
    if (o.threads == 0) o.threads = GR_MIN(gr__processors(), MAX_THREADS);

    gr_context *ctx = o.acquire(o.user, sizeof *ctx, 16);
    if (!ctx) return GR_E_MEMORY;
    memset(ctx, 0, sizeof *ctx);
    ctx->options = o;
    gr_context_clear_error(ctx);
    *out = ctx;
    return GR_OK;
}

void gr_context_destroy(gr_context *ctx)
{
    if (!ctx) return;
    gr__pool_destroy(ctx->pool);
    gr__bump_destroy(ctx->memory);
    assert(ctx->tensor_bytes == 0 && "something made from the context was not destroyed before it");
    assert(ctx->bookkeeping_bytes == 0 && "something made from the context was not destroyed before it");
    ctx->options.release(ctx->options.user, ctx, sizeof *ctx);
}

uint64_t gr_context_bytes(const gr_context *ctx)
{
    return ctx->tensor_bytes;
}

uint64_t gr_context_peak_bytes(const gr_context *ctx)
{
    return ctx->tensor_peak;
}

uint64_t gr__bookkeeping_bytes(const gr_context *ctx)
{
    return ctx->bookkeeping_bytes;
}

uint64_t gr__bookkeeping_peak(const gr_context *ctx)
{
    return ctx->bookkeeping_peak;
}

int gr_context_threads(const gr_context *ctx)
{
    return ctx->options.threads;
}

gr_status gr_context_configure(gr_context *ctx, int threads, uint64_t budget_bytes)
{
    if (threads < 0 || threads > MAX_THREADS)
        return gr__fail(ctx, GR_E_RANGE, "%d threads is not in [0, %d]", threads, MAX_THREADS);
    if (threads == 0) threads = GR_MIN(gr__processors(), MAX_THREADS);
    if (ctx->pool && threads != ctx->options.threads)
        return gr__fail(ctx, GR_E_CONFLICT, "the worker threads are running already");
    ctx->options.threads = threads;
    ctx->options.budget_bytes = budget_bytes;
    return GR_OK;
}

gr__pool *gr__context_pool(gr_context *ctx)
{
    if (!ctx->pool && gr__pool_create(ctx, ctx->options.threads, &ctx->pool) != GR_OK) return NULL;
    return ctx->pool;
}

gr__bump *gr__context_memory(gr_context *ctx)
{
    if (!ctx->memory) ctx->memory = gr__bump_create(ctx);
    return ctx->memory;
}

void gr__log(gr_context *ctx, gr_log_level level, const char *format, ...)
{
    if (!ctx->options.log || (ctx->muted && level > GR_LOG_ERROR)) return;
    char text[2048];
    va_list args;
    va_start(args, format);
    gr__print_shown(text, sizeof text, format, args);
    va_end(args);
    ctx->options.log(ctx->options.user, level, text);
}

void gr__log_mute(gr_context *ctx, bool mute)
{
    ctx->muted = mute;
}
