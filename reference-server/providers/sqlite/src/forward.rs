//! Handing the rows of an answer on to the container, as fast as their reader takes them. Must not know where they are from.

use std::future::poll_fn;
use std::sync::Arc;

use http_container::provider::{Member, Taken};
use http_container::{Error, offload, sleep};

use crate::chunk::Chunk;
use crate::connection::{Fault, on_pool};
use crate::row_queue::{Next, RowQueue};
use crate::spill::Part;

/// How long to wait before another attempt to read from the file, when the pool has too much to do.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(5);

/// Hands on what comes, until there is no more.
pub(crate) async fn forward(member: &Member, queue: Arc<RowQueue>) -> Result<(), Error> {
    let result = until_the_end(member, &queue).await;
    // If it ended before its time, nothing more is to be kept.
    queue.discard();
    if queue.has_file() {
        // To give back the place of a large file takes a while.
        let _ = offload(move || drop(queue)).await;
    }
    result
}

async fn until_the_end(member: &Member, queue: &RowQueue) -> Result<(), Error> {
    loop {
        match poll_fn(|context| queue.poll_next(context)).await {
            Next::Columns(names) => member.columns(&names)?,
            Next::Chunk(chunk) => hand_on(member, queue, &chunk).await?,
            Next::Spilled(part) => {
                for bytes in read(Arc::new(part)).await? {
                    hand_on(member, queue, &Chunk::from_bytes(bytes)).await?;
                }
            }
            Next::End => return Ok(()),
        }
    }
}

async fn hand_on(member: &Member, queue: &RowQueue, chunk: &Chunk) -> Result<(), Error> {
    let values = chunk.values().map_err(|_| Error::new("rows came back damaged from their file"))?;
    if member.rows(&values).await? == Taken::Discarded {
        queue.discard();
    }
    Ok(())
}

async fn read(part: Arc<Part>) -> Result<Vec<Vec<u8>>, Error> {
    loop {
        let this = Arc::clone(&part);
        match on_pool(move || this.read()).await {
            Ok(pieces) => {
                return pieces.map_err(|error| Error::new(format!("rows could not be read: {error}")));
            }
            Err(Fault::Failed(_)) => sleep(PAUSE).await,
            Err(Fault::Lost(error)) => return Err(error),
        }
    }
}
