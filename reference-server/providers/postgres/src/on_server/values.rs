//! Values on their way to the server and back: beside what the server itself writes.

use hc_services::Postgres;
use http_container::provider::SqlValue;

use super::{rows, run, value, with_session};

/// For each type, values that show all its sides: made by the server from the number `n`, a thousand each.
const MADE: [(&str, &str); 13] = [
    ("numeric", "(random() * 2 - 1)::numeric * power(10::numeric, (n % 60) - 30)"),
    ("numeric", "round((random() * 2 - 1)::numeric * power(10::numeric, n % 12), n % 7)"),
    ("date", "date '4713-01-01 BC' + (random() * 3000000)::int"),
    ("timestamp", "timestamp '4713-01-01 BC' + random() * interval '9000 years'"),
    ("timestamptz", "timestamptz '2000-01-01' + (random() * 2 - 1) * interval '3000 years'"),
    ("time", "(random() * interval '1 day')::time"),
    ("timetz", "(random() * interval '1 day')::time + make_interval(mins => n) AT TIME ZONE '+05:30'"),
    (
        "interval",
        "make_interval(months => ((random() - 0.5) * 60 * (n % 3))::int, days => ((random() - 0.5) * 80 * (n % 2))::int, \
         secs => (random() - 0.5) * 1000000 * (n % 4))",
    ),
    ("uuid", "gen_random_uuid()"),
    ("text", "chr(n + 200) || repeat('ä', n % 5)"),
    ("jsonb", "jsonb_build_object('n', n, 'list', array[n, n / 2])"),
    ("\"char\"", "chr(n % 127 + 1)::\"char\""),
    ("xml", "xmlelement(name n, n)"),
];

/// Values beside their text where a cast to text is not what the server writes.
const ADDRESSES: [&str; 12] = [
    "10.0.0.1",
    "10.0.0.1/8",
    "0.0.0.0/0",
    "255.255.255.255/32",
    "::",
    "::1",
    "::1.2.3.4",
    "::ffff:1.2.3.4/100",
    "2001:db8::1:0:0:1",
    "1:0:0:2:0:0:0:3/64",
    "1:2:3:4:5:6:7:8",
    "1:0:2:3:4:5:6:7",
];

#[test]
fn what_is_written_here_is_what_the_server_writes() {
    let Some(server) = Postgres::start("notation") else { return };
    with_session(&server, |session| async move {
        run(&session, "SET TimeZone = 'UTC'").await;
        for (type_name, made) in MADE {
            let text = format!(
                "SELECT v, v::text FROM (SELECT ({made})::{type_name} AS v FROM generate_series(1, 1000) n) made"
            );
            let text = text.replace("AT TIME ZONE '+05:30'", "");
            let made = rows(&session, &text, &[]).await.expect(&text);
            assert_eq!(made.len(), 1000);
            for row in made {
                assert_eq!(row[0], row[1], "{type_name}");
            }
        }
        for address in ADDRESSES {
            let text = format!("SELECT a, format('%s', a) FROM (SELECT '{address}'::inet AS a) made");
            let row = rows(&session, &text, &[]).await.expect(&text);
            assert_eq!(row[0][0], row[0][1], "{address}");
        }
        for special in [
            "'10.0.0.0/8'::cidr",
            "'2001:db8::/32'::cidr",
            "'::1'::cidr",
            "'08:00:2b:01:02:03'::macaddr",
            "'(1,2)'::point",
            "'NaN'::numeric",
            "'-Infinity'::numeric",
            "'infinity'::date",
            "'-infinity'::timestamptz",
            "0::numeric",
            "'24:00'::time",
            "'01:02+03:04:05'::timetz",
            "'0'::interval",
            "'-1 mon +1 day'::interval",
            "''::text",
        ] {
            let text = format!("SELECT v, v::text FROM (SELECT {special} AS v) made");
            let row = rows(&session, &text, &[]).await.expect(&text);
            assert_eq!(row[0][0], row[0][1], "{special}");
        }
    });
}

#[test]
fn the_six_types_come_as_they_are() {
    let Some(server) = Postgres::start("types") else { return };
    with_session(&server, |session| async move {
        for (text, expected) in [
            ("NULL", "Null"),
            ("true", "Bool(true)"),
            ("1::int2", "Int64(1)"),
            ("(-2147483648)::int4", "Int64(-2147483648)"),
            ("9223372036854775807", "Int64(9223372036854775807)"),
            ("4294967295::oid", "Int64(4294967295)"),
            ("0.5::float4", "Float64(0.5)"),
            ("'-Infinity'::float8", "Float64(-inf)"),
            ("'x'::varchar(3)", "Text(\"x\")"),
            ("'x'::char(3)", "Text(\"x  \")"),
            ("'x'::name", "Text(\"x\")"),
            ("'[1, 2]'::json", "Text(\"[1, 2]\")"),
            ("'\\x00ff'::bytea", "Bytes([0, 255])"),
            ("pg_sleep(0)", "Text(\"\")"),
        ] {
            let text = format!("SELECT {text}");
            assert_eq!(value(&session, &text, &[]).await.expect(&text), expected, "{text}");
        }
    });
}

#[test]
fn the_server_writes_what_is_not_written_here() {
    let Some(server) = Postgres::start("server-writes") else { return };
    with_session(&server, |session| async move {
        let script = "CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE DOMAIN small AS int CHECK (value < 10); \
            CREATE TABLE t (id int PRIMARY KEY, a text[], b bit(3), c mood, d small, e int4range); \
            INSERT INTO t VALUES (1, '{x,\"y z\",NULL}', B'101', 'glad', 7, '[1,5)')";
        session.run_script(script).await.unwrap();
        let expected = [
            "Int64(1)",
            "Text(\"{x,\\\"y z\\\",NULL}\")",
            "Text(\"101\")",
            "Text(\"glad\")",
            "Int64(7)",
            "Text(\"[1,5)\")",
        ];
        let answer = rows(&session, "SELECT * FROM t WHERE id = $1 -- the one;\n;", &[SqlValue::Int64(1)]);
        assert_eq!(answer.await.unwrap(), [expected]);
        let mut answer = session.run("TABLE t", std::iter::empty(), true).await.unwrap();
        let names: Vec<_> = answer.columns().iter().map(|column| column.name.clone()).collect();
        assert_eq!(names, ["id", "a", "b", "c", "d", "e"]);
        while answer.fetch().await.unwrap() {}
        // Changes that answer rows, too, and they happen once.
        let text = "INSERT INTO t SELECT id + $1, a, b, c, d, e FROM t RETURNING b, id";
        let answer = rows(&session, text, &[SqlValue::Int64(1)]).await.unwrap();
        assert_eq!(answer, [["Text(\"101\")", "Int64(2)"]]);
        assert_eq!(value(&session, "SELECT count(*) FROM t", &[]).await.unwrap(), "Int64(2)");
        assert_eq!(value(&session, "SELECT ROW(1, 'x')", &[]).await.unwrap(), "Text(\"(1,x)\")");
        assert_eq!(value(&session, "SELECT 't'::regclass", &[]).await.unwrap(), "Text(\"t\")");
        let text = "WITH new AS (INSERT INTO t (id, b) VALUES (9, B'111') RETURNING b) SELECT b FROM new";
        let failure = rows(&session, text, &[]).await.unwrap_err();
        assert!(
            failure.message.starts_with("cast to text what only the server can write: `b` (bit)"),
            "{failure:?}"
        );
    });
}

#[test]
fn values_take_the_type_of_their_placeholder() {
    let Some(server) = Postgres::start("parameters") else { return };
    with_session(&server, |session| async move {
        use SqlValue::{Bool, Bytes, Float64, Int64, Null, Text};
        for (type_name, sent, expected) in [
            ("int2", Int64(-3), "Int64(-3)"),
            ("int4", Int64(70_000), "Int64(70000)"),
            ("int8", Int64(i64::MIN), "Int64(-9223372036854775808)"),
            ("int4", Bool(true), "Int64(1)"),
            ("int4", Float64(3.0), "Int64(3)"),
            ("int4", Text(" 12 "), "Int64(12)"),
            ("int4", Null, "Null"),
            ("numeric", Int64(5), "Text(\"5\")"),
            ("numeric", Float64(0.1), "Text(\"0.1\")"),
            ("numeric", Text("12345678901234567890.5"), "Text(\"12345678901234567890.5\")"),
            ("float8", Int64(7), "Float64(7.0)"),
            ("float8", Float64(f64::NAN), "Float64(NaN)"),
            ("float4", Float64(0.25), "Float64(0.25)"),
            ("text", Int64(7), "Text(\"7\")"),
            ("text", Bool(false), "Text(\"false\")"),
            ("text", Text("ü"), "Text(\"ü\")"),
            ("bool", Int64(1), "Bool(true)"),
            ("bool", Text("off"), "Bool(false)"),
            ("bytea", Bytes(&[0, 255]), "Bytes([0, 255])"),
            (
                "uuid",
                Text("{00000000-0000-0000-0000-0000000000AB}"),
                "Text(\"00000000-0000-0000-0000-0000000000ab\")",
            ),
            ("uuid", Bytes(&[1; 16]), "Text(\"01010101-0101-0101-0101-010101010101\")"),
            ("date", Text("2024-02-29"), "Text(\"2024-02-29\")"),
            ("timestamptz", Text("2024-02-29 12:00+02"), "Text(\"2024-02-29 10:00:00+00\")"),
            ("jsonb", Text("{\"a\":1}"), "Text(\"{\\\"a\\\": 1}\")"),
            ("int4[]", Text("{1,2}"), "Text(\"{1,2}\")"),
            ("inet", Text("::1"), "Text(\"::1\")"),
        ] {
            let text = format!("SELECT $1::{type_name}");
            assert_eq!(
                value(&session, &text, &[sent]).await.expect(&text),
                expected,
                "{sent:?} as {type_name}"
            );
        }
        for (type_name, sent, code) in [
            ("int2", Int64(70_000), "22003"),
            ("int4", Float64(3.5), "22P02"),
            ("int4", Text("x"), "22P02"),
            ("bool", Int64(2), "22P02"),
            ("float8", Int64((1 << 53) + 1), "22003"),
            ("float4", Float64(1e300), "22003"),
            ("uuid", Bytes(&[1]), "08P01"),
            ("text", Text("a\0b"), "22021"),
        ] {
            let failure = value(&session, &format!("SELECT $1::{type_name}"), &[sent]).await.unwrap_err();
            assert_eq!(failure.code, code, "{sent:?} as {type_name}: {}", failure.message);
        }
        let failure = value(&session, "SELECT $1::int + $2", &[Int64(1)]).await.unwrap_err();
        assert_eq!(
            (failure.code.as_str(), failure.message.as_str()),
            ("07001", "the statement has 2 placeholders, and got 1 value")
        );
    });
}
