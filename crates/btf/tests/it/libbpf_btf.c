/* Puts the BTF of several files into one and removes what is there twice, with libbpf.
 *
 * libbpf_btf FILE... OUT: the types of each FILE, an object or raw BTF, go to OUT as raw BTF. Prints
 * the number of types before and after, and the microseconds that deduplication took. */
#include <bpf/btf.h>
#include <stdio.h>
#include <time.h>

static long micros(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
	struct btf *all = btf__new_empty();
	const void *bytes;
	__u32 size, before;
	long start;
	FILE *out;

	for (int file = 1; file < argc - 1; file++) {
		struct btf *one = btf__parse(argv[file], NULL);

		if (!one || btf__add_btf(all, one) < 0) {
			fprintf(stderr, "%s: no BTF\n", argv[file]);
			return 1;
		}
		btf__free(one);
	}
	before = btf__type_cnt(all) - 1;
	start = micros();
	if (btf__dedup(all, NULL)) {
		fprintf(stderr, "dedup failed\n");
		return 1;
	}
	printf("%u %u %ld\n", before, btf__type_cnt(all) - 1, micros() - start);
	bytes = btf__raw_data(all, &size);
	out = fopen(argv[argc - 1], "wb");
	if (!out || fwrite(bytes, 1, size, out) != size || fclose(out)) {
		perror(argv[argc - 1]);
		return 1;
	}
	return 0;
}
