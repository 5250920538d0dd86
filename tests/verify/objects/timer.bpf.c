// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Timers in map values. */
#include <linux/bpf.h>
#include <linux/time.h>
#include <bpf/bpf_helpers.h>

struct job {
	__u64 runs;
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct job);
} jobs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct job);
} other_jobs SEC(".maps");

static int run(void *map, __u32 *key, struct job *job)
{
	job->runs++;
	if (job->runs < 10)
		bpf_timer_start(&job->timer, 1000000, 0);
	return 0;
}

static int run_and_return(void *map, __u32 *key, struct job *job)
{
	return job->runs;
}

SEC("tc")
int starts(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct job *job = bpf_map_lookup_elem(&jobs, &key);

	if (!job)
		return 0;
	bpf_timer_init(&job->timer, &jobs, 1);
	bpf_timer_set_callback(&job->timer, run);
	bpf_timer_start(&job->timer, 1000000, 0);
	return 0;
}

SEC("tc")
int cancels(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct job *job = bpf_map_lookup_elem(&jobs, &key);

	return job ? bpf_timer_cancel(&job->timer) & 1 : 0;
}

SEC("tc")
int bad_map_of_another(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct job *job = bpf_map_lookup_elem(&jobs, &key);

	if (job)
		bpf_timer_init(&job->timer, &other_jobs, 1);
	return 0;
}

SEC("tc")
int bad_timer_written(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct job *job = bpf_map_lookup_elem(&jobs, &key);

	if (job)
		*(volatile __u64 *)&job->timer = 0;
	return 0;
}

SEC("tc")
int bad_callback_result(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct job *job = bpf_map_lookup_elem(&jobs, &key);

	if (job)
		bpf_timer_set_callback(&job->timer, run_and_return);
	return 0;
}

SEC("tc")
int bad_no_timer_there(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct job *job = bpf_map_lookup_elem(&jobs, &key);

	if (job)
		bpf_timer_start((void *)&job->runs, 1, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
