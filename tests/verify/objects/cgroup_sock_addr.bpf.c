// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Addresses that processes of control groups connect, bind and send to. */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("cgroup/connect4")
int to_proxy(struct bpf_sock_addr *ctx)
{
	if (ctx->user_port != bpf_htons(80))
		return 1;
	ctx->user_ip4 = bpf_htonl(0x7f000001);
	ctx->user_port = bpf_htons(8080);
	return 1;
}

SEC("cgroup/connect6")
int v6(struct bpf_sock_addr *ctx)
{
	ctx->user_ip6[3] = bpf_htonl(1);
	return ctx->user_family == 10;
}

SEC("cgroup/bind4")
int bind(struct bpf_sock_addr *ctx)
{
	return ctx->user_port == bpf_htons(22) ? 2 : 1;
}

SEC("cgroup/sendmsg4")
int source(struct bpf_sock_addr *ctx)
{
	ctx->msg_src_ip4 = bpf_htonl(0x0a000002);
	return 1;
}

SEC("cgroup/recvmsg6")
int received(struct bpf_sock_addr *ctx)
{
	ctx->user_port = bpf_htons(53);
	return 1;
}

SEC("cgroup/getpeername4")
int peer(struct bpf_sock_addr *ctx)
{
	ctx->user_ip4 = 0;
	return 1;
}

SEC("cgroup/connect4")
int binds_first(struct bpf_sock_addr *ctx)
{
	__u8 address[16] = {2};

	bpf_bind(ctx, (void *)address, sizeof(address));
	return 1;
}

SEC("cgroup/connect4")
int options(struct bpf_sock_addr *ctx)
{
	int value = 1;

	return bpf_setsockopt(ctx, 1, 9, &value, sizeof(value)) == 0;
}

SEC("cgroup/connect4")
int bad_other_family(struct bpf_sock_addr *ctx)
{
	ctx->user_ip6[0] = 0;
	return 1;
}

SEC("cgroup/connect4")
int bad_source_of_connect(struct bpf_sock_addr *ctx)
{
	ctx->msg_src_ip4 = 0;
	return 1;
}

SEC("cgroup/recvmsg4")
int bad_refuses_receive(struct bpf_sock_addr *ctx)
{
	return ctx->user_port == 0;
}

SEC("cgroup/connect4")
int bad_family_written(struct bpf_sock_addr *ctx)
{
	ctx->user_family = 1;
	return 1;
}

SEC("cgroup/bind4")
int bad_result(struct bpf_sock_addr *ctx)
{
	return 4;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
