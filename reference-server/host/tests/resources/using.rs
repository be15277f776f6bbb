//! One request of a holder to its member and back.

use crate::support::{Plan, Rig, same};

#[test]
fn a_statement_goes_to_the_member_and_its_rows_come_back() {
    let mut rig = Rig::ahead(&Plan::database(2));
    rig.request(
        "acquire 1 db none L; yield
         | interface L; query 2 L c:n,t/r:1,one/r:2,two/ok:2 7 x; yield
         | columns L; rows 3 L; rows 3 L; outcome L; release L clean; interface L; respond 200; done",
    );
    same(
        &rig.log(),
        "a start
         a acquire 1 db none L = HC_PENDING
         db1 start
         db1 ready = HC_OK
         a resume ACQUIRE#1 HC_OK 0
         a interface L = sql
         a query 2 L c:n,t/r:1,one/r:2,two/ok:2 7 x = HC_PENDING
         db1 resume MEMBER#101 HC_OK 0
         db1 < statement c:n,t/r:1,one/r:2,two/ok:2 Int64(7) Text(\"x\")
         db1 c:n,t = HC_OK
         db1 r:1,one = HC_OK 1
         db1 r:2,two = HC_OK 1
         db1 ok:2 = HC_OK
         a resume SQL#2 HC_OK 0
         a columns L = [n, t]
         a rows 3 L = 4 [1, one, 2, two]
         a rows 3 L = HC_END
         a outcome L = HC_OK 2 [] []
         a release L clean = HC_OK
         a interface L = none
         > 200 \"\"
         a respond 200 = HC_OK
         a finish HC_OK
         > ended HC_OK",
    );
    rig.end();
}
