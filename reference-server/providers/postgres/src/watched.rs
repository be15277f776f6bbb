//! A stream with somebody who listens to what comes in. Must not know what is listened for.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use hc_connect::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::watch::{Heard, Watch};

/// A stream whose incoming bytes are listened to.
pub(crate) struct Watched {
    stream: Stream,
    watch: Watch,
    heard: Rc<Heard>,
}

impl Watched {
    pub(crate) fn new(stream: Stream, heard: Rc<Heard>) -> Self {
        Self { stream, watch: Watch::default(), heard }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        this.watch.feed(&buffer.filled()[before..], &this.heard);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
