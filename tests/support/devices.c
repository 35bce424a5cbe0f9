/* The list of devices. */
#include "support/devices.h"

const device devices[] = {
    {.backend = &gr__backend_ref, .members = 1e-10, .steps = 1e-10, .rows = 64, .by_reference = true},
    {.backend = &gr__backend_cpu, .members = 2e-6, .steps = 2e-4, .smooth = true, .rows = 640},
};
const int n_devices = (int)GR_COUNT(devices);
