//! Side-by-side benchmarks of the reference server, the floor and its peers.
