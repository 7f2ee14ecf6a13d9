//! Records that are the same on the wire as in the code, field by field: converted both ways from one list.

/// `alike!(core type = wire type { fields })`.
macro_rules! alike {
    ($core:ty = $wire:ty { $($field:ident),+ $(,)? }) => {
        impl From<$core> for $wire {
            fn from(of: $core) -> Self {
                Self { $($field: of.$field),+ }
            }
        }

        impl From<$wire> for $core {
            fn from(of: $wire) -> Self {
                Self { $($field: of.$field),+ }
            }
        }
    };
}

pub(super) use alike;
