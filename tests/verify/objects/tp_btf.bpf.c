// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Arguments with types: kernel objects are read like memory, and only read. */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
	struct task_struct *real_parent;
	void *stack;
} __attribute__((preserve_access_index));

struct sock {
	int sk_err;
} __attribute__((preserve_access_index));

struct sk_buff;

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} per_task SEC(".maps");

int last_pid;

SEC("tp_btf/sched_switch")
int BPF_PROG(pids, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	last_pid = next->pid;
	last_pid += prev->tgid == next->tgid;
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(parents, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	last_pid = next->real_parent->real_parent->pid;
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(by_core_read, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	char name[16];

	last_pid = BPF_CORE_READ(next, real_parent, tgid);
	bpf_core_read_str(name, sizeof(name), &prev->comm);
	last_pid += name[0];
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(stores, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	__u64 *value = bpf_task_storage_get(&per_task, next, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (value)
		*value = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(new_task, struct task_struct *task, __u64 flags)
{
	last_pid = task->comm[3] + flags;
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(bad_task_written, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	next->pid = 1;
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(bad_past_the_task, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	return *(volatile int *)((char *)next + (1 << 20));
}

SEC("tp_btf/sched_switch")
int BPF_PROG(untyped_pointer, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	return *(volatile int *)next->stack;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(bad_variable_offset, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	__u64 at = prev->pid & 15;
	const char *comm = next->comm;

	asm volatile("%0 += %1" : "+r"(comm) : "r"(at));
	return *(volatile const char *)comm;
}

SEC("tp_btf/sched_switch")
int bad_fifth_argument(__u64 *ctx)
{
	return ctx[4] != 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(bad_storage_of_anything, bool preempt, struct task_struct *prev)
{
	return bpf_task_storage_get(&per_task, (void *)&last_pid, 0, 0) ? 1 : 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(bad_storage_unchecked, bool preempt, struct task_struct *prev,
	     struct task_struct *next)
{
	__u64 *value = bpf_task_storage_get(&per_task, next, 0, 0);

	*value = 1;
	return 0;
}

/* The fourth argument may be null: nobody has received the packet. */
SEC("tp_btf/kfree_skb")
int BPF_PROG(receiver, struct sk_buff *skb, void *location, int reason, struct sock *receiver)
{
	if (receiver)
		last_pid = receiver->sk_err;
	return 0;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(bad_receiver_unchecked, struct sk_buff *skb, void *location, int reason,
	     struct sock *receiver)
{
	last_pid = receiver->sk_err;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
