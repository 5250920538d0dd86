// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What libbpf takes section names for.
 *
 *   libbpf_sections NAME...
 *
 * prints for each a line `NAME TYPE ATTACH-TYPE`, with `-` for both if it does not know the name.
 */
#include <stdio.h>
#include <bpf/libbpf.h>

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

int main(int argc, char **argv)
{
	libbpf_set_print(quiet);
	for (int i = 1; i < argc; i++) {
		enum bpf_attach_type attach_type;
		enum bpf_prog_type type;

		if (libbpf_prog_type_by_name(argv[i], &type, &attach_type) == 0)
			printf("%s %d %d\n", argv[i], type, attach_type);
		else
			printf("%s - -\n", argv[i]);
	}
	return 0;
}
