#include "nn/pool.h"

/* Padding behind, so that the last window that starts inside the input or the padding before it is whole: PyTorch's
 * ceil mode. */
static int64_t reach_over(const gr__window *w, int i)
{
    int64_t room = w->in[i] + w->before[i] + w->after[i] - w->size[i];
    int64_t last = (room + w->stride[i] - 1) / w->stride[i];
    if (last * w->stride[i] >= w->in[i] + w->before[i]) last--;
    return GR_MAX(w->after[i], last * w->stride[i] + w->size[i] - w->in[i] - w->before[i]);
}

bool gr__pool_read(gr_build *b, const gr_settings *s, gr_shape picture, int axes, gr_pool_attr *out, int64_t *ceil_pads)
{
    gr__window w;
    if (!gr__window_read(b, s, picture, axes, "size", false, &w)) return false;
    *out = (gr_pool_attr){.count_padding = false};
    for (int i = 0; i < 2; i++) {
        if (GR_MAX(w.before[i], w.after[i]) > w.size[i] / 2) { /* else a window could lie in the padding alone */
            gr_graph_fail(b->g, GR_E_RANGE, "a padding of %lld is more than half the size of %lld",
                          (long long)GR_MAX(w.before[i], w.after[i]), (long long)w.size[i]);
            return false;
        }
        int64_t after = gr__setting_bool(s, "ceil") ? reach_over(&w, i) : w.after[i];
        out->size[i] = w.size[i], out->stride[i] = w.stride[i];
        out->pad_before[i] = w.before[i], out->pad_after[i] = after;
        if (ceil_pads) ceil_pads[i] = after - w.after[i];
    }
    return true;
}

bool gr__adaptive_read(gr_build *b, const gr_settings *s, int axes, gr_pool_attr *out)
{
    *out = (gr_pool_attr){.size = {1, 1}}; /* steps of 0: as many windows as that */
    return gr__window_axes(b, s, "size", axes, out->size);
}
