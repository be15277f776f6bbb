//! Where a shard keeps its connections: by place, with a generation that tells a connection from its predecessors.

use crate::connection::Connection;
use crate::door::Place;

struct Entry {
    generation: u32,
    connection: Option<Box<Connection>>,
}

/// The connections of one shard.
#[derive(Default)]
pub struct Table {
    entries: Vec<Entry>,
    free: Vec<u32>,
}

impl Table {
    /// A place for a new connection; fill it by [`Table::put`].
    pub fn reserve(&mut self) -> Place {
        if let Some(index) = self.free.pop() {
            return Place { index, generation: self.entries[index as usize].generation };
        }
        self.entries.push(Entry { generation: 0, connection: None });
        Place { index: self.entries.len() as u32 - 1, generation: 0 }
    }

    /// Takes a connection out to be driven; `None` when it is gone.
    pub fn take(&mut self, place: Place) -> Option<Box<Connection>> {
        let entry = self.entries.get_mut(place.index as usize)?;
        if entry.generation == place.generation { entry.connection.take() } else { None }
    }

    /// Puts it back.
    pub fn put(&mut self, place: Place, connection: Box<Connection>) {
        self.entries[place.index as usize].connection = Some(connection);
    }

    /// Gives the place free, after its connection was taken out.
    pub fn release(&mut self, place: Place) {
        let entry = &mut self.entries[place.index as usize];
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(place.index);
    }

    /// All places that hold a connection.
    pub fn places(&self) -> Vec<Place> {
        let held = self.entries.iter().enumerate().filter(|(_, entry)| entry.connection.is_some());
        held.map(|(index, entry)| Place { index: index as u32, generation: entry.generation }).collect()
    }
}
