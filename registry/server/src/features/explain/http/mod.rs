pub(super) mod explain;
