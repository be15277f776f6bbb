//! Rows that wait: for their reader, for room, or for nobody any more.

use crate::operations::holding;
use crate::support::{Plan, Rig, same};
use http_container_abi::Status;

#[test]
fn withdrawing_a_wait_for_rows_poisons_nothing() {
    let mut rig = holding(
        "query 2 L c:n/hold/r:1/ok; yield | rows 3 L; cancel 3; rows 3 L; rows 4 L; refusal; yield
         | rows 4 L; rows 4 L; release L clean; respond 200; done",
    );
    rig.world.complete(&rig.world.host("db"), "hold-db1", 103, Status::OK, 0);
    rig.run();
    same(
        &rig.log_of(&["a"]),
        "a start
         a acquire 1 db 0 L = HC_OK
         a query 2 L c:n/hold/r:1/ok = HC_PENDING
         a resume SQL#2 HC_OK 0
         a rows 3 L = HC_PENDING
         a cancel 3 = HC_OK
         a rows 3 L = HC_PENDING
         a rows 4 L = HC_E_BUSY
         a refusal = sql.rows
         a resume SQL_ROWS#3 HC_OK 0
         a rows 4 L = 1 [1]
         a rows 4 L = HC_END
         a release L clean = HC_OK
         a respond 200 = HC_OK
         a finish HC_OK",
    );
    rig.end();
}

#[test]
fn who_waits_for_room_and_for_requests_hears_both() {
    for end in ["release L clean", "cancel 2; release L clean", "release L broken"] {
        let mut rig = holding("query 2 L c:n/n:40000,100/ok; completion 9 go; yield | completion 9 go; yield | END; timer 3 1; yield".replace("END", end).as_str());
        // What it goes on to give is taken and thrown away, by whole rows.
        rig.world.script("interrupt", "n:7,10");
        let log = rig.log_of(&["db1"]);
        assert!(log.contains("db1 n:40000,100 = HC_PENDING"), "{log}");
        rig.world.complete(&rig.world.host("a"), "go", 9, Status::OK, 0);
        rig.run();
        rig.world.complete(&rig.world.host("a"), "go", 9, Status::OK, 0);
        rig.run();
        let log = rig.log_of(&["db1"]);
        assert!(log.contains("db1 resume MEMBER_ROOM#102 HC_OK 0, MEMBER#101 HC_OK 0"), "{end}: {log}");
        let then = "db1 < interrupt\ndb1 n:7,10 = HC_DISCARDED 7\ndb1 ok = HC_OK";
        assert!(log.contains(then), "{end}: {log}");
        assert_eq!(log.contains("db1 < close"), end.ends_with("broken"), "{end}: {log}");
        rig.end();
    }
}

#[test]
fn what_is_thrown_away_is_counted_in_rows_and_still_checked() {
    // As a member would that hears nothing of interrupts.
    let mut rig = Rig::ahead(&Plan::database(1));
    rig.world.script(
        "member-db",
        "ready; next 1; yield | next 0; completion 5 c; yield
         | r 0 1; c 0 a b; c 0 a; r 0 1 2 3 4; r 0 1; r 0; result ok; serve",
    );
    rig.request("acquire 1 db none L; yield | query 2 L ok; completion 9 go; yield | release L clean; timer 3 1; yield");
    rig.world.complete(&rig.world.host("a"), "go", 9, Status::OK, 0);
    rig.run();
    rig.log();
    rig.world.complete(&rig.world.host("db"), "c", 5, Status::OK, 0);
    rig.run();
    same(
        &rig.log_of(&["db1"]),
        "db1 resume COMPLETION#5 HC_OK 0
         db1 r 0 1 = HC_E_STATE 0
         db1 c 0 a b = HC_OK
         db1 c 0 a = HC_E_STATE
         db1 r 0 1 2 3 4 = HC_DISCARDED 2
         db1 r 0 1 = HC_E_INVALID 0
         db1 r 0 = HC_DISCARDED 0
         db1 result ok = HC_OK
         db1 < reset
         db1 ok = HC_OK",
    );
    rig.end();
}
