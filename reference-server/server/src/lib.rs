//! The reference server: shards, listeners, configuration, operations.
