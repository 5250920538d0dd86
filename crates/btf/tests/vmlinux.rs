//! The kernel's own BTF.

use std::time::Instant;

use skep_btf::{Btf, Kind};

#[test]
fn the_kernels_types_parse() {
    let Ok(bytes) = std::fs::read("/sys/kernel/btf/vmlinux") else { return };
    let start = Instant::now();
    let btf = Btf::parse(&bytes).unwrap();
    eprintln!("{:?} in {:?}", btf, start.elapsed());
    let start = Instant::now();
    let task = btf.find_by_name("task_struct", Kind::Struct).unwrap();
    eprintln!("{task} in {:?}", start.elapsed());
    let start = Instant::now();
    let task = btf.find_by_name("sk_buff", Kind::Struct).unwrap();
    eprintln!("{task} in {:?}", start.elapsed());
    assert_eq!(btf.to_bytes(), bytes);
}
