//! Which filters the kernel takes, and which the checker.

use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;

use skep::command::Errno;
use skep::spec::classic::ancillary::Ancillary;
use skep::spec::classic::insn::{Insn, Place, Register, Returned, Size, Value};
use skep::spec::classic::{self, Raw, Rules};
use skep_linux::{SeccompReferee, attach_filter};

use crate::generate::{self, Kind};
use crate::random::Random;

/// How many random filters either is asked about.
const FILTERS: usize = 10_000;

const SOCKET: Kind = Kind { rules: Rules::Socket, ancillary: Ancillary::ALL, link: true };
const SECCOMP: Kind = Kind { rules: Rules::Seccomp, ancillary: &[], link: false };

/// Whether a socket takes a filter. That it is too long once translated says that it keeps the rules.
fn socket_takes(socket: &UnixDatagram, raws: &[Raw]) -> bool {
    match attach_filter(socket.as_fd(), raws) {
        Ok(()) | Err(Errno::ENOMEM) => true,
        Err(Errno::EINVAL) => false,
        Err(errno) => panic!("SO_ATTACH_FILTER: {errno}"),
    }
}

fn socket() -> UnixDatagram {
    UnixDatagram::unbound().unwrap()
}

#[track_caller]
fn check(rules: Rules, raws: &[Raw], kernel: bool) {
    let ours = classic::check(raws, rules);
    let text = || classic::dump::print(raws, classic::dump::Form::Initialisers).unwrap_or_default();
    assert_eq!(ours.is_ok(), kernel, "{rules:?}: {:?}\n{}", ours.err(), text());
}

/// Compares on random filters; about half of them have to be accepted.
fn compare(kind: Kind, takes: impl Fn(&[Raw]) -> bool) {
    let mut random = Random::new(0x00c1_a551_c000);
    let mut accepted = 0;
    for _ in 0..FILTERS {
        let raws = generate::any(&mut random, kind);
        let kernel = takes(&raws);
        check(kind.rules, &raws, kernel);
        accepted += usize::from(kernel);
    }
    println!("{:?}: {accepted} of {FILTERS} accepted", kind.rules);
    assert!((FILTERS * 2 / 5..FILTERS * 3 / 5).contains(&accepted), "{accepted} accepted");
}

#[test]
fn random_filters_on_sockets() {
    let socket = socket();
    compare(SOCKET, |raws| socket_takes(&socket, raws));
}

#[test]
fn random_filters_of_seccomp() {
    std::thread::spawn(|| match SeccompReferee::on_this_thread() {
        Ok(referee) => compare(SECCOMP, |raws| referee.takes(raws).unwrap()),
        Err(errno) => testkit::skip(&format!("seccomp's verdicts on filters: {errno}")),
    })
    .join()
    .unwrap();
}

/// Every code, in every place of a filter where it matters, with numbers around the edges.
#[test]
fn every_code() {
    let socket = socket();
    std::thread::spawn(move || {
        let referee = SeccompReferee::on_this_thread();
        for code in 0..=0x1ff {
            for k in [0, 1, 3, 4, 15, 16, 31, 32, 60, 64, 0xffff_f000, 0xffff_f03c, 0xffff_f040] {
                let raw = Raw { code, jt: 0, jf: 0, k };
                let ret = Raw { code: 6, ..Raw::default() };
                for raws in [vec![raw], vec![raw, ret], vec![raw, ret, ret]] {
                    check(Rules::Socket, &raws, socket_takes(&socket, &raws));
                    if let Ok(referee) = &referee {
                        check(Rules::Seccomp, &raws, referee.takes(&raws).unwrap());
                    }
                }
            }
        }
        if let Err(errno) = referee {
            testkit::skip(&format!("seccomp's verdicts on every code: {errno}"));
        }
    })
    .join()
    .unwrap();
}

/// Filters of every length around the limits.
#[test]
fn lengths() {
    let socket = socket();
    let ret = Insn::Return(Returned::K(0)).to_raw();
    for len in [0, 1, 2, 4095, 4096, 4097] {
        let raws = vec![ret; len];
        check(Rules::Socket, &raws, socket_takes(&socket, &raws));
    }
}

/// Jumps over filters that become long when they are translated: those that just fit, and those
/// that just do not.
#[test]
fn long_jumps() {
    let socket = socket();
    let zero = Insn::Load { to: Register::A, value: Value::Imm(0) };
    let fillers = [
        Insn::LoadPacket { size: Size::W, place: Place::Abs(40_000) },
        Insn::LoadPacket { size: Size::H, place: Place::Abs(0) },
        Insn::LoadPacket { size: Size::B, place: Place::Ind(3) },
        Insn::LoadHeaderLen { k: 14 },
        Insn::LoadPacket { size: Size::W, place: Place::Abs(0xfff0_0000) },
        Insn::LoadPacket { size: Size::W, place: Place::Ancillary(Ancillary::IfIndex) },
        Insn::LoadPacket { size: Size::W, place: Place::Ancillary(Ancillary::VlanTagPresent) },
    ];
    let mut refused = 0;
    for filler in fillers {
        // Jumps over all fillers, and jumps that begin behind them.
        let takes = |count: usize, behind: usize, jump: Insn| {
            let mut insns = vec![zero; behind];
            insns.push(jump);
            insns.extend(vec![filler; count]);
            insns.push(Insn::Return(Returned::A));
            let raws = classic::encode(&insns);
            let kernel = socket_takes(&socket, &raws);
            check(Rules::Socket, &raws, kernel);
            kernel
        };
        for count in (1900..4090).step_by(73).chain(4080..4095) {
            let k = u32::try_from(count).unwrap();
            refused += usize::from(!takes(count, 0, Insn::Goto { k }));
        }
        for count in 2040..2060 {
            let k = u32::try_from(count).unwrap();
            refused += usize::from(!takes(count, 3, Insn::Goto { k }));
        }
        // A jump by one at the very end.
        for count in (1900..4090).step_by(31) {
            let mut insns = vec![filler; count];
            insns.push(Insn::Goto { k: 0 });
            insns.push(Insn::Return(Returned::A));
            let raws = classic::encode(&insns);
            let kernel = socket_takes(&socket, &raws);
            check(Rules::Socket, &raws, kernel);
            refused += usize::from(!kernel);
        }
    }
    assert!(refused > 20, "{refused} were refused");
}
