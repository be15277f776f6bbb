//! Streams with tokio's IO traits as hyper wants them. Must not know which stream, or what hyper does with it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that one read takes at most.
const READ_BYTES: usize = 16 * 1024;

/// A stream of [`net`](crate::net), or any other with tokio's IO traits, for hyper's connections.
#[derive(Debug)]
pub struct HyperIo<T> {
    stream: T,
    /// hyper's buffer is not initialised, and filling it in place takes unsafe code: bytes come through here.
    buffer: Box<[u8]>,
}

impl<T> HyperIo<T> {
    /// Wraps a stream.
    #[must_use]
    pub fn new(stream: T) -> Self {
        Self { stream, buffer: vec![0; READ_BYTES].into() }
    }

    /// The stream.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.stream
    }
}

impl<T: AsyncRead + Unpin> Read for HyperIo<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let size = cursor.remaining().min(this.buffer.len());
        let mut buffer = ReadBuf::new(&mut this.buffer[..size]);
        std::task::ready!(Pin::new(&mut this.stream).poll_read(context, &mut buffer))?;
        cursor.put_slice(buffer.filled());
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> Write for HyperIo<T> {
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

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, data)
    }
}
