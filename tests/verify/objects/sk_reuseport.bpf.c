// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Which of several sockets on one port gets a packet. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} listeners SEC(".maps");

SEC("sk_reuseport")
int by_hash(struct sk_reuseport_md *ctx)
{
	__u32 key = ctx->hash & 7;

	return bpf_sk_select_reuseport(ctx, &listeners, &key, 0) ? SK_DROP : SK_PASS;
}

SEC("sk_reuseport")
int by_payload(struct sk_reuseport_md *ctx)
{
	__u8 *data = ctx->data, *end = ctx->data_end;
	__u32 key;

	if (data + 9 > end)
		return SK_DROP;
	key = data[8];
	return bpf_sk_select_reuseport(ctx, &listeners, &key, 0) ? SK_DROP : SK_PASS;
}

SEC("sk_reuseport/migrate")
int migrates(struct sk_reuseport_md *ctx)
{
	__u32 key = 0;

	if (!ctx->migrating_sk)
		return SK_PASS;
	return bpf_sk_select_reuseport(ctx, &listeners, &key, 0) ? SK_DROP : SK_PASS;
}

SEC("sk_reuseport")
int bad_payload_unchecked(struct sk_reuseport_md *ctx)
{
	return *(volatile __u8 *)ctx->data & 1;
}

SEC("sk_reuseport")
int bad_key_uninitialised_map(struct sk_reuseport_md *ctx)
{
	return bpf_sk_select_reuseport(ctx, &listeners, 0, 0) ? SK_DROP : SK_PASS;
}

SEC("sk_reuseport")
int bad_hash_written(struct sk_reuseport_md *ctx)
{
	*(volatile __u32 *)&ctx->hash = 1;
	return SK_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
