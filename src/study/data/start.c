/* What training does with sound samples before its first step: it prepares them, and opens what changes them. */
#include "study/data/inspect.h"

gr_status gr__inspect_start(gr_inspection *s)
{
    gr_data_finding *f;
    if (s->task.rows[GR_PART_TRAIN].n == 0) return GR_OK;
    gr_status st = gr__task_rehearse(&s->task);
    if (st != GR_E_DATA && st != GR_E_FILE && st != GR_E_FORMAT) return st;
    const gr_error *e = gr_context_error(s->ctx);
    const char *text = gr__bump_format(s->memory, "%s%s%s", e->key, e->key[0] ? ": " : "", e->message);
    gr_context_clear_error(s->ctx);
    s->unprepared = true;
    if (!text || !(f = gr__found(s, "preparation", GR_SEVERITY_ERROR, GR_PART_TRAIN))) return gr__error_code(s->ctx);
    f->count = 1;
    f->text = text;
    return GR_OK;
}
