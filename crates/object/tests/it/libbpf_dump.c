// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What libbpf makes of one program of an object, just before it would be loaded.
 *
 *   libbpf_dump OBJECT PROGRAM
 *
 * prints what the program is (`program <name> <section> <type> <attach type>`), one line for each slot (`insn <hex>`), function type (`func <slot> <type>`), source line
 * (`line <slot> <file> <text> <number>`) and, in the order of their use as descriptors, one line
 * for each map (`map <name>`). `types refused` stands where the kernel does not take the types. A slot that holds a map's descriptor has the map's number instead.
 * Nothing is loaded.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/bpf.h>
#include <bpf/libbpf.h>
#include <bpf/bpf.h>

static struct bpf_object *object;

static int map_number(int fd)
{
	struct bpf_map *map;
	int number = 0;

	bpf_object__for_each_map(map, object) {
		if (bpf_map__fd(map) == fd)
			return number;
		number++;
	}
	fprintf(stderr, "descriptor %d belongs to no map\n", fd);
	exit(3);
}

static int dump(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	const struct bpf_insn *insns = bpf_program__insns(prog);
	size_t count = bpf_program__insn_cnt(prog);
	struct bpf_map *map;

	printf("program %s %s %d %d\n", bpf_program__name(prog), bpf_program__section_name(prog),
	       bpf_program__type(prog), bpf_program__expected_attach_type(prog));
	bpf_object__for_each_map(map, object)
		printf("map %s\n", bpf_map__name(map));
	for (size_t i = 0; i < count; i++) {
		struct bpf_insn insn = insns[i];
		unsigned long long raw;

		if (insn.code == (BPF_LD | BPF_IMM | BPF_DW) &&
		    (insn.src_reg == BPF_PSEUDO_MAP_FD || insn.src_reg == BPF_PSEUDO_MAP_VALUE))
			insn.imm = map_number(insn.imm);
		memcpy(&raw, &insn, sizeof(raw));
		printf("insn %016llx\n", raw);
	}
	if (!opts->prog_btf_fd)
		printf("types refused\n");
	for (__u32 i = 0; i < opts->func_info_cnt; i++) {
		const __u32 *info = (void *)((char *)opts->func_info + i * opts->func_info_rec_size);

		printf("func %u %u\n", info[0], info[1]);
	}
	for (__u32 i = 0; i < opts->line_info_cnt; i++) {
		const __u32 *info = (void *)((char *)opts->line_info + i * opts->line_info_rec_size);

		printf("line %u %u %u %u\n", info[0], info[1], info[2], info[3]);
	}
	fflush(stdout);
	exit(0);
}

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, handler, .prog_prepare_load_fn = dump);
	struct bpf_program *prog, *wanted = NULL;

	libbpf_set_print(quiet);
	if (argc != 3)
		return 2;
	for (int round = 0; round < 2; round++) {
		object = bpf_object__open_file(argv[1], NULL);
		if (!object)
			return 4;
		bpf_object__for_each_program(prog, object) {
			bpf_program__set_autoload(prog, false);
			if (!strcmp(bpf_program__name(prog), argv[2]))
				wanted = prog;
		}
		if (!wanted)
			return 5;
		if (round == 0) {
			/* The handler goes by section name, which is known only now. */
			if (libbpf_register_prog_handler(bpf_program__section_name(wanted),
							 bpf_program__type(wanted),
							 bpf_program__expected_attach_type(wanted),
							 &handler) < 0)
				return 6;
			bpf_object__close(object);
		}
	}
	bpf_program__set_autoload(wanted, true);
	bpf_object__load(object);
	return 1;
}
