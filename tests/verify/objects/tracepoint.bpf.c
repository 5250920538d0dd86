// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Tracepoints, by their records and by their raw arguments. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct enter {
	unsigned long long common;
	long number;
	unsigned long arguments[6];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64[8]);
} histograms SEC(".maps");

SEC("tracepoint/raw_syscalls/sys_enter")
int system_call(struct enter *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	__u64 *histogram = bpf_map_lookup_elem(&histograms, &pid);
	__u64 slot = ctx->number & 7;

	if (histogram)
		__sync_fetch_and_add(&histogram[slot], 1);
	return 0;
}

SEC("tp/syscalls/sys_enter_openat")
int opened(struct enter *ctx)
{
	char name[64];

	if (bpf_probe_read_user_str(name, sizeof(name), (void *)ctx->arguments[1]) < 0)
		return 0;
	bpf_printk("open %s", name);
	return 0;
}

SEC("raw_tp/sched_switch")
int raw(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 prev = ctx->args[1], next = ctx->args[2];
	__u32 pid = 0;

	bpf_probe_read_kernel(&pid, sizeof(pid), (void *)prev + 8);
	return pid == next;
}

SEC("raw_tracepoint.w/nbd_send_request")
int writable(struct bpf_raw_tracepoint_args *ctx)
{
	return ctx->args[0] == 0;
}

SEC("tracepoint/raw_syscalls/sys_enter")
int bad_histogram_slot(struct enter *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	__u64 *histogram = bpf_map_lookup_elem(&histograms, &pid);

	if (histogram)
		histogram[ctx->number & 15]++;
	return 0;
}

SEC("tracepoint/raw_syscalls/sys_enter")
int bad_record_written(struct enter *ctx)
{
	*(volatile long *)&ctx->number = 1;
	return 0;
}

SEC("tracepoint/raw_syscalls/sys_enter")
int bad_far_in_record(struct enter *ctx)
{
	return *(volatile int *)((char *)ctx + 8192);
}

SEC("raw_tp/sched_switch")
int bad_argument_followed(struct bpf_raw_tracepoint_args *ctx)
{
	return *(volatile int *)ctx->args[1];
}

SEC("raw_tp/sched_switch")
int bad_thirteenth_argument(struct bpf_raw_tracepoint_args *ctx)
{
	return *(volatile __u64 *)&ctx->args[12] & 1;
}

SEC("tracepoint/raw_syscalls/sys_enter")
int bad_stack_of_name(struct enter *ctx)
{
	char name[64];

	return bpf_probe_read_user_str(name, sizeof(name) + 1, (void *)ctx->arguments[1]);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
