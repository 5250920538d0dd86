// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Entry and exit of kernel functions, with their arguments and results. */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct filename {
	const char *name;
} __attribute__((preserve_access_index));

struct sock_common {
	unsigned short skc_family;
	__be16 skc_dport;
	unsigned short skc_num;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
} __attribute__((preserve_access_index));

__u64 calls, failures;

SEC("fentry/do_unlinkat")
int BPF_PROG(enters, int dfd, struct filename *name)
{
	char text[32];

	calls++;
	bpf_probe_read_kernel_str(text, sizeof(text), name->name);
	return 0;
}

SEC("fexit/do_unlinkat")
int BPF_PROG(leaves, int dfd, struct filename *name, long result)
{
	if (result)
		failures++;
	return 0;
}

SEC("fentry/tcp_v4_connect")
int BPF_PROG(connects, struct sock *sk)
{
	calls += sk->__sk_common.skc_dport + sk->__sk_common.skc_num;
	return 0;
}

SEC("fentry/tcp_close")
int BPF_PROG(cookie_of_socket, struct sock *sk)
{
	calls = bpf_get_func_arg_cnt(ctx) + bpf_get_func_ip(ctx) + bpf_get_attach_cookie(ctx);
	return 0;
}

SEC("fexit/do_unlinkat")
int BPF_PROG(asks_for_result)
{
	__u64 result = 0;

	bpf_get_func_ret(ctx, &result);
	failures += result;
	return 0;
}

SEC("fentry/do_unlinkat")
int BPF_PROG(bad_result_before, int dfd, struct filename *name, long result)
{
	return result;
}

SEC("fentry/do_unlinkat")
int BPF_PROG(bad_name_written, int dfd, struct filename *name)
{
	name->name = 0;
	return 0;
}

SEC("fentry/do_unlinkat")
int BPF_PROG(bad_returns_something)
{
	return 1;
}

SEC("fentry/tcp_v4_connect")
int BPF_PROG(bad_end_of_socket, struct sock *sk)
{
	return *(volatile int *)((char *)sk + 100000) == 0 ? 0 : 0;
}

SEC("fentry/do_unlinkat")
int BPF_PROG(bad_asks_for_result)
{
	__u64 result = 0;

	bpf_get_func_ret(ctx, &result);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
