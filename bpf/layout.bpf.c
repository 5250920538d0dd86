// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What CO-RE (compile once, run everywhere) finds out about the kernel.
 *
 * The types below say only which fields the program means. Where these stand in
 * the kernel it is loaded into, or whether they exist at all, is filled in by
 * the loader. The program writes the answers to `layout`, once for each packet,
 * and lets every packet pass.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct net_device___declared {
	unsigned int mtu;
	int ifindex;
	char name[16];
} __attribute__((preserve_access_index));

struct sk_buff {
	unsigned int len;
	unsigned int data_len;
	struct net_device___declared *dev;
	unsigned char cloned : 1;
} __attribute__((preserve_access_index));

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
	int no_kernel_has_this;
} __attribute__((preserve_access_index));

enum bpf_map_type___declared {
	BPF_MAP_TYPE_RINGBUF___declared = 1000,
	BPF_MAP_TYPE_NO_KERNEL_HAS_THIS___declared = 1001,
};

struct layout {
	__u32 skb_size;
	__u32 skb_len_offset;
	__u32 skb_data_len_offset;
	__u32 skb_cloned_exists;
	__u32 device_mtu_offset;
	__u32 device_name_size;
	__u32 task_exists;
	__u32 task_comm_offset;
	__u32 task_unknown_exists;
	__u32 ringbuf_map_type;
	__u32 unknown_map_type_exists;
};

struct layout layout;

SEC("xdp")
int report_layout(struct xdp_md *ctx)
{
	(void)ctx;
	layout.skb_size = bpf_core_type_size(struct sk_buff);
	layout.skb_len_offset = bpf_core_field_offset(struct sk_buff, len);
	layout.skb_data_len_offset = bpf_core_field_offset(struct sk_buff, data_len);
	layout.skb_cloned_exists = bpf_core_field_exists(struct sk_buff, cloned);
	layout.device_mtu_offset = bpf_core_field_offset(struct net_device___declared, mtu);
	layout.device_name_size = bpf_core_field_size(struct net_device___declared, name);
	layout.task_exists = bpf_core_type_exists(struct task_struct);
	layout.task_comm_offset = bpf_core_field_offset(struct task_struct, comm);
	layout.task_unknown_exists = bpf_core_field_exists(struct task_struct, no_kernel_has_this);
	layout.ringbuf_map_type = bpf_core_enum_value(enum bpf_map_type___declared,
						      BPF_MAP_TYPE_RINGBUF___declared);
	layout.unknown_map_type_exists =
		bpf_core_enum_value_exists(enum bpf_map_type___declared,
					   BPF_MAP_TYPE_NO_KERNEL_HAS_THIS___declared);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
