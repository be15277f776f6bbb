//! The PostgreSQL of a run, and what it says of its connections. It must not know what is measured.

use hc_services::{Postgres, PostgresSession, PostgresSettings, Sampler};

/// The table that every contender selects from: `modules/query.c` makes the same one where there is none.
const TABLE: &str = "CREATE TABLE bench (id BIGINT PRIMARY KEY, value TEXT NOT NULL); \
                     INSERT INTO bench SELECT i, 'value-' || (100000 + i) FROM generate_series(1, 1000) AS i; \
                     ANALYZE bench";

/// A PostgreSQL of one's own, on a free port, with the table. It ends with this value, or with the bench.
pub struct Database {
    server: Postgres,
}

impl Database {
    /// Starts it; an error says what is missing.
    pub fn start() -> Result<Self, String> {
        let settings = PostgresSettings { options: &["max_connections=64"], ..PostgresSettings::default() };
        let server = Postgres::start_with("bench", &settings)
            .ok_or("PostgreSQL is not installed (apt-get install postgresql)")?;
        server.session().run(TABLE);
        Ok(Self { server })
    }

    /// Its URL for a contender, whose connections go by that name.
    pub fn url(&self, application: &str) -> String {
        format!("{}?application_name={application}", self.server.url())
    }

    /// Counts the connections by that name all the time, about every millisecond.
    pub fn sample(&self, application: &str) -> Sampler {
        self.server.sample_backends(&format!("application_name = '{application}'"))
    }

    /// A session for questions.
    pub fn session(&self) -> PostgresSession {
        self.server.session()
    }
}
