//! Error numbers, by the names that Linux gives them.

use std::fmt;

/// An error number of Linux (the generic numbering that x86-64 and AArch64 share).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub i32);

/// Number, name and meaning of each error that bpf(2) and its neighbours give.
const TABLE: &[(Errno, &str, &str)] = &[
    (Errno::EPERM, "EPERM", "operation not permitted"),
    (Errno::ENOENT, "ENOENT", "no such entry"),
    (Errno::ESRCH, "ESRCH", "no such process"),
    (Errno::EINTR, "EINTR", "interrupted"),
    (Errno::EIO, "EIO", "input/output error"),
    (Errno::ENXIO, "ENXIO", "no such device or address"),
    (Errno::E2BIG, "E2BIG", "too big"),
    (Errno::ENOEXEC, "ENOEXEC", "cannot be executed"),
    (Errno::EBADF, "EBADF", "bad file descriptor"),
    (Errno::EAGAIN, "EAGAIN", "try again"),
    (Errno::ENOMEM, "ENOMEM", "out of memory"),
    (Errno::EACCES, "EACCES", "permission denied"),
    (Errno::EFAULT, "EFAULT", "bad address"),
    (Errno::EBUSY, "EBUSY", "busy"),
    (Errno::EEXIST, "EEXIST", "exists already"),
    (Errno::EXDEV, "EXDEV", "cross-device link"),
    (Errno::ENODEV, "ENODEV", "no such device"),
    (Errno::ENOTDIR, "ENOTDIR", "not a directory"),
    (Errno::EISDIR, "EISDIR", "is a directory"),
    (Errno::EINVAL, "EINVAL", "invalid argument"),
    (Errno::ENFILE, "ENFILE", "too many open files in the system"),
    (Errno::EMFILE, "EMFILE", "too many open files"),
    (Errno::ENOTTY, "ENOTTY", "not supported by this object"),
    (Errno::EFBIG, "EFBIG", "too large"),
    (Errno::ENOSPC, "ENOSPC", "no space left"),
    (Errno::ESPIPE, "ESPIPE", "illegal seek"),
    (Errno::EROFS, "EROFS", "read-only file system"),
    (Errno::EPIPE, "EPIPE", "broken pipe"),
    (Errno::EDOM, "EDOM", "argument out of domain"),
    (Errno::ERANGE, "ERANGE", "out of range"),
    (Errno::ENAMETOOLONG, "ENAMETOOLONG", "name too long"),
    (Errno::ENOSYS, "ENOSYS", "not implemented"),
    (Errno::ELOOP, "ELOOP", "too many levels"),
    (Errno::ENODATA, "ENODATA", "no data"),
    (Errno::ETIME, "ETIME", "timer expired"),
    (Errno::EPROTO, "EPROTO", "protocol error"),
    (Errno::EOVERFLOW, "EOVERFLOW", "value too large"),
    (Errno::EBADFD, "EBADFD", "descriptor in bad state"),
    (Errno::EILSEQ, "EILSEQ", "illegal byte sequence"),
    (Errno::EMSGSIZE, "EMSGSIZE", "message too long"),
    (Errno::ENOPROTOOPT, "ENOPROTOOPT", "option not available"),
    (Errno::EPROTONOSUPPORT, "EPROTONOSUPPORT", "protocol not supported"),
    (Errno::EOPNOTSUPP, "EOPNOTSUPP", "operation not supported"),
    (Errno::EAFNOSUPPORT, "EAFNOSUPPORT", "address family not supported"),
    (Errno::EADDRINUSE, "EADDRINUSE", "address in use"),
    (Errno::EADDRNOTAVAIL, "EADDRNOTAVAIL", "address not available"),
    (Errno::ENETDOWN, "ENETDOWN", "network is down"),
    (Errno::ENETUNREACH, "ENETUNREACH", "network unreachable"),
    (Errno::ENOBUFS, "ENOBUFS", "no buffer space"),
    (Errno::ETIMEDOUT, "ETIMEDOUT", "timed out"),
    (Errno::ECONNREFUSED, "ECONNREFUSED", "connection refused"),
    (Errno::EHOSTDOWN, "EHOSTDOWN", "host is down"),
    (Errno::EHOSTUNREACH, "EHOSTUNREACH", "host unreachable"),
    (Errno::EALREADY, "EALREADY", "already in progress"),
    (Errno::EINPROGRESS, "EINPROGRESS", "in progress"),
    (Errno::ECANCELED, "ECANCELED", "canceled"),
    (Errno::ENOTSUPP, "ENOTSUPP", "not supported"),
];

impl Errno {
    /// Operation not permitted.
    pub const EPERM: Errno = Errno(1);
    /// No such entry.
    pub const ENOENT: Errno = Errno(2);
    /// No such process.
    pub const ESRCH: Errno = Errno(3);
    /// Interrupted.
    pub const EINTR: Errno = Errno(4);
    /// Input/output error.
    pub const EIO: Errno = Errno(5);
    /// No such device or address.
    pub const ENXIO: Errno = Errno(6);
    /// Too big.
    pub const E2BIG: Errno = Errno(7);
    /// Cannot be executed.
    pub const ENOEXEC: Errno = Errno(8);
    /// Bad file descriptor.
    pub const EBADF: Errno = Errno(9);
    /// Try again.
    pub const EAGAIN: Errno = Errno(11);
    /// Out of memory.
    pub const ENOMEM: Errno = Errno(12);
    /// Permission denied.
    pub const EACCES: Errno = Errno(13);
    /// Bad address.
    pub const EFAULT: Errno = Errno(14);
    /// Busy.
    pub const EBUSY: Errno = Errno(16);
    /// Exists already.
    pub const EEXIST: Errno = Errno(17);
    /// Cross-device link.
    pub const EXDEV: Errno = Errno(18);
    /// No such device.
    pub const ENODEV: Errno = Errno(19);
    /// Not a directory.
    pub const ENOTDIR: Errno = Errno(20);
    /// Is a directory.
    pub const EISDIR: Errno = Errno(21);
    /// Invalid argument.
    pub const EINVAL: Errno = Errno(22);
    /// Too many open files in the system.
    pub const ENFILE: Errno = Errno(23);
    /// Too many open files.
    pub const EMFILE: Errno = Errno(24);
    /// Not supported by this object.
    pub const ENOTTY: Errno = Errno(25);
    /// Too large.
    pub const EFBIG: Errno = Errno(27);
    /// No space left.
    pub const ENOSPC: Errno = Errno(28);
    /// Illegal seek.
    pub const ESPIPE: Errno = Errno(29);
    /// Read-only file system.
    pub const EROFS: Errno = Errno(30);
    /// Broken pipe.
    pub const EPIPE: Errno = Errno(32);
    /// Argument out of domain.
    pub const EDOM: Errno = Errno(33);
    /// Out of range.
    pub const ERANGE: Errno = Errno(34);
    /// Name too long.
    pub const ENAMETOOLONG: Errno = Errno(36);
    /// Not implemented.
    pub const ENOSYS: Errno = Errno(38);
    /// Too many levels.
    pub const ELOOP: Errno = Errno(40);
    /// No data.
    pub const ENODATA: Errno = Errno(61);
    /// Timer expired.
    pub const ETIME: Errno = Errno(62);
    /// Protocol error.
    pub const EPROTO: Errno = Errno(71);
    /// Value too large.
    pub const EOVERFLOW: Errno = Errno(75);
    /// Descriptor in bad state.
    pub const EBADFD: Errno = Errno(77);
    /// Illegal byte sequence.
    pub const EILSEQ: Errno = Errno(84);
    /// Message too long.
    pub const EMSGSIZE: Errno = Errno(90);
    /// Option not available.
    pub const ENOPROTOOPT: Errno = Errno(92);
    /// Protocol not supported.
    pub const EPROTONOSUPPORT: Errno = Errno(93);
    /// Operation not supported.
    pub const EOPNOTSUPP: Errno = Errno(95);
    /// Address family not supported.
    pub const EAFNOSUPPORT: Errno = Errno(97);
    /// Address in use.
    pub const EADDRINUSE: Errno = Errno(98);
    /// Address not available.
    pub const EADDRNOTAVAIL: Errno = Errno(99);
    /// Network is down.
    pub const ENETDOWN: Errno = Errno(100);
    /// Network unreachable.
    pub const ENETUNREACH: Errno = Errno(101);
    /// No buffer space.
    pub const ENOBUFS: Errno = Errno(105);
    /// Timed out.
    pub const ETIMEDOUT: Errno = Errno(110);
    /// Connection refused.
    pub const ECONNREFUSED: Errno = Errno(111);
    /// Host is down.
    pub const EHOSTDOWN: Errno = Errno(112);
    /// Host unreachable.
    pub const EHOSTUNREACH: Errno = Errno(113);
    /// Already in progress.
    pub const EALREADY: Errno = Errno(114);
    /// In progress.
    pub const EINPROGRESS: Errno = Errno(115);
    /// Canceled.
    pub const ECANCELED: Errno = Errno(125);
    /// Not supported.
    pub const ENOTSUPP: Errno = Errno(524);

    /// The number as a program sees it in `r0`: negative.
    pub const fn as_return(self) -> i64 {
        -(self.0 as i64)
    }

    /// The name, such as `EINVAL`.
    pub fn name(self) -> Option<&'static str> {
        self.entry().map(|(_, name, _)| *name)
    }

    /// The meaning in a few words.
    pub fn meaning(self) -> Option<&'static str> {
        self.entry().map(|(_, _, meaning)| *meaning)
    }

    fn entry(self) -> Option<&'static (Errno, &'static str, &'static str)> {
        TABLE.iter().find(|(errno, _, _)| *errno == self)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry() {
            Some((_, name, meaning)) => write!(f, "{name}, {meaning}"),
            None => write!(f, "errno {}", self.0),
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "Errno({})", self.0),
        }
    }
}
