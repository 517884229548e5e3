//! Blob storage: file system, memory (S3 to come) behind one trait.
