// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Spin locks in map values: taken, given back, and nothing else called in between. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct account {
	struct bpf_spin_lock lock;
	__u32 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct account);
} accounts SEC(".maps");

SEC("tc")
int adds(struct __sk_buff *skb)
{
	__u32 key = skb->ifindex;
	struct account *account = bpf_map_lookup_elem(&accounts, &key);

	if (!account)
		return 0;
	bpf_spin_lock(&account->lock);
	account->packets++;
	account->bytes += skb->len;
	bpf_spin_unlock(&account->lock);
	return 0;
}

SEC("tc")
int branches_under_lock(struct __sk_buff *skb)
{
	__u32 key = skb->ifindex, over;
	struct account *account = bpf_map_lookup_elem(&accounts, &key);

	if (!account)
		return 0;
	bpf_spin_lock(&account->lock);
	over = account->bytes > 1000000;
	if (!over)
		account->bytes += skb->len;
	bpf_spin_unlock(&account->lock);
	return over ? 2 : 0;
}

SEC("tc")
int bad_never_unlocked(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct account *account = bpf_map_lookup_elem(&accounts, &key);

	if (!account)
		return 0;
	bpf_spin_lock(&account->lock);
	account->packets++;
	return 0;
}

SEC("tc")
int bad_unlocked_without(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct account *account = bpf_map_lookup_elem(&accounts, &key);

	if (account)
		bpf_spin_unlock(&account->lock);
	return 0;
}

SEC("tc")
int bad_locked_twice(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct account *account = bpf_map_lookup_elem(&accounts, &key);

	if (!account)
		return 0;
	bpf_spin_lock(&account->lock);
	bpf_spin_lock(&account->lock);
	bpf_spin_unlock(&account->lock);
	return 0;
}

SEC("tc")
int bad_call_under_lock(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct account *account = bpf_map_lookup_elem(&accounts, &key);

	if (!account)
		return 0;
	bpf_spin_lock(&account->lock);
	account->bytes = bpf_ktime_get_ns();
	bpf_spin_unlock(&account->lock);
	return 0;
}

SEC("tc")
int bad_other_lock(struct __sk_buff *skb)
{
	__u32 key = 0, other = 1;
	struct account *a = bpf_map_lookup_elem(&accounts, &key);
	struct account *b = bpf_map_lookup_elem(&accounts, &other);

	if (!a || !b)
		return 0;
	bpf_spin_lock(&a->lock);
	bpf_spin_unlock(&b->lock);
	return 0;
}

SEC("tc")
int bad_reads_the_lock(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct account *account = bpf_map_lookup_elem(&accounts, &key);

	return account ? *(volatile __u32 *)&account->lock : 0;
}

SEC("tc")
int bad_locks_a_number(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct account *account = bpf_map_lookup_elem(&accounts, &key);

	if (!account)
		return 0;
	bpf_spin_lock((void *)&account->packets);
	bpf_spin_unlock((void *)&account->packets);
	return 0;
}

SEC("tracepoint/sched/sched_switch")
int bad_lock_in_tracing(void *ctx)
{
	__u32 key = 0;
	struct account *account = bpf_map_lookup_elem(&accounts, &key);

	if (!account)
		return 0;
	bpf_spin_lock(&account->lock);
	account->packets++;
	bpf_spin_unlock(&account->lock);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
