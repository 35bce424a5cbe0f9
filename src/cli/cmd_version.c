/* gradus version */
#include <libdeflate.h>
#include <zlib.h>
#include <libfyaml.h>

#include "backend/cpu/isa.h"
#include "cli/cli.h"

static gr_status run(cli *c)
{
    static const char *const backends[] = {"cpu", "ref"};
    const char *isa = gr__isa_name(gr__isa_chosen());
    gr_result *r = cli_result(c);
    gr__result_put(r, "version=%s compiler=%s", GR_VERSION, GR_COMPILER);
    gr__result_list(r, "backends", (gr_list){.text = backends, .n = GR_COUNT(backends)});
    gr__result_put(r, "isa=%s libraries/jansson=%s libraries/libdeflate=%s libraries/libfyaml=%s libraries/zlib=%s",
                   isa, JANSSON_VERSION, LIBDEFLATE_VERSION_STRING, fy_library_version(), zlibVersion());
    gr__result_note(r, "gradus %s\ncompiler         %s\nbackends         cpu, ref\ninstruction set  %s (of", GR_VERSION,
                    GR_COMPILER, isa);
    for (int i = 0; i < GR__ISA_COUNT; i++)
        if (gr__isa_supported((gr__isa)i)) gr__result_note(r, " %s", gr__isa_name((gr__isa)i));
    gr__result_note(r, "; GRADUS_ISA chooses)\nlibraries        jansson %s, libdeflate %s, libfyaml %s, zlib %s\n",
                    JANSSON_VERSION, LIBDEFLATE_VERSION_STRING, fy_library_version(), zlibVersion());
    return cli_list(c, r);
}

GR_COMMAND(version) = {.name = "version",
                       .place = 29,
                       .usage = "",
                       .summary = "Version, compiler, backends, instruction set, libraries",
                       .run = run};
