// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Devices, socket options and kernel parameters of control groups. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("cgroup/dev")
int device(struct bpf_cgroup_dev_ctx *ctx)
{
	__u32 type = ctx->access_type & 0xffff;

	return type == BPF_DEVCG_DEV_CHAR && ctx->major == 1 && ctx->minor == 3;
}

SEC("cgroup/dev")
int bad_device_result(struct bpf_cgroup_dev_ctx *ctx)
{
	return ctx->major;
}

SEC("cgroup/dev")
int bad_device_written(struct bpf_cgroup_dev_ctx *ctx)
{
	*(volatile __u32 *)&ctx->major = 0;
	return 1;
}

SEC("cgroup/sysctl")
int parameter(struct bpf_sysctl *ctx)
{
	char name[32] = {};

	if (bpf_sysctl_get_name(ctx, name, sizeof(name), 0) < 0)
		return 0;
	return ctx->write ? name[0] != 'n' : 1;
}

SEC("cgroup/sysctl")
int number(struct bpf_sysctl *ctx)
{
	char text[16] = {};
	long value = 0;

	if (bpf_sysctl_get_current_value(ctx, text, sizeof(text)) < 0)
		return 1;
	return bpf_strtol(text, sizeof(text), 0, &value) > 0 && value == 1;
}

SEC("cgroup/sysctl")
int bad_write_flag(struct bpf_sysctl *ctx)
{
	*(volatile __u32 *)&ctx->write = 1;
	return 1;
}

SEC("cgroup/getsockopt")
int gets(struct bpf_sockopt *ctx)
{
	__u8 *value = ctx->optval, *end = ctx->optval_end;

	if (ctx->level != 1 || value + 1 > end)
		return 1;
	value[0] = 1;
	ctx->retval = 0;
	asm volatile("" ::: "memory");
	ctx->optlen = 1;
	return 1;
}

/* The compiler makes one store of two. */
SEC("cgroup/getsockopt")
int bad_stores_joined(struct bpf_sockopt *ctx)
{
	ctx->retval = 0;
	ctx->optlen = 0;
	return 1;
}

SEC("cgroup/setsockopt")
int sets(struct bpf_sockopt *ctx)
{
	__u8 *value = ctx->optval, *end = ctx->optval_end;

	if (value + 4 > end)
		return 0;
	if (*(__u32 *)value > 100)
		*(__u32 *)value = 100;
	ctx->optlen = 4;
	return 1;
}

SEC("cgroup/setsockopt")
int bad_value_unchecked(struct bpf_sockopt *ctx)
{
	return *(volatile __u8 *)ctx->optval & 1;
}

SEC("cgroup/setsockopt")
int bad_retval_of_set(struct bpf_sockopt *ctx)
{
	ctx->retval = 0;
	return 1;
}

SEC("cgroup/getsockopt")
int bad_level_of_get(struct bpf_sockopt *ctx)
{
	ctx->level = 1;
	return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
