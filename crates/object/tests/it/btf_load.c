// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Whether the kernel takes a file of BTF.
 *
 *   btf_load FILE
 *
 * exits with 0 if it does, with 9 if the caller may not ask, else prints the kernel's log.
 */
#include <errno.h>
#include <stdio.h>
#include <bpf/bpf.h>

int main(int argc, char **argv)
{
	static char data[1 << 20], log[1 << 16];
	LIBBPF_OPTS(bpf_btf_load_opts, opts, .log_buf = log, .log_size = sizeof(log), .log_level = 1);
	FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
	size_t size;

	if (!file)
		return 2;
	size = fread(data, 1, sizeof(data), file);
	if (bpf_btf_load(data, size, &opts) >= 0)
		return 0;
	if (errno == EPERM)
		return 9;
	fprintf(stderr, "errno %d\n%s", errno, log);
	return 1;
}
