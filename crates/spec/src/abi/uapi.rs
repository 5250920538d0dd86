//! The shape that all UAPI enumerations share: a number, the C name, and a short name.

/// Defines an enumeration of the UAPI from one line a member:
/// `Variant = number, "C name", "short name";`.
///
/// The numbers must be given in ascending order. Members can carry further documentation; the C
/// name is documented by the macro.
macro_rules! uapi_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $(#[$member_meta:meta])* $member:ident = $number:literal, $uapi:literal, $short:literal; )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u32)]
        pub enum $name {
            $(
                #[doc = concat!("`", $uapi, "`.")]
                $(#[$member_meta])*
                $member = $number,
            )*
        }

        impl $name {
            /// Every member, by ascending number.
            pub const ALL: &'static [Self] = &[$(Self::$member),*];

            /// The number in the UAPI.
            #[must_use]
            pub const fn number(self) -> u32 {
                self as u32
            }

            /// The member with this UAPI number.
            #[must_use]
            pub const fn from_u32(number: u32) -> Option<Self> {
                match number {
                    $( $number => Some(Self::$member), )*
                    _ => None,
                }
            }

            /// The constant's name in the UAPI header.
            #[must_use]
            pub const fn uapi_name(self) -> &'static str {
                match self {
                    $( Self::$member => $uapi, )*
                }
            }

            /// The short name, as libbpf and bpftool write it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$member => $short, )*
                }
            }

            /// The member with this short name or UAPI name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $( $uapi | $short => Some(Self::$member), )*
                    _ => None,
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

pub(crate) use uapi_enum;
