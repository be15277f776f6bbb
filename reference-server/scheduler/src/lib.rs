//! Per-worker deques, stealing and parking; knows nothing of HTTP or modules.
