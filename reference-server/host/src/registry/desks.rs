//! The desk of each member's present life, by its place. It lies behind the lock of the decisions, so that what is lent and
//! where its desk is are looked up at once. It must not know what members do.
//!
//! A desk goes to the holder with the lease and comes back with it: counting who has it would cost as much as a lock, and
//! nobody looks for the desk of a leased member here.

use super::desk::Desk;
use super::pool::Place;
use std::sync::Arc;

/// By pool and member.
pub(super) struct Desks(Vec<Box<[Option<Arc<Desk>>]>>);

impl Desks {
    /// None yet, for pools of so many members each.
    pub fn new(maxima: impl Iterator<Item = u32>) -> Desks {
        Desks(maxima.map(|max| vec![None; max as usize].into()).collect())
    }

    fn entry(&mut self, place: Place) -> Option<&mut Option<Arc<Desk>>> {
        self.0.get_mut(place.pool as usize)?.get_mut(place.member as usize)
    }

    /// The desk of a member that is not leased, in that life.
    pub fn find(&self, place: Place) -> Option<&Arc<Desk>> {
        let found = self.0.get(place.pool as usize)?.get(place.member as usize)?.as_ref();
        found.filter(|desk| desk.place == place)
    }

    /// Takes the desk of a member that was lent; one that nobody sits at when the member has ended meanwhile.
    pub fn take(&mut self, place: Place) -> Arc<Desk> {
        let found = self.entry(place).and_then(|entry| entry.take_if(|desk| desk.place == place));
        found.unwrap_or_else(|| Arc::new(Desk::deserted(place)))
    }

    /// A member begins a life, or comes back in it.
    pub fn put(&mut self, desk: Arc<Desk>) {
        if let Some(entry) = self.entry(desk.place) {
            *entry = Some(desk);
        }
    }

    /// A member has ended; its next life may have a desk already.
    pub fn clear(&mut self, place: Place) {
        if let Some(entry) = self.entry(place) {
            entry.take_if(|desk| desk.place == place);
        }
    }
}
