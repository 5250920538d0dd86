// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// Every kind of type, relocation and section that clang writes, for the tests of this crate.
// It includes nothing, so that any clang for BPF compiles it.

#define SEC(name) __attribute__((section(name)))
#define CORE __attribute__((preserve_access_index))
#define FIELD(access, what) __builtin_preserve_field_info(access, what)

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

enum signed_values { FIRST, NEGATIVE = -5, LARGE = 0x7fffffff };
enum unsigned_values { TOP = 0xffffffffu };
enum wide_values { WIDE = 0x1234567890abcdefULL, NARROW = 1 };
enum wide_signed_values { LOWEST = -0x7fffffffffffffffLL - 1 };
enum small_values { SMALL = 200 } __attribute__((packed));

struct only_declared;
union also_declared;

struct every {
	int a;
	unsigned b : 3;
	int c : 5;
	_Bool ok;
	char name[16];
	enum signed_values e;
	enum wide_values e64;
	struct only_declared *declared;
	union also_declared *other;
	union {
		int u1;
		long u2;
		struct {
			short low, high;
		};
	};
	float fl;
	double d;
	const volatile char *p;
	int (*fn)(int, const char *, ...);
	int (*(*chooser)(void (*done)(void), int))(u8[4]);
	enum wide_signed_values se;
	enum small_values small;
	int matrix[3][4];
	struct {
		u8 x;
	} anon;
	__int128 big;
	int *restrict r;
	struct every *next;
	u32 flex[];
} CORE;

struct __attribute__((packed)) packed {
	u8 a;
	u64 b;
	u32 bits : 9;
	u32 more : 20;
	struct {
		u8 x;
		u32 y;
	} inner;
};

struct aligned {
	u8 a;
	u8 b __attribute__((aligned(64)));
	u64 wide : 40;
	u64 rest : 40;
} __attribute__((aligned(128)));

typedef struct {
	struct every *every;
	enum { HERE = 3 } here;
} alias;

union values {
	alias first;
	u8 bytes[40];
};

struct {
	int (*type)[1];
	int (*max_entries)[10];
	int *key;
	struct every *value;
} map SEC(".maps");

int global = 5;
static volatile const int constant = 3;
static int hidden;
int __attribute__((btf_type_tag("user"))) *tagged __attribute__((btf_decl_tag("on a variable")));
struct packed a_packed;
struct aligned an_aligned;
union values some_values;
alias an_alias;
enum unsigned_values values;
extern int CONFIG_HZ SEC(".kconfig");
extern int provided(int value) SEC(".ksyms");

static __attribute__((noinline)) int read(struct every *every
		__attribute__((btf_decl_tag("on a parameter"))))
{
	return every->a + every->c + constant + hidden++;
}

SEC("xdp") int program(struct every *every)
{
	int sum = read(every) + global++ + CONFIG_HZ + provided(3) + *tagged;

	sum += a_packed.bits + an_aligned.b + some_values.bytes[3] + an_alias.here + values;
	sum += every->matrix[1][2] + every->high + every->next->next->ok;
	sum += FIELD(every->c, 0) + FIELD(every->c, 1) + FIELD(every->c, 2);
	sum += FIELD(every->c, 3) + FIELD(every->c, 4) + FIELD(every->c, 5);
	sum += __builtin_btf_type_id(*(struct every *)0, 0) + __builtin_btf_type_id(*(alias *)0, 1);
	sum += __builtin_preserve_type_info(*(struct every *)0, 0);
	sum += __builtin_preserve_type_info(*(struct every *)0, 1);
	sum += __builtin_preserve_type_info(*(struct every *)0, 2);
	sum += __builtin_preserve_enum_value(*(enum signed_values *)NEGATIVE, 0);
	sum += __builtin_preserve_enum_value(*(enum signed_values *)NEGATIVE, 1);
	return sum;
}

char LICENSE[] SEC("license") = "GPL";
