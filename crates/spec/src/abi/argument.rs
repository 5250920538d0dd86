//! Arguments of typed tracepoints and of iterators: what the kernel's types do not say of them.
//!
//! Pointers that a tracepoint hands to programs are taken for valid, but for these, which kernel
//! code passes as null, or as the number of an error, at times (`raw_tp_null_args` and parameters
//! that are named `__nullable`; as Linux 6.18 reports them when such programs are loaded).

/// What is known of a pointer that is an argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pointer {
    /// It points to an object.
    Valid,
    /// It does, or is null.
    Nullable,
    /// It may be the number of an error, so that it is no more than a number.
    Error,
}

/// What is known of an argument, counted from 0, of the tracepoint with a name.
///
/// ```
/// use skep_spec::abi::argument::{self, Pointer};
///
/// assert_eq!(argument::of_tracepoint("kfree_skb", 3), Pointer::Nullable);
/// assert_eq!(argument::of_tracepoint("kfree_skb", 0), Pointer::Valid);
/// ```
#[must_use]
pub fn of_tracepoint(tracepoint: &str, argument: usize) -> Pointer {
    let listed = |rows: &[(usize, &[&str])]| {
        rows.iter().any(|(number, names)| *number == argument && names.contains(&tracepoint))
    };
    if listed(ERRORS) {
        Pointer::Error
    } else if listed(NULLABLE) {
        Pointer::Nullable
    } else {
        Pointer::Valid
    }
}

/// What an iterator hands to programs at each of its steps. It is null at the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Visited {
    /// The iterator's own description, which is never null; and whatever else is always there.
    Given,
    /// An object that is held for as long as the program runs, or null.
    Held,
    /// An object of which nothing is known but its type, or null.
    Plain,
    /// A key or value, or null; its size is checked where the iterator is made.
    Buffer {
        /// Whether it may only be read.
        read_only: bool,
    },
}

/// What an argument, counted from 0, of an iterator is; `None` if there is no such iterator. Its
/// name is that of its function without `bpf_iter_`.
///
/// ```
/// use skep_spec::abi::argument::{self, Visited};
///
/// assert_eq!(argument::of_iterator("task", 0), Some(Visited::Given));
/// assert_eq!(argument::of_iterator("task", 1), Some(Visited::Held));
/// assert_eq!(argument::of_iterator("nothing", 0), None);
/// ```
#[must_use]
pub fn of_iterator(iterator: &str, argument: usize) -> Option<Visited> {
    use Visited::{Buffer, Given, Held, Plain};
    let objects: &[Visited] = match iterator {
        "bpf_map" | "cgroup" | "kmem_cache" | "task" | "tcp" | "udp" => &[Held],
        "bpf_link" | "bpf_prog" | "dmabuf" | "ipv6_route" | "ksym" | "netlink" | "unix" => &[Plain],
        "task_file" => &[Plain, Given, Plain],
        "task_vma" => &[Plain, Plain],
        "bpf_map_elem" => &[Given, Buffer { read_only: true }, Buffer { read_only: false }],
        "bpf_sk_storage_map" => &[Given, Plain, Buffer { read_only: false }],
        "sockmap" => &[Given, Buffer { read_only: true }, Plain],
        _ => return None,
    };
    let behind = argument.checked_sub(1).and_then(|number| objects.get(number));
    Some(behind.copied().unwrap_or(Given))
}

/// Hooks for security that are called for objects that begin, or end, to live: their arguments
/// cannot be trusted.
pub const UNTRUSTED_HOOKS: &[&str] = &[
    "bpf_lsm_bpf_map_free",
    "bpf_lsm_bpf_prog_free",
    "bpf_lsm_file_alloc_security",
    "bpf_lsm_file_free_security",
    "bpf_lsm_sk_alloc_security",
    "bpf_lsm_sk_free_security",
    "bpf_lsm_task_free",
];

/// Arguments that may be the number of an error, by their place.
const ERRORS: &[(usize, &[&str])] = &[(2, &["cachefiles_lookup"]), (3, &["mr_integ_alloc"])];

/// Arguments that may be null, by their place.
const NULLABLE: &[(usize, &[&str])] = &[
    (
        0,
        &[
            "afs_protocol_error",
            "cachefiles_io_error",
            "cachefiles_lookup",
            "cachefiles_mark_active",
            "cachefiles_mark_failed",
            "cachefiles_mark_inactive",
            "cachefiles_ondemand_close",
            "cachefiles_ondemand_copen",
            "cachefiles_ondemand_cread",
            "cachefiles_ondemand_fd_release",
            "cachefiles_ondemand_fd_write",
            "cachefiles_ondemand_open",
            "cachefiles_ondemand_read",
            "cachefiles_prep_read",
            "cachefiles_rename",
            "cachefiles_unlink",
            "cachefiles_vfs_error",
            "mm_collapse_huge_page_isolate",
            "mm_page_alloc",
            "mm_page_alloc_zone_locked",
            "mm_page_pcpu_drain",
            "rxrpc_recvdata",
            "tcp_send_reset",
            "tmigr_update_events",
            "xfs_blockgc_flush_all",
            "xfs_blockgc_start",
            "xfs_blockgc_stop",
            "xfs_blockgc_worker",
            "xfs_defer_add_item",
            "xfs_defer_cancel_item",
            "xfs_defer_cancel_list",
            "xfs_defer_create_intent",
            "xfs_defer_finish_item",
            "xfs_defer_isolate_paused",
            "xfs_defer_item_pause",
            "xfs_defer_item_unpause",
            "xfs_defer_pending_abort",
            "xfs_defer_pending_finish",
            "xfs_defer_relog_intent",
            "xfs_fs_sync_fs",
            "xfs_inodegc_flush",
            "xfs_inodegc_push",
            "xfs_inodegc_queue",
            "xfs_inodegc_start",
            "xfs_inodegc_stop",
            "xfs_inodegc_throttle",
            "xs_stream_read_data",
        ],
    ),
    (
        1,
        &[
            "afs_flock_ev",
            "afs_make_fs_call",
            "afs_make_fs_call1",
            "afs_make_fs_call2",
            "afs_make_fs_calli",
            "break_lease_block",
            "break_lease_noblock",
            "break_lease_unblock",
            "device_pm_callback_start",
            "ext4_mballoc_discard",
            "ext4_mballoc_free",
            "fcntl_setlk",
            "flock_lock_inode",
            "folio_wait_writeback",
            "generic_delete_lease",
            "hugetlbfs_alloc_inode",
            "locks_remove_posix",
            "mm_khugepaged_collapse_file",
            "mm_khugepaged_scan_file",
            "mm_khugepaged_scan_pmd",
            "netfs_failure",
            "posix_lock_inode",
            "rxrpc_resend",
            "sched_pi_setprio",
            "tcp_send_reset",
            "time_out_leases",
            "writeback_dirty_folio",
            "xfs_blockgc_free_space",
            "xfs_ioc_free_eofblocks",
            "xprt_get_cong",
            "xprt_put_cong",
            "xprt_release_cong",
            "xprt_reserve_cong",
        ],
    ),
    (
        2,
        &[
            "fib_table_lookup",
            "sched_stick_numa",
            "sched_swap_numa",
            "tcp_sendmsg_locked",
            "tegra_dma_tx_status",
            "xfs_btree_overlapped_query_range",
            "xfs_btree_updkeys",
        ],
    ),
    (3, &["kfree_skb", "qdisc_dequeue"]),
    (4, &["host1x_cdma_push_gather", "xfs_map_blocks_alloc", "xfs_map_blocks_found"]),
];
