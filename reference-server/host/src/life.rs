//! The life of instances as the control thread drives it: create, replace, destroy.
//!
//! No step of an instance runs while its `create` or `destroy` does; what `create` spawns is held back until it has
//! returned. The control thread may be any thread, a worker's included, as long as no module runs on it.

use crate::calls::InstanceHost;
use crate::container::{Container, lock};
use crate::instance::{CreateError, Instance, Stage};
use crate::report::Level;
use crate::worker::{self, Control};
use http_container_abi::{HostTable, Status};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Container {
    /// Creates an instance of every module; the first refusal ends it.
    pub fn create_instances(self: &Arc<Self>) -> Result<(), CreateError> {
        // Providers first: what they offer is what the others find [resource.provider.first].
        let all = 0..self.modules.len() as u32;
        let (providers, others): (Vec<u32>, Vec<u32>) =
            all.partition(|module| self.registry.of_provider(*module).is_some());
        self.name_permits();
        providers.into_iter().try_for_each(|module| self.create_provider(module))?;
        others.into_iter().try_for_each(|module| self.create_instance(module).map(|_| ()))?;
        self.pool.run(self).map_err(|error| {
            let blocking = self.modules.iter().find(|module| module.is_blocking());
            let module = blocking.map_or_else(String::new, |module| module.name.clone());
            let text = format!("a thread for its steps, which may block, cannot be had: {error}");
            self.tell(Level::Error, &module, "thread.blocking.workers", &text);
            CreateError { module, status: Status::E_IO }
        })?;
        self.open_resources();
        Ok(())
    }

    /// The instance of a provider, which has to offer something.
    fn create_provider(self: &Arc<Self>, module: u32) -> Result<(), CreateError> {
        let Some(pool) = self.registry.of_provider(module) else { return Ok(()) };
        let name = &self.modules[module as usize].name;
        let refused = match self.create_instance(module) {
            Ok(_) if self.has_interface(pool) => return Ok(()),
            Ok(_) => CreateError { module: name.clone(), status: Status::E_UNSUPPORTED },
            Err(refused) => refused,
        };
        let resource = &self.registry.resources[pool as usize].name;
        let status = refused.status.name();
        let text = format!(
            "the provider of resource \"{resource}\" offers no interface, or refused to start: {status}"
        );
        self.tell(Level::Error, name, "resource.provider.refused", &text);
        Err(refused)
    }

    fn create_instance(self: &Arc<Self>, module: u32) -> Result<u32, CreateError> {
        let entry = &self.modules[module as usize];
        let instance = {
            let mut instances = lock(&self.instances);
            let index = instances.len() as u32;
            let mut instance = Instance::new(index, module, entry.table, self.workers.len());
            instance.image = self.image_of(&entry.table);
            let instance = Arc::new(instance);
            instances.push(Arc::clone(&instance));
            instance
        };
        let host = HostTable::new(InstanceHost::new(self, &instance));
        let pointer = host.as_ptr();
        let _ = instance.host.set(host);
        let call = || entry.table.create(pointer, entry.config.as_bytes());
        let made = worker::in_control(Control::Create(instance.index), || {
            self.watch_life(&instance, "create", call)
        });
        let held = {
            let mut life = instance.life();
            life.stage = if made.is_ok() { Stage::Live } else { Stage::Refused };
            if let Ok(state) = made {
                let _ = instance.state.set(state);
            }
            std::mem::take(&mut life.held)
        };
        match made {
            Ok(_) => {
                let previous = entry.current.swap(instance.index, Ordering::SeqCst);
                self.retire(previous);
                held.into_iter().for_each(|(target, task)| self.place(&instance, target, task));
                Ok(instance.index)
            }
            Err(status) => {
                instance.over.store(true, Ordering::SeqCst);
                held.into_iter().for_each(|(_, task)| self.drop_fresh(task, Status::E_FAILED));
                Err(CreateError { module: entry.name.clone(), status })
            }
        }
    }

    fn retire(&self, index: u32) {
        let Some(instance) = self.instance(index) else { return };
        instance.retired_ns.store(self.now_ns(), Ordering::SeqCst);
        instance.retired.store(true, Ordering::SeqCst);
        if let Some(pool) = self.registry.of_provider(instance.module) {
            let now_ns = self.rough_now_ns();
            self.decide(|pools| pools.retire(pool, now_ns));
        }
        self.look_at_instances();
    }

    /// Makes every worker look at what became of the instances.
    pub(crate) fn look_at_instances(&self) {
        self.retirement.fetch_add(1, Ordering::SeqCst);
        self.wake_all();
    }

    /// Work for the control thread, after [`Hooks::attend`](crate::Hooks::attend): replaces failed instances, ends and
    /// destroys old ones. Answers after how many ns to come again, if something had to wait.
    pub fn maintain(self: &Arc<Self>) -> Option<u64> {
        self.wants_care.store(false, Ordering::SeqCst);
        let all: Vec<_> = lock(&self.instances).clone();
        let waits = all.iter().filter_map(|instance| {
            self.destroy(instance, false);
            [self.expire(instance), self.replace(instance)].into_iter().flatten().min()
        });
        waits.min()
    }

    /// Ends the time of an old instance that still has tasks.
    fn expire(&self, instance: &Instance) -> Option<u64> {
        let is_old = instance.retired.load(Ordering::SeqCst) && !instance.over.load(Ordering::SeqCst);
        if !is_old || instance.expired.load(Ordering::SeqCst) {
            return None;
        }
        let due = instance.retired_ns.load(Ordering::SeqCst).saturating_add(self.limits.retired_instance_ns);
        let now = self.now_ns();
        if now < due {
            return Some(due - now);
        }
        instance.expired.store(true, Ordering::SeqCst);
        self.look_at_instances();
        None
    }

    /// Makes a fresh instance where the one that serves has failed [isolation.panic.replace].
    fn replace(self: &Arc<Self>, instance: &Instance) -> Option<u64> {
        let module = &self.modules[instance.module as usize];
        let serves = module.current.load(Ordering::SeqCst) == instance.index;
        if !(serves && instance.failed.load(Ordering::SeqCst)) || self.is_draining() {
            return None;
        }
        let last = module.replaced_ns.load(Ordering::SeqCst);
        let due = last + self.limits.replace_interval_ns;
        let now = self.now_ns();
        if now < due && last != 0 {
            return Some(due - now);
        }
        module.replaced_ns.store(now.max(1), Ordering::SeqCst);
        let id = module.table.info().id;
        let (again, text) = match self.create_instance(instance.module) {
            Ok(_) => {
                (self.expire(instance), format!("a fresh instance of {id} serves in place of the failed one"))
            }
            Err(error) => (
                Some(self.limits.replace_interval_ns),
                format!("the failed instance of {id} goes on serving: {error}"),
            ),
        };
        self.tell(Level::Error, &module.name, "isolation.panic.replace", &text);
        again
    }

    /// Ends every instance, after the workers have left: the last call on a container. Ends the threads of modules that
    /// block before; one that does not come back in time is left behind, and its instances are not destroyed.
    pub fn destroy_instances(&self) {
        self.closing.store(true, Ordering::SeqCst);
        let all_ended = self.pool.stop(self.limits.blocking_stop_ns);
        let all_returned = self.offload.stop(self.limits.blocking_stop_ns);
        let mut all: Vec<_> = lock(&self.instances).clone();
        // Providers last, for others used what they made.
        all.sort_by_key(|instance| self.registry.of_provider(instance.module).is_some());
        for instance in &all {
            let module = &self.modules[instance.module as usize];
            let is_free = all_returned || instance.life().attached == 0;
            if is_free && (all_ended || !module.is_blocking()) {
                self.destroy(instance, true);
            } else {
                let text = "a step, or work handed over, does not return: the instance is not destroyed";
                self.tell(Level::Error, &module.name, "module.destroy.last", text);
            }
        }
    }

    fn destroy(&self, instance: &Instance, by_force: bool) {
        if instance.take_destroy(by_force) {
            let module = &self.modules[instance.module as usize];
            self.tell(Level::Debug, &module.name, "", "the instance is being destroyed");
            let call = || instance.table.destroy(instance.state());
            worker::in_control(Control::Destroy(instance.index), || {
                self.watch_life(instance, "destroy", call);
            });
        }
    }
}
