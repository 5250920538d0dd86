// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Decisions of the kernel that programs take part in: security hooks and packet filters. */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct file {
	unsigned int f_flags;
} __attribute__((preserve_access_index));

struct task_struct;

struct bpf_nf_ctx {
	const void *state;
	void *skb;
};

SEC("lsm/file_open")
int BPF_PROG(opens, struct file *file)
{
	return file->f_flags & 1 ? -1 : 0;
}

SEC("lsm.s/file_open")
int BPF_PROG(opens_and_sleeps, struct file *file)
{
	__u64 value = 0;

	bpf_copy_from_user(&value, sizeof(value), 0);
	return 0;
}

SEC("lsm/task_alloc")
int BPF_PROG(new_task, struct task_struct *task, unsigned long flags)
{
	return flags > 100 ? -13 : 0;
}

SEC("netfilter")
int filter(struct bpf_nf_ctx *ctx)
{
	return ctx->skb ? 1 : 0;
}

SEC("lsm/file_open")
int BPF_PROG(bad_positive_result, struct file *file)
{
	return 1;
}

SEC("lsm/file_open")
int BPF_PROG(bad_file_written, struct file *file)
{
	file->f_flags = 0;
	return 0;
}

SEC("netfilter")
int bad_verdict(struct bpf_nf_ctx *ctx)
{
	return 2;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
