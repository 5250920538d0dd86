//! Classic filters: on sockets, and seccomp's opinion of them.

use std::marker::PhantomData;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use skep_command::Errno;
use skep_spec::classic::Raw;

use super::{Result, last_errno};

/// The instructions as the kernel reads them.
fn sock_filters(filter: &[Raw]) -> Vec<libc::sock_filter> {
    let one = |raw: &Raw| libc::sock_filter { code: raw.code, jt: raw.jt, jf: raw.jf, k: raw.k };
    filter.iter().map(one).collect()
}

/// The structure that leads to the instructions, for a call that reads them only.
fn program(filters: &[libc::sock_filter]) -> Result<libc::sock_fprog> {
    let len = u16::try_from(filters.len()).map_err(|_| Errno::EINVAL)?;
    Ok(libc::sock_fprog { len, filter: filters.as_ptr().cast_mut() })
}

/// Attaches a classic filter to a socket (`SO_ATTACH_FILTER`), in the place of the one that it has.
///
/// # Errors
///
/// `EINVAL` for a filter that breaks the kernel's rules, `ENOMEM` for one that is longer, once
/// translated, than `net.core.optmem_max` allows.
pub fn attach_filter(socket: BorrowedFd<'_>, filter: &[Raw]) -> Result<()> {
    let filters = sock_filters(filter);
    let program = program(&filters)?;
    let size = libc::socklen_t::try_from(size_of_val(&program)).map_err(|_| Errno::EINVAL)?;
    // SAFETY: the option's value is a live `sock_fprog` of the size given, whose pointer leads to
    // `len` instructions that live until the call returns. The kernel copies both and writes neither.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const program).cast(),
            size,
        )
    };
    if result < 0 { Err(last_errno()) } else { Ok(()) }
}

/// Asks the kernel whether it would take seccomp filters, without installing them.
///
/// A thread can have one filter with a listener. The referee gives its thread one that allows all
/// system calls; whatever else is then offered with a listener is looked at and refused, in this
/// order. The first filter stays until the thread ends, so that a thread should be made for it.
pub struct SeccompReferee {
    _listener: OwnedFd,
    /// The filter is the thread's.
    _thread: PhantomData<*const ()>,
}

impl SeccompReferee {
    /// A referee on the calling thread.
    ///
    /// # Errors
    ///
    /// If the kernel has no seccomp filters, or the thread has one with a listener.
    pub fn on_this_thread() -> Result<SeccompReferee> {
        // SAFETY: the call takes numbers alone, and keeps this thread from gaining privileges.
        let result = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
        if result < 0 {
            return Err(last_errno());
        }
        let allow = Raw { code: 6, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW };
        let listener = offer(&[allow])?;
        // SAFETY: the call succeeded and returned a descriptor that is new, so that nobody else owns
        // it.
        let listener = unsafe { OwnedFd::from_raw_fd(listener) };
        Ok(SeccompReferee { _listener: listener, _thread: PhantomData })
    }

    /// Whether the kernel would take a filter.
    ///
    /// # Errors
    ///
    /// Any answer but `EINVAL` for a bad filter and `EBUSY` for a good one.
    pub fn takes(&self, filter: &[Raw]) -> Result<bool> {
        match offer(filter) {
            Err(Errno::EINVAL) => Ok(false),
            Err(Errno::EBUSY) => Ok(true),
            Err(errno) => Err(errno),
            Ok(_) => Err(Errno::EEXIST),
        }
    }
}

/// Offers a filter with a listener, and gives the listener's descriptor if the kernel takes it.
fn offer(filter: &[Raw]) -> Result<i32> {
    let filters = sock_filters(filter);
    let program = program(&filters)?;
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    // SAFETY: the last argument is a live `sock_fprog` whose pointer leads to `len` instructions that
    // live until the call returns. The kernel copies both and writes neither.
    let result = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program)
    };
    if result < 0 {
        return Err(last_errno());
    }
    i32::try_from(result).map_err(|_| Errno::EBADF)
}
