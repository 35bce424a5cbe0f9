/* The floating-point mode of a thread: rounding to nearest, denormals flushed to zero, no traps. A denormal costs some
 * processors a hundred cycles, and a network whose activations fade would slow down for nothing. */
#include "base/pool.h"

#if defined(__x86_64__)
#include <xmmintrin.h>

gr__fp_state gr__fp_enter(void)
{
    gr__fp_state saved = {_mm_getcsr()};
    _mm_setcsr(0x1F80 | 0x8000 | 0x0040); /* all exceptions masked, flush to zero, denormals are zero */
    return saved;
}

void gr__fp_leave(gr__fp_state saved)
{
    _mm_setcsr((unsigned)saved.control);
}

#elif defined(__aarch64__)

gr__fp_state gr__fp_enter(void)
{
    gr__fp_state saved;
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved.control));
    uint64_t flush = UINT64_C(1) << 24; /* FZ; rounding mode and trap bits 0 */
    __asm__ volatile("msr fpcr, %0" ::"r"(flush));
    return saved;
}

void gr__fp_leave(gr__fp_state saved)
{
    __asm__ volatile("msr fpcr, %0" ::"r"(saved.control));
}

#else

/* Elsewhere denormals stay as the system has them. */
gr__fp_state gr__fp_enter(void)
{
    return (gr__fp_state){0};
}

void gr__fp_leave(gr__fp_state saved)
{
    (void)saved;
}

#endif
