// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Records of ring buffers are reserved, checked, and given back exactly once. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct event {
	__u32 pid;
	__u32 kind;
	char name[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("tracepoint/sched/sched_switch")
int submits(void *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return 0;
	event->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(event->name, sizeof(event->name));
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tracepoint/sched/sched_switch")
int discards_some(void *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return 0;
	event->pid = bpf_get_current_pid_tgid() >> 32;
	if (event->pid == 0)
		bpf_ringbuf_discard(event, 0);
	else
		bpf_ringbuf_submit(event, BPF_RB_FORCE_WAKEUP);
	return 0;
}

SEC("tracepoint/sched/sched_switch")
int outputs(void *ctx)
{
	struct event event = {.pid = 1};

	return bpf_ringbuf_output(&events, &event, sizeof(event), 0);
}

SEC("tracepoint/sched/sched_switch")
int how_full(void *ctx)
{
	return bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > 1000;
}

SEC("tracepoint/sched/sched_switch")
int bad_not_checked(void *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	event->pid = 1;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tracepoint/sched/sched_switch")
int bad_never_given_back(void *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (event)
		event->pid = 1;
	return 0;
}

SEC("tracepoint/sched/sched_switch")
int bad_leaves_early(void *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return 0;
	if (bpf_get_current_comm(event->name, sizeof(event->name)))
		return 1;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tracepoint/sched/sched_switch")
int bad_used_after_submit(void *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return 0;
	bpf_ringbuf_submit(event, 0);
	*(volatile __u32 *)&event->pid = 1;
	return 0;
}

SEC("tracepoint/sched/sched_switch")
int bad_submitted_twice(void *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return 0;
	bpf_ringbuf_submit(event, 0);
	bpf_ringbuf_discard(event, 0);
	return 0;
}

SEC("tracepoint/sched/sched_switch")
int bad_past_the_record(void *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return 0;
	*(volatile __u32 *)(event + 1) = 1;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tracepoint/sched/sched_switch")
int bad_size_of_record_unknown(void *ctx)
{
	void *event = bpf_ringbuf_reserve(&events, bpf_get_current_pid_tgid() & 63, 0);

	if (event)
		bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tracepoint/sched/sched_switch")
int bad_submits_part(void *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return 0;
	bpf_ringbuf_submit(&event->kind, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
