// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Events of TCP connections. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 64);
	__type(key, __u64);
	__type(value, __u32);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} per_socket SEC(".maps");

SEC("sockops")
int window(struct bpf_sock_ops *ctx)
{
	switch (ctx->op) {
	case BPF_SOCK_OPS_TIMEOUT_INIT:
		ctx->reply = 1500;
		break;
	case BPF_SOCK_OPS_RWND_INIT:
		ctx->reply = 40;
		break;
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		bpf_sock_ops_cb_flags_set(ctx, BPF_SOCK_OPS_RTT_CB_FLAG);
		break;
	}
	return 1;
}

SEC("sockops")
int registers(struct bpf_sock_ops *ctx)
{
	__u64 key = ctx->remote_ip4 | (__u64)ctx->local_port << 32;

	if (ctx->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		bpf_sock_hash_update(ctx, &sockets, &key, BPF_ANY);
	return 1;
}

SEC("sockops")
int storage(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	__u64 *value;

	if (!sk)
		return 1;
	value = bpf_sk_storage_get(&per_socket, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (value)
		*value += ctx->snd_cwnd;
	return 1;
}

SEC("sockops")
int option_bytes(struct bpf_sock_ops *ctx)
{
	__u8 *data = ctx->skb_data, *end = ctx->skb_data_end;

	if (data + 20 > end)
		return 1;
	return data[12] ? 1 : 1;
}

SEC("sockops")
int congestion(struct bpf_sock_ops *ctx)
{
	char name[] = "reno";

	bpf_setsockopt(ctx, 6, 13, name, sizeof(name));
	return 1;
}

SEC("sockops")
int bad_storage_unchecked(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	__u64 *value;

	if (!sk)
		return 1;
	value = bpf_sk_storage_get(&per_socket, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	*value = 1;
	return 1;
}

SEC("sockops")
int bad_socket_unchecked(struct bpf_sock_ops *ctx)
{
	return bpf_sk_storage_get(&per_socket, ctx->sk, 0, 0) ? 1 : 0;
}

SEC("sockops")
int bad_state_written(struct bpf_sock_ops *ctx)
{
	*(volatile __u32 *)&ctx->state = 1;
	return 1;
}

SEC("sockops")
int bad_option_bytes(struct bpf_sock_ops *ctx)
{
	return *(volatile __u8 *)ctx->skb_data & 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
