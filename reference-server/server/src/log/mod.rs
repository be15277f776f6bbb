//! What happened: the access log, the error log, and the texts of time.
