/* gradus version */
#include <libdeflate.h>
#include <zlib.h>
#include <libfyaml.h>
#include <stdlib.h>

#include "backend/cpu/isa.h"
#include "cli/json.h"

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

static gr_status run(cli *c)
{
    const char *isa = gr__isa_name(gr__isa_chosen());
    if (c->json) {
        json_t *o =
            json_pack("{s:s, s:s, s:[s,s], s:s, s:{s:s, s:s, s:s, s:s}}", "version", GR_VERSION, "compiler", COMPILER,
                      "backends", "cpu", "ref", "isa", isa, "libraries", "jansson", JANSSON_VERSION, "libdeflate",
                      LIBDEFLATE_VERSION_STRING, "libfyaml", fy_library_version(), "zlib", zlibVersion());
        return cli_json(c, o);
    }
    printf("gradus %s\ncompiler         %s\nbackends         cpu, ref\ninstruction set  %s (of", GR_VERSION, COMPILER,
           isa);
    for (int i = 0; i < GR__ISA_COUNT; i++)
        if (gr__isa_supported((gr__isa)i)) printf(" %s", gr__isa_name((gr__isa)i));
    printf("; GRADUS_ISA chooses)\nlibraries        jansson %s, libdeflate %s, libfyaml %s, zlib %s\n", JANSSON_VERSION,
           LIBDEFLATE_VERSION_STRING, fy_library_version(), zlibVersion());
    return GR_OK;
}

const cli_command cmd_version = {
    .name = "version", .usage = "", .summary = "Version, compiler, backends, instruction set, libraries", .run = run};
