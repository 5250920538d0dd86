//! Cgroup programs: verdicts and sysctl values; and infrared decoders.
use super::Proto;
use super::arg::Ret::*;
use super::row::*;
use crate::abi::HelperId::*;
use crate::abi::ProgType::*;

/// The rows of this family.
pub(super) const HELPERS: &[Proto] = &[
    row(GetRetval, &[], Integer, CGROUP_VERDICTS),
    row(SetRetval, &[ANY], Integer, CGROUP_VERDICTS),
    row(SysctlGetName, &[CTX, OUT, SIZE, ANY], Integer, types(&[CgroupSysctl])),
    row(SysctlGetCurrentValue, &[CTX, OUT, SIZE], Integer, types(&[CgroupSysctl])),
    row(SysctlGetNewValue, &[CTX, OUT, SIZE], Integer, types(&[CgroupSysctl])),
    row(SysctlSetNewValue, &[CTX, IN, SIZE], Integer, types(&[CgroupSysctl])),
    row(RcRepeat, &[CTX], Integer, types(&[LircMode2])).gpl(),
    row(RcKeydown, &[CTX, ANY, ANY, ANY], Integer, types(&[LircMode2])).gpl(),
    row(RcPointerRel, &[CTX, ANY, ANY], Integer, types(&[LircMode2])).gpl(),
];
