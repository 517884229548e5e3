pub(super) mod export;
