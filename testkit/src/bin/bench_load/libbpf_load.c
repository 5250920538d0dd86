// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * How long libbpf takes to read an object, up to the moment at which its programs would go to the
 * kernel: types are read, maps made, programs relocated. Prints microseconds.
 *
 *   libbpf_load object OBJECT
 *   libbpf_load types FILE
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

static struct timespec start;

static double micros(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start.tv_sec) * 1e6 + (now.tv_nsec - start.tv_nsec) / 1e3;
}

static double relocated;

/* Comes after all programs have been relocated, before the first is loaded. */
static int stop(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	if (!relocated)
		relocated = micros();
	return -1;
}

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

static int object(const char *path)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, handler, .prog_prepare_load_fn = stop);
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *prog;

	if (!object)
		return 1;
	/* Handlers go by section name. */
	bpf_object__for_each_program(prog, object)
		libbpf_register_prog_handler(bpf_program__section_name(prog), bpf_program__type(prog),
					     bpf_program__expected_attach_type(prog), &handler);
	bpf_object__close(object);

	clock_gettime(CLOCK_MONOTONIC, &start);
	object = bpf_object__open_file(path, NULL);
	if (!object)
		return 1;
	bpf_object__load(object);
	if (!relocated)
		return 1;
	printf("%.1f\n", relocated);
	return 0;
}

static int types(const char *path)
{
	clock_gettime(CLOCK_MONOTONIC, &start);
	if (!btf__parse(path, NULL))
		return 1;
	printf("%.1f\n", micros());
	return 0;
}

int main(int argc, char **argv)
{
	libbpf_set_print(quiet);
	if (argc == 3 && !strcmp(argv[1], "object"))
		return object(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "types"))
		return types(argv[2]);
	return 2;
}
