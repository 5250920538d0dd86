//! Types of functions, for programs that need some.

use skep_btf::{Btf, BtfBuilder, FuncLinkage, IntEncoding, Param, TypeId};
use skep_spec::InsnIdx;
use skep_verifier::input::FuncInfo;

/// How many functions a program can have.
const FUNCTIONS: usize = 8;

/// The types of static functions that return a number.
pub(crate) struct Functions {
    btf: Btf,
    types: Vec<TypeId>,
}

impl Functions {
    pub(crate) fn new() -> Functions {
        let mut builder = BtfBuilder::new();
        let int = builder.int("int", 4, IntEncoding::Signed);
        let pointer = builder.ptr(TypeId::VOID);
        let params = [Param { name: "at", ty: pointer }];
        let proto = builder.func_proto(int, &params);
        let types = (0..FUNCTIONS)
            .map(|number| builder.func(&format!("f{number}"), proto, FuncLinkage::Static))
            .collect();
        let btf = builder.build().expect("the types are well formed");
        Functions { btf, types }
    }

    /// The types as the kernel takes them.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.btf.to_bytes()
    }

    /// The types, if functions are to have any.
    pub(crate) fn btf(&self, starts: &[u32]) -> Option<&Btf> {
        (!starts.is_empty()).then_some(&self.btf)
    }

    /// The types of functions that begin at these slots.
    pub(crate) fn infos(&self, starts: &[u32]) -> Vec<FuncInfo> {
        let info =
            |(start, type_id): (&u32, &TypeId)| FuncInfo { at: InsnIdx(*start), type_id: *type_id };
        starts.iter().zip(&self.types).map(info).collect()
    }
}
