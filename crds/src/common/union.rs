//! Choices: structs of optional members of which exactly one is set.

/// Gives a struct of optional members an accessor that answers with an enum.
///
/// The struct itself carries `#[schemars(extend("x-slipway-one-of" = [...]))]`, from which the generator makes the
/// rule that the API server enforces; a test compares the two lists.
macro_rules! union {
    (
        $(#[$doc:meta])*
        $owner:ty, $path:literal: $method:ident() -> $kind:ident {
            $($(#[$member_doc:meta])* $member:ident / $name:literal => $variant:ident($type:ty)),+ $(,)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub enum $kind<'a> {
            $($(#[$member_doc])* $variant(&'a $type),)+
        }

        impl $owner {
            /// The member that is set. An error only for objects that the API server has never seen.
            pub fn $method(&self) -> Result<$kind<'_>, $crate::common::InvalidChoice> {
                let refusal = $crate::common::InvalidChoice {
                    field: $path,
                    members: $crate::common::union!(@join $($name),+),
                };
                refusal.pick([$(self.$member.as_ref().map($kind::$variant)),+])
            }
        }
    };
    (@join $first:literal $(, $rest:literal)*) => { concat!($first $(, ", ", $rest)*) };
}
pub(crate) use union;
