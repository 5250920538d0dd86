// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Text: formats, comparison with constants, numbers. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

const char wanted[] = "eth0";
char text[64];
char writable[] = "lo";

SEC("tc")
int compares(struct __sk_buff *skb)
{
	return bpf_strncmp(text, sizeof(text), wanted) == 0;
}

SEC("tc")
int formats(struct __sk_buff *skb)
{
	static const char format[] = "%d of %s";
	__u64 arguments[2] = {skb->len, (__u64)(unsigned long)wanted};

	return bpf_snprintf(text, sizeof(text), format, arguments, sizeof(arguments)) > 0;
}

SEC("tc")
int reads_number(struct __sk_buff *skb)
{
	unsigned long number = 0;

	return bpf_strtoul(text, 8, 10, &number) > 0 && number > 3;
}

SEC("tc")
int bad_compares_with_variable(struct __sk_buff *skb)
{
	return bpf_strncmp(text, sizeof(text), writable) == 0;
}

SEC("tc")
int bad_format(struct __sk_buff *skb)
{
	static const char format[] = "%d %";
	__u64 arguments[1] = {skb->len};

	return bpf_snprintf(text, sizeof(text), format, arguments, sizeof(arguments)) > 0;
}

SEC("tc")
int bad_too_few_arguments(struct __sk_buff *skb)
{
	static const char format[] = "%d %d";
	__u64 arguments[1] = {skb->len};

	return bpf_snprintf(text, sizeof(text), format, arguments, sizeof(arguments)) > 0;
}

SEC("tc")
int bad_output_too_small(struct __sk_buff *skb)
{
	return bpf_strtoul(text, 65, 10, (unsigned long *)text) > 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
