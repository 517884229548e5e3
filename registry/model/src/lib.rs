//! The registry's vocabulary: names, digests, manifests, roles and policy values. No I/O.
