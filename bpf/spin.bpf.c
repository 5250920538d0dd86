// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Spends a known number of instructions on each packet, to time an engine with.
 *
 * The loop is written in BPF assembly, so that no compiler decides how many
 * instructions a round has: it is a linear congruential generator whose output
 * is mixed, as multiplication, addition, shift and branch are what most programs
 * spend their time with.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define INSTRUCTIONS_PER_ROUND 7

const volatile __u32 rounds = 10000;

__u64 state;
__u64 instructions;

SEC("xdp")
int spin(struct xdp_md *ctx)
{
	__u64 left = rounds, mixed = state, shifted;

	(void)ctx;
	if (!left)
		return XDP_PASS;
	asm volatile("1:\n\t"
		     "%[mixed] *= 1103515245\n\t"
		     "%[mixed] += 12345\n\t"
		     "%[shifted] = %[mixed]\n\t"
		     "%[shifted] >>= 16\n\t"
		     "%[mixed] ^= %[shifted]\n\t"
		     "%[left] += -1\n\t"
		     "if %[left] != 0 goto 1b\n\t"
		     : [left] "+r"(left), [mixed] "+r"(mixed), [shifted] "=&r"(shifted));
	state = mixed;
	__sync_fetch_and_add(&instructions, (__u64)rounds * INSTRUCTIONS_PER_ROUND);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
