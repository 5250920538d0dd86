// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Packets of control groups. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} per_group SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} per_group_and_cpu SEC(".maps");

SEC("cgroup_skb/ingress")
int counts(struct __sk_buff *skb)
{
	__u64 *bytes = bpf_get_local_storage(&per_group, 0);

	__sync_fetch_and_add(bytes, skb->len);
	return 1;
}

SEC("cgroup_skb/egress")
int limits(struct __sk_buff *skb)
{
	__u64 *bytes = bpf_get_local_storage(&per_group_and_cpu, 0);

	*bytes += skb->len;
	return *bytes < 1000000 ? 1 : 2;
}

SEC("cgroup_skb/egress")
int reads_packet(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + 20 > end)
		return 0;
	return *(__u8 *)(data + 9) == 17;
}

SEC("cgroup_skb/ingress")
int socket_group(struct __sk_buff *skb)
{
	return bpf_skb_cgroup_id(skb) != 0;
}

SEC("cgroup_skb/ingress")
int bad_result_of_egress(struct __sk_buff *skb)
{
	return skb->len < 100 ? 3 : 1;
}

SEC("cgroup_skb/egress")
int bad_result(struct __sk_buff *skb)
{
	return skb->len;
}

SEC("cgroup_skb/ingress")
int bad_writes_packet(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + 20 > end)
		return 0;
	*(__u8 *)data = 0;
	return 1;
}

SEC("cgroup_skb/ingress")
int bad_flags_of_storage(struct __sk_buff *skb)
{
	__u64 *bytes = bpf_get_local_storage(&per_group, 1);

	return *bytes & 1;
}

SEC("cgroup_skb/ingress")
int bad_class(struct __sk_buff *skb)
{
	return skb->tc_classid & 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
