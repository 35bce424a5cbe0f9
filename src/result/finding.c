/* Findings: a number, what bounds it, and what is to be said. */
#include <math.h>
#include <string.h>

#include "result/result.h"

const char *const gr__verdict_words[] = {"ok", "warning", "failed", "skipped", NULL};

const char *gr__verdict_name(gr_verdict v)
{
    return gr__verdict_words[v];
}

void gr__finding_set(gr_finding *f, gr_verdict v, double figure, double limit, const char *format, ...)
{
    va_list args;
    f->verdict = v;
    f->figure = figure;
    f->limit = limit;
    f->fix[0] = '\0';
    va_start(args, format);
    gr__print_shown(f->message, sizeof f->message, format, args);
    va_end(args);
}

void gr__finding_fix(gr_finding *f, const char *format, ...)
{
    size_t n = strlen(f->fix);
    va_list args;
    if (n && n + 1 < sizeof f->fix) f->fix[n++] = '\n';
    va_start(args, format);
    gr__print_shown(f->fix + n, sizeof f->fix - n, format, args);
    va_end(args);
}

bool gr__claim_holds(const gr_finding *f)
{
    return f->figure >= f->low && f->figure <= f->high;
}

double gr__claim_error(const gr_finding *f)
{
    double off = fabs(f->figure - f->predicted);
    return f->predicted == 0 ? off : off / fabs(f->predicted);
}

int gr__findings_failed(const gr_finding *f, int n, const gr_finding **first)
{
    int failed = 0;
    *first = NULL;
    for (int i = n - 1; i >= 0; i--)
        if (f[i].verdict == GR_VERDICT_FAILED) failed++, *first = &f[i];
    return failed;
}
