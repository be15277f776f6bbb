//! A file for rows whose reader is slower than the database: written by the thread that runs the statement, read by another.
//! Nobody else sees it, and it is gone when both are done with it. Must not know what the bytes mean.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// The file.
#[derive(Clone)]
pub(crate) struct Spill(Arc<File>);

/// A part of the file that was written and not read yet: pieces, one after the other.
pub(crate) struct Part {
    spill: Spill,
    offset: u64,
    sizes: Vec<usize>,
}

impl Spill {
    /// A new file without a name, in that folder or where the system has such files.
    pub(crate) fn new(folder: Option<&Path>) -> io::Result<Self> {
        let file = match folder {
            Some(folder) => tempfile::tempfile_in(folder)?,
            None => tempfile::tempfile()?,
        };
        Ok(Self(Arc::new(file)))
    }

    pub(crate) fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    /// The part at `offset` that has pieces of those sizes.
    pub(crate) fn part(&self, offset: u64, sizes: Vec<usize>) -> Part {
        Part { spill: self.clone(), offset, sizes }
    }
}

impl Part {
    /// Reads the pieces. It blocks, as files do.
    pub(crate) fn read(&self) -> io::Result<Vec<Vec<u8>>> {
        let mut offset = self.offset;
        let mut pieces = Vec::with_capacity(self.sizes.len());
        for size in &self.sizes {
            let mut bytes = vec![0; *size];
            self.spill.0.read_exact_at(&mut bytes, offset)?;
            offset += *size as u64;
            pieces.push(bytes);
        }
        Ok(pieces)
    }
}
