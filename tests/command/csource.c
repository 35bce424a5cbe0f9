/* Runs an exported program: numbers of samples from standard input, a line of outputs each. Built with the program and
 * -DHEADER='"net.h"' -DNAME=net -DCAPITALS=NET. What the program is given is as large as it asks for, and no larger. */
#include HEADER

#include <stdio.h>
#include <stdlib.h>

#define JOINED_(a, b) a##b
#define JOINED(a, b) JOINED_(a, b)

int main(void)
{
    const int inputs = JOINED(CAPITALS, _INPUTS), outputs = JOINED(CAPITALS, _OUTPUTS),
              scratch = JOINED(CAPITALS, _SCRATCH);
    float *x = malloc((size_t)inputs * sizeof *x), *y = malloc((size_t)outputs * sizeof *y),
          *room = malloc((size_t)scratch * sizeof *room);
    double number;
    for (int n = 0; x && y && room && scanf("%lf", &number) == 1;) {
        x[n] = (float)number;
        if (++n < inputs) continue;
        n = 0;
        JOINED(NAME, _predict)(x, y, room);
        for (int i = 0; i < outputs; i++) printf(i ? " %.9g" : "%.9g", (double)y[i]);
        printf("\n");
    }
    free(x);
    free(y);
    free(room);
    return 0;
}
