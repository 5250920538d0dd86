// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Every kind of CO-RE relocation, on types that every kernel has. */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct list_head___mine {
	struct list_head___mine *next, *prev;
} __attribute__((preserve_access_index));

struct task_struct {
	int pid;
	int tgid;
	unsigned int flags;
	char comm[16];
	struct list_head___mine tasks;
	struct task_struct *group_leader;
	unsigned sched_reset_on_fork : 1;
	unsigned in_execve : 1;
	unsigned no_kernel_has_this_bit : 3;
	int no_kernel_has_this;
	unsigned long nvcsw;
	struct task_struct *real_parent;
} __attribute__((preserve_access_index));

struct task_struct___wrong {
	short pid;
	struct task_struct *comm;
	unsigned char flags;
	struct { int counter; } usage;
} __attribute__((preserve_access_index));

struct sk_buff {
	unsigned int len;
	unsigned short protocol;
	unsigned char cloned : 1;
	unsigned char pkt_type : 3;
	void *head;
	union {
		struct sock *sk;
		int ip_defrag_offset;
	};
} __attribute__((preserve_access_index));

struct sock___declared {
	int no_such_field;
} __attribute__((preserve_access_index));

struct no_such_struct {
	int field;
} __attribute__((preserve_access_index));

union no_such_union {
	int field;
};

typedef struct {
	int counter;
} atomic_t___mine;

typedef int no_such_typedef;

enum bpf_map_type___declared {
	BPF_MAP_TYPE_RINGBUF___declared = 1000,
	BPF_MAP_TYPE_HASH___declared = 77,
	BPF_MAP_TYPE_NO_KERNEL_HAS_THIS___declared = 1001,
};

enum pid_type___mine {
	PIDTYPE_PID___mine,
};

struct cpumask___mine {
	unsigned long bits[1];
} __attribute__((preserve_access_index));

struct out {
	__u64 v[64];
} out;

SEC("raw_tp/sys_enter")
int field_offsets(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	out.v[0] = BPF_CORE_READ(task, pid);
	out.v[1] = BPF_CORE_READ(task, group_leader, tgid);
	out.v[2] = (long)BPF_CORE_READ(task, tasks.next);
	out.v[3] = BPF_CORE_READ(task, comm[3]);
	out.v[4] = __builtin_preserve_field_info(task->comm, BPF_FIELD_BYTE_OFFSET);
	out.v[5] = __builtin_preserve_field_info(task->comm, BPF_FIELD_BYTE_SIZE);
	out.v[6] = __builtin_preserve_field_info(task->nvcsw, BPF_FIELD_BYTE_SIZE);
	out.v[7] = __builtin_preserve_field_info(task->flags, BPF_FIELD_SIGNED);
	out.v[8] = __builtin_preserve_field_info(task->pid, BPF_FIELD_SIGNED);
	out.v[9] = __builtin_preserve_field_info(task->pid, BPF_FIELD_LSHIFT_U64);
	out.v[10] = __builtin_preserve_field_info(task->pid, BPF_FIELD_RSHIFT_U64);
	return 0;
}

SEC("raw_tp/sys_enter")
int bit_fields(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct sk_buff *skb = ctx;

	out.v[0] = BPF_CORE_READ_BITFIELD_PROBED(task, sched_reset_on_fork);
	out.v[1] = BPF_CORE_READ_BITFIELD_PROBED(task, in_execve);
	out.v[2] = BPF_CORE_READ_BITFIELD_PROBED(skb, cloned);
	out.v[3] = BPF_CORE_READ_BITFIELD_PROBED(skb, pkt_type);
	if (bpf_core_field_exists(task->no_kernel_has_this_bit))
		out.v[4] = BPF_CORE_READ_BITFIELD_PROBED(task, no_kernel_has_this_bit);
	return 0;
}

SEC("raw_tp/sys_enter")
int existence(void *ctx)
{
	struct task_struct *task = ctx;
	struct task_struct___wrong *wrong = ctx;
	struct sk_buff *skb = ctx;

	out.v[0] = bpf_core_field_exists(task->pid);
	out.v[1] = bpf_core_field_exists(task->no_kernel_has_this);
	out.v[2] = bpf_core_field_exists(wrong->comm);
	out.v[3] = bpf_core_field_exists(wrong->pid);
	out.v[4] = bpf_core_field_exists(skb->ip_defrag_offset);
	out.v[5] = bpf_core_field_exists(struct sock___declared, no_such_field);
	out.v[6] = bpf_core_field_exists(struct no_such_struct, field);
	return 0;
}

SEC("raw_tp/sys_enter")
int types(void *ctx)
{
	out.v[0] = bpf_core_type_exists(struct task_struct);
	out.v[1] = bpf_core_type_exists(struct no_such_struct);
	out.v[2] = bpf_core_type_exists(union no_such_union);
	out.v[3] = bpf_core_type_exists(no_such_typedef);
	out.v[4] = bpf_core_type_exists(atomic_t___mine);
	out.v[5] = bpf_core_type_size(struct sk_buff);
	out.v[6] = bpf_core_type_size(struct no_such_struct);
	out.v[7] = bpf_core_type_size(struct list_head___mine);
	out.v[8] = bpf_core_type_id_local(struct task_struct);
	out.v[9] = bpf_core_type_id_kernel(struct task_struct);
	out.v[10] = bpf_core_type_id_kernel(struct no_such_struct);
	return 0;
}

SEC("raw_tp/sys_enter")
int type_matches(void *ctx)
{
	out.v[0] = bpf_core_type_matches(struct list_head___mine);
	out.v[1] = bpf_core_type_matches(struct task_struct___wrong);
	out.v[2] = bpf_core_type_matches(atomic_t___mine);
	out.v[3] = bpf_core_type_matches(enum pid_type___mine);
	out.v[4] = bpf_core_type_matches(enum bpf_map_type___declared);
	return 0;
}

SEC("raw_tp/sys_enter")
int enum_values(void *ctx)
{
	out.v[0] = bpf_core_enum_value(enum bpf_map_type___declared, BPF_MAP_TYPE_RINGBUF___declared);
	out.v[1] = bpf_core_enum_value(enum bpf_map_type___declared, BPF_MAP_TYPE_HASH___declared);
	out.v[2] = bpf_core_enum_value_exists(enum bpf_map_type___declared,
					      BPF_MAP_TYPE_HASH___declared);
	out.v[3] = bpf_core_enum_value_exists(enum bpf_map_type___declared,
					      BPF_MAP_TYPE_NO_KERNEL_HAS_THIS___declared);
	if (bpf_core_enum_value_exists(enum bpf_map_type___declared,
				       BPF_MAP_TYPE_NO_KERNEL_HAS_THIS___declared))
		out.v[4] = bpf_core_enum_value(enum bpf_map_type___declared,
					       BPF_MAP_TYPE_NO_KERNEL_HAS_THIS___declared);
	return 0;
}

/* Loads and stores that CO-RE shrinks, widens, or cannot save. */
SEC("tp_btf/sys_enter")
int direct_access(unsigned long long *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	struct task_struct___wrong *wrong = (void *)ctx[0];

	out.v[0] = task->pid;
	out.v[1] = task->flags;
	out.v[2] = wrong->flags;
	out.v[3] = wrong->pid;
	out.v[4] = task->group_leader->tgid;
	out.v[5] = task->no_kernel_has_this;
	out.v[6] = ((struct cpumask___mine *)ctx[1])->bits[0];
	task->flags = 7;
	wrong->flags = ctx[2];
	return 0;
}

char _license[] SEC("license") = "GPL";
