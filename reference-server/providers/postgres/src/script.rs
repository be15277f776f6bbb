//! Several statements in one text, whose rows nobody sees. Must not know transactions.

use std::future::poll_fn;
use std::pin::pin;

use futures_core::Stream;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::failure::Failure;

/// Runs the statements of `text`, and answers how many rows the last of them changed or found \[sql.script.run\].
pub(crate) async fn run(client: &Client, text: &str) -> Result<u64, Failure> {
    let mut last = 0;
    each(client, text, |message| {
        if let SimpleQueryMessage::CommandComplete(rows) = message {
            last = *rows;
        }
    })
    .await?;
    Ok(last)
}

/// The first column of what the statements of `text` answer.
pub(crate) async fn first_column(client: &Client, text: &str) -> Result<Vec<String>, Failure> {
    let mut values = Vec::new();
    each(client, text, |message| {
        if let SimpleQueryMessage::Row(row) = message {
            values.extend(row.get(0).map(str::to_owned));
        }
    })
    .await?;
    Ok(values)
}

/// Rows are let go one by one, so that an answer of any size costs the same.
async fn each(client: &Client, text: &str, mut see: impl FnMut(&SimpleQueryMessage)) -> Result<(), Failure> {
    let mut messages = pin!(client.simple_query_raw(text).await?);
    while let Some(message) = poll_fn(|context| messages.as_mut().poll_next(context)).await {
        see(&message?);
    }
    Ok(())
}
