/* Types that another object has too: one.bpf.c. */
struct later {
	int number;
	struct later *self;
};
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
	long a;
};
struct to_different {
	struct differs *it;
};

list_t second_list;
union any second_any;
struct later second_later;
struct pair second_pair;
struct to_different second_different;
const volatile int second_table[3][4];

static __attribute__((noinline)) int inside(list_t *list)
{
	return list->inside.a;
}

__attribute__((section("xdp"))) int second(void *ctx)
{
	return inside(&second_list);
}
