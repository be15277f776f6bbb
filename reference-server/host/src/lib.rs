//! The container's core: modules, tasks, completions; knows nothing of sockets.
