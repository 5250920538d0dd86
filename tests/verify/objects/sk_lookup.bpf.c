// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Which socket gets a connection. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} servers SEC(".maps");

SEC("sk_lookup")
int assigns(struct bpf_sk_lookup *ctx)
{
	__u32 key = 0;
	struct bpf_sock *sk;
	long result;

	if (ctx->local_port != 7777)
		return SK_PASS;
	sk = bpf_map_lookup_elem(&servers, &key);
	if (!sk)
		return SK_PASS;
	result = bpf_sk_assign(ctx, sk, 0);
	bpf_sk_release(sk);
	return result ? SK_DROP : SK_PASS;
}

SEC("sk_lookup")
int drops(struct bpf_sk_lookup *ctx)
{
	return ctx->remote_ip4 == 0 && ctx->family == 2 ? SK_DROP : SK_PASS;
}

SEC("sk_lookup")
int bad_socket_kept(struct bpf_sk_lookup *ctx)
{
	__u32 key = 0;
	struct bpf_sock *sk = bpf_map_lookup_elem(&servers, &key);

	if (!sk)
		return SK_PASS;
	return bpf_sk_assign(ctx, sk, 0) ? SK_DROP : SK_PASS;
}

SEC("sk_lookup")
int bad_result(struct bpf_sk_lookup *ctx)
{
	return ctx->local_port;
}

SEC("sk_lookup")
int bad_written(struct bpf_sk_lookup *ctx)
{
	*(volatile __u32 *)&ctx->local_port = 1;
	return SK_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
