// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Iterators over objects of the kernel: an object may be absent, at the end. */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
} __attribute__((preserve_access_index));

struct task_struct {
	int pid;
	int tgid;
} __attribute__((preserve_access_index));

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __attribute__((preserve_access_index));

struct file {
	unsigned int f_flags;
} __attribute__((preserve_access_index));

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd __attribute__((aligned(8)));
	struct file *file;
} __attribute__((preserve_access_index));

struct sock_common;

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
} __attribute__((preserve_access_index));

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	void *map;
	void *key;
	void *value;
};

SEC("iter/task")
int tasks(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;
	static const char format[] = "%d %d\n";
	__u64 arguments[2];

	if (!task)
		return 0;
	arguments[0] = task->tgid;
	arguments[1] = task->pid;
	bpf_seq_printf(seq, format, sizeof(format), arguments, sizeof(arguments));
	return 0;
}

SEC("iter/task")
int writes(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	__u64 number = ctx->meta->seq_num;

	bpf_seq_write(seq, &number, sizeof(number));
	return 0;
}

SEC("iter/bpf_map_elem")
int elements(struct bpf_iter__bpf_map_elem *ctx)
{
	return ctx->key && ctx->value ? 0 : 0;
}

SEC("iter/task")
int bad_task_unchecked(struct bpf_iter__task *ctx)
{
	return ctx->task->pid & 1;
}

SEC("iter/task")
int bad_returns_anything(struct bpf_iter__task *ctx)
{
	return ctx->meta->seq_num;
}

SEC("iter/task")
int bad_sequence_for_task(struct bpf_iter__task *ctx)
{
	__u64 number = 0;

	bpf_seq_write((void *)ctx->meta, &number, sizeof(number));
	return 0;
}

SEC("iter/task_file")
int files(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file;
	__u64 number = ctx->fd;

	if (file)
		number += file->f_flags;
	bpf_seq_write(ctx->meta->seq, &number, sizeof(number));
	return 0;
}

SEC("iter/task_file")
int bad_file_unchecked(struct bpf_iter__task_file *ctx)
{
	return ctx->file->f_flags & 1;
}

SEC("iter/tcp")
int socket_options(struct bpf_iter__tcp *ctx)
{
	struct sock_common *sock = ctx->sk_common;
	int size = 65536;

	if (sock)
		bpf_setsockopt(sock, 1, 8, &size, sizeof(size));
	return 0;
}

SEC("iter/tcp")
int bad_socket_unchecked(struct bpf_iter__tcp *ctx)
{
	int size = 65536;

	bpf_setsockopt(ctx->sk_common, 1, 8, &size, sizeof(size));
	return 0;
}

SEC("iter/task")
int bad_options_of_tasks(struct bpf_iter__task *ctx)
{
	int size = 65536;

	bpf_setsockopt(ctx->task, 1, 8, &size, sizeof(size));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
