// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * How far libbpf gets with objects.
 *
 *   libbpf TYPE OBJECT...
 *
 * prints for each object a line `OBJECT<tab>none|read|loaded<tab>REASON`: whether it could be opened,
 * and whether the kernel took all of its maps and programs. Programs whose section names say no
 * type have the type number TYPE.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/libbpf.h>

static char reason[512];

/* Keeps the first warning, which is the cause of the others. */
static int keep(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN && !reason[0]) {
		vsnprintf(reason, sizeof(reason), format, args);
		reason[strcspn(reason, "\n\t")] = 0;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	libbpf_set_print(keep);
	for (int i = 2; i < argc; i++) {
		const char *state = "none";
		struct bpf_program *prog;
		struct bpf_object *object;

		reason[0] = 0;
		object = bpf_object__open_file(argv[i], NULL);
		if (object) {
			reason[0] = 0;
			bpf_object__for_each_program(prog, object)
				if (bpf_program__type(prog) == BPF_PROG_TYPE_UNSPEC)
					bpf_program__set_type(prog, atoi(argv[1]));
			state = bpf_object__load(object) ? "read" : "loaded";
			bpf_object__close(object);
		}
		printf("%s\t%s\t%s\n", argv[i], state, reason);
	}
	return 0;
}
