/* Questions of every kind about types of the kernel, with those that it has no answer to. */
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;

#define __weak __attribute__((weak))
#define core(what) __builtin_preserve_access_index(what)
#define exists(field) __builtin_preserve_field_info(field, 2)
#define size(field) __builtin_preserve_field_info(field, 1)
#define has_sign(field) __builtin_preserve_field_info(field, 3)
#define shift_left(field) __builtin_preserve_field_info(field, 4)
#define shift_right(field) __builtin_preserve_field_info(field, 5)
#define byte_offset(field) __builtin_preserve_field_info(field, 0)
#define type_exists(type) __builtin_preserve_type_info(*(type *)0, 0)
#define type_size(type) __builtin_preserve_type_info(*(type *)0, 1)
#define type_matches(type) __builtin_preserve_type_info(*(type *)0, 2)
#define value_exists(type, value) __builtin_preserve_enum_value(*(type *)value, 0)
#define value_of(type, value) __builtin_preserve_enum_value(*(type *)value, 1)

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
	struct list_head *next, *prev;
};
struct task_struct___mine {
	int pid, tgid;
	struct task_struct___mine *group_leader;
	char comm[16];
	struct list_head tasks;
	int not_there;
};
struct sk_buff {
	__u32 len;
	__u8 cloned : 1, nohdr : 1, pkt_type : 3;
	char cb[48];
};
struct net_device {
	__u32 mtu;
	char name[16];
	unsigned char perm_addr[32];
};
struct qstr {
	union {
		struct {
			__u32 hash, len;
		};
	};
	const unsigned char *name;
};
struct dentry {
	struct qstr d_name;
};
struct path {
	void *mnt;
	struct dentry *dentry;
};
struct file {
	struct path f_path;
};
struct bpf_map_ops;
struct bpf_map {
	const struct bpf_map_ops *ops;
	__u32 key_size, value_size;
};
struct iphdr___all {
	__u8 tos;
	__u8 ttl;
	__u8 protocol;
};
struct nobody_has_this {
	int field;
};

#pragma clang attribute pop

enum bpf_prog_type___mine {
	BPF_PROG_TYPE_XDP___mine = 60,
	BPF_PROG_TYPE_NONE_OF_THESE = 61,
};
typedef int (*bpf_func_t_like)(void *, const void *);
typedef __u32 (*bpf_func_t)(const void *, const void *);
union sigval___mine {
	int sival_int;
};

long out[64];

__attribute__((section("xdp"))) int fields(void *context)
{
	struct task_struct___mine *task = context;
	struct sk_buff *skb = context;
	struct net_device *device = context;
	struct file *file = context;
	struct bpf_map *map = context;
	long *next = out;

	*next++ = (long)&task->pid - (long)task;
	*next++ = (long)&task->tasks.next - (long)task;
	*next++ = (long)&task->comm[5] - (long)task;
	*next++ = (long)&device->perm_addr[31] - (long)device;
	*next++ = (long)&file->f_path.dentry - (long)file;
	*next++ = (long)&((struct dentry *)context)->d_name.len - (long)context;
	*next++ = (long)&((struct dentry *)context)->d_name.name - (long)context;
	*next++ = (long)&map->value_size - (long)map;
	*next++ = exists(task->not_there);
	*next++ = exists(task->group_leader);
	*next++ = exists(skb->cb);
	*next++ = exists(((struct nobody_has_this *)context)->field);
	*next++ = size(skb->cb);
	*next++ = size(skb->pkt_type);
	*next++ = byte_offset(skb->pkt_type);
	*next++ = shift_left(skb->pkt_type);
	*next++ = shift_right(skb->pkt_type);
	*next++ = has_sign(skb->pkt_type);
	*next++ = has_sign(task->pid);
	return 0;
}

__attribute__((section("xdp"))) int types(void *context)
{
	long *next = out;

	*next++ = type_exists(struct task_struct___mine);
	*next++ = type_exists(struct nobody_has_this);
	*next++ = type_exists(bpf_func_t);
	*next++ = type_size(struct sk_buff);
	*next++ = type_size(union sigval___mine);
	*next++ = type_matches(struct list_head);
	*next++ = type_matches(struct task_struct___mine);
	*next++ = type_matches(struct path);
	*next++ = type_matches(struct iphdr___all);
	*next++ = type_matches(union sigval___mine);
	*next++ = type_matches(bpf_func_t);
	*next++ = __builtin_btf_type_id(*(struct net_device *)0, 1);
	*next++ = value_exists(enum bpf_prog_type___mine, BPF_PROG_TYPE_XDP___mine);
	*next++ = value_exists(enum bpf_prog_type___mine, BPF_PROG_TYPE_NONE_OF_THESE);
	*next++ = value_of(enum bpf_prog_type___mine, BPF_PROG_TYPE_XDP___mine);
	return 0;
}

char LICENSE[] __attribute__((section("license"))) = "GPL";
