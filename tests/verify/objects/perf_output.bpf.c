// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Events to perf buffers, stack traces, and counters of the machine. */
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 128);
	__uint(key_size, 4);
	__uint(value_size, 127 * 8);
} stacks SEC(".maps");

SEC("perf_event")
int sample(struct bpf_perf_event_data *ctx)
{
	struct {
		__u64 period, address;
		__s32 stack;
		__u32 pid;
	} out = {};

	out.period = ctx->sample_period;
	out.address = ctx->addr;
	out.stack = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK);
	out.pid = bpf_get_current_pid_tgid();
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &out, sizeof(out));
	return 0;
}

SEC("perf_event")
int reads_value(struct bpf_perf_event_data *ctx)
{
	struct bpf_perf_event_value value;

	if (bpf_perf_prog_read_value(ctx, &value, sizeof(value)))
		return 0;
	return value.counter > 1000;
}

SEC("perf_event")
int instruction_pointer(struct bpf_perf_event_data *ctx)
{
	return ctx->regs.rip > 0xffff000000000000ull;
}

SEC("perf_event")
int own_stack(struct bpf_perf_event_data *ctx)
{
	__u64 frames[8] = {};
	long bytes = bpf_get_stack(ctx, frames, sizeof(frames), 0);

	return bytes > 8 ? frames[1] & 1 : 0;
}

SEC("perf_event")
int bad_output_too_long(struct bpf_perf_event_data *ctx)
{
	__u64 out[2] = {};

	return bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, out, 24);
}

SEC("perf_event")
int bad_context_written(struct bpf_perf_event_data *ctx)
{
	*(volatile __u64 *)&ctx->sample_period = 1;
	return 0;
}

SEC("perf_event")
int bad_stack_map_for_events(struct bpf_perf_event_data *ctx)
{
	__u64 out = 0;

	return bpf_perf_event_output(ctx, &stacks, BPF_F_CURRENT_CPU, &out, 8);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
