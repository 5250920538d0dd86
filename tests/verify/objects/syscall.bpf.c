// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Programs that processes run themselves, with a context of their own. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct request {
	__u32 number;
	__u32 answer;
	__u64 address;
};

SEC("syscall")
int answers(struct request *ctx)
{
	ctx->answer = ctx->number * 2;
	return 0;
}

SEC("syscall")
int copies(struct request *ctx)
{
	__u64 value = 0;

	if (bpf_copy_from_user(&value, sizeof(value), (void *)ctx->address))
		return 1;
	ctx->answer = value;
	return 0;
}

SEC("syscall")
int closes(struct request *ctx)
{
	return bpf_sys_close(ctx->number);
}

SEC("syscall")
int bad_far_in_context(struct request *ctx)
{
	return *(volatile int *)((char *)ctx + 65536);
}

SEC("syscall")
int bad_address_followed(struct request *ctx)
{
	return *(volatile int *)ctx->address;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
