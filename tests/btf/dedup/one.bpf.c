/* Types that another object has too: two.bpf.c. */
struct later;
struct pair {
	struct later *later;
	int number;
};
enum color { RED, GREEN };
struct list {
	struct list *next;
	struct {
		int a;
		union {
			int b;
			long c;
		};
	} inside;
	int (*call)(struct list *, struct later *);
	enum color color;
};
typedef struct list list_t;
union any {
	int number;
	float real;
	struct later *later;
};
struct differs {
	int a;
};
struct to_different {
	struct differs *it;
};

list_t first_list;
union any first_any;
struct pair first_pair;
struct to_different first_different;
const volatile int first_table[3][4];

static __attribute__((noinline)) int inside(list_t *list)
{
	return list->inside.a;
}

__attribute__((section("xdp"))) int first(void *ctx)
{
	return inside(&first_list);
}
