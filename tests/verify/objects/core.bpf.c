// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Fields that are there on some kernels: what has no answer must not be reached. */
#define __TARGET_ARCH_x86
#include <linux/ptrace.h>
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct task_struct___new {
	int pid;
	unsigned int __state;
} __attribute__((preserve_access_index));

struct task_struct___old {
	long state;
	int no_such_field;
} __attribute__((preserve_access_index));

SEC("kprobe/do_unlinkat")
int field_of_either(void *ctx)
{
	struct task_struct___new *task = (void *)bpf_get_current_task();
	struct task_struct___old *old = (void *)task;

	if (bpf_core_field_exists(task->__state))
		return BPF_CORE_READ(task, __state) & 1;
	return BPF_CORE_READ(old, state) & 1;
}

SEC("kprobe/do_unlinkat")
int size_of_type(void *ctx)
{
	return bpf_core_type_size(struct task_struct___new) > 100;
}

SEC("kprobe/do_unlinkat")
int task_with_type(void *ctx)
{
	struct task_struct___new *task = (void *)bpf_get_current_task_btf();

	return task->pid & 1;
}

SEC("kprobe/do_unlinkat")
int bad_missing_field_reached(void *ctx)
{
	struct task_struct___old *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, no_such_field) & 1;
}

SEC("kprobe/do_unlinkat")
int bad_task_without_type(void *ctx)
{
	struct task_struct___new *task = (void *)bpf_get_current_task();

	return task->pid & 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
