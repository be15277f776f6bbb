//! A database that is there and says nothing: what the container waits for has an end, and it takes the place back.

use crate::site::{
    Resource, answered, begin, perform, site, wait_for_service, wait_for_usage, wait_until_free,
};
use hc_services::{Postgres, Proxy, Redis};

const ONE: &str = "acquire db | query SELECT 1 | release";
const SLOW: &str = "acquire db | query SELECT 1 FROM pg_sleep(1000) | release";

/// The client of a query leaves, and nothing answers the interrupt: the member is thrown away. The next one cannot be opened:
/// who waits is told so. When the network is back, so is the service.
#[test]
fn an_interrupt_is_not_answered() {
    let Some(postgres) = Postgres::start("muted") else { return };
    let proxy = Proxy::before(postgres.address());
    let more = "max = 1\nmember_timeout_ms = 200\nacquire_timeout_ms = 60000";
    let server = site("muted", 2, &[Resource::postgres(&postgres.url_at(proxy.address()), more)], "");
    let leaving = begin(&server, SLOW);
    postgres.wait_for_backends("state = 'active' AND query LIKE '%pg_sleep%'", 1);
    proxy.hold();
    let mut waiting = begin(&server, "?acquire db");
    wait_for_usage(&server, "db", "one waits", |usage| usage.waiting == 1);
    leaving.reset();
    assert_eq!(answered(&mut waiting), "acquire HC_E_RESOURCE\n");
    proxy.cut();
    proxy.pass();
    wait_for_service(&server, ONE);
    wait_until_free(&server, "db");
    server.stop();
}

/// A member that was idle for a second is checked before it is lent; one that does not answer is replaced, and the task never
/// hears of it [resource.member.check].
#[test]
fn a_check_is_not_answered() {
    let Some(postgres) = Postgres::start("check") else { return };
    let proxy = Proxy::before(postgres.address());
    let more = "max = 1\nmember_timeout_ms = 1000\nacquire_timeout_ms = 60000";
    let server = site("check", 2, &[Resource::postgres(&postgres.url_at(proxy.address()), more)], "");
    perform(&server, ONE);
    postgres.wait_for_backends("state = 'idle' AND state_change < now() - interval '1.2 s'", 1);
    proxy.hold();
    let mut waiting = begin(&server, ONE);
    wait_for_usage(&server, "db", "it is being checked", |usage| usage.in_use == 1);
    // The network is back for new connections; the old one stays mute, since what it was to carry is lost.
    proxy.cut();
    proxy.pass();
    answered(&mut waiting);
    assert_eq!(postgres.log().matches("connection authorized: user=hc ").count(), 2);
    server.stop();
}

/// The same for a store: the command has no bound of its own, but the client has.
#[test]
fn a_store_is_muted() {
    let Some(redis) = Redis::start("muted") else { return };
    let proxy = Proxy::before(redis.address());
    let more = "max = 1\nmember_timeout_ms = 200";
    let server = site("muted-store", 2, &[Resource::redis(&Redis::url_at(proxy.address()), more)], "");
    perform(&server, "acquire cache | kv set a 1 | release");
    proxy.hold();
    let leaving = begin(&server, "acquire cache | kv get a | release");
    wait_for_usage(&server, "cache", "one uses it", |usage| usage.in_use == 1);
    leaving.reset();
    wait_for_usage(&server, "cache", "it is thrown away", |usage| usage.in_use == 0 && usage.idle == 0);
    proxy.cut();
    proxy.pass();
    let told = wait_for_service(&server, "acquire cache | kv get a | release");
    assert!(told.contains("found 1 number 0 1 kv HC_OK"), "{told}");
    server.stop();
}
