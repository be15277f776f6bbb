//! Cases about providers of hc.sql/1, in SQL that databases have in common: a table `hc_kit` is made anew by each. Must not know
//! a database.

use super::case;
use super::provider::each_bench;
use crate::case::{Case, Context, Outcome};
use crate::module::bench::Bench;
use crate::module::member_scripts::{SELECT, SERIES};
use crate::module::members::{MemberAnswer, Request};
use crate::module::sql_answers::Value;
use http_container_abi::Status;
use http_container_abi::constants::{SQL_ID, sql_flag};

pub const CASES: &[Case] = &[
    case("placeholders-are-numbered", "resources", &["sql.placeholder"], placeholders),
    case("scripts-stop-at-the-first-failure", "resources", &["sql.script.run"], scripts),
    case("once-changes-no-answer", "resources", &["sql.once"], once),
    case("values-come-back-as-they-were", "resources", &["sql.value.types", "sql.value.answered"], values),
    case("values-are-converted", "resources", &["sql.value.given"], converted),
    case("refusals-of-databases-have-codes", "resources", &["sql.failure.code"], codes),
];

/// Makes the table anew.
const FRESH: &str = "DROP TABLE IF EXISTS hc_kit; CREATE TABLE hc_kit (id BIGINT PRIMARY KEY, note TEXT); \
     INSERT INTO hc_kit (id, note) VALUES (1, 'a'); INSERT INTO hc_kit (id, note) VALUES (2, 'b'), (3, 'c')";

/// A text as a value.
pub fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Runs `body` on some benches of a database.
pub fn each_database(
    context: &mut Context,
    most: u64,
    rules: &[&str],
    body: impl FnMut(&mut Bench, u64) -> Result<(), Outcome>,
) -> Outcome {
    each_bench(context, Some(SQL_ID), most, rules, body)
}

/// Asks for a statement.
pub fn query(bench: &mut Bench, member: u64, text: &str, values: &[Value]) -> Result<MemberAnswer, Outcome> {
    bench.ask(member, Request::sql(text, values))
}

/// Asks for a statement that has to go well.
pub fn well(
    bench: &mut Bench,
    member: u64,
    (text, values): (&str, &[Value]),
    rule: &'static str,
) -> Result<MemberAnswer, Outcome> {
    let answer = query(bench, member, text, values)?;
    if answer.status == Status::OK {
        return Ok(answer);
    }
    Err(fail(rule, format!("`{text}` answers {}", shown(&answer))))
}

/// Makes the table anew.
pub fn fresh(bench: &mut Bench, member: u64) -> Result<(), Outcome> {
    let answer = bench.ask(member, Request::Statement(FRESH.to_owned(), sql_flag::SCRIPT, Vec::new()))?;
    if answer.status == Status::OK
        && answer.columns.is_none_or(|columns| columns.is_empty())
        && answer.affected == 2
    {
        return Ok(());
    }
    Err(fail(
        "sql.script.run",
        format!(
            "a script whose last statement adds 2 rows answers {:?} and {} rows changed: {}",
            answer.status, answer.affected, answer.message
        ),
    ))
}

/// How many rows have that id.
pub fn count(bench: &mut Bench, member: u64, id: i64) -> Result<usize, Outcome> {
    let values = [Value::Int64(id)];
    let answer = well(bench, member, ("SELECT note FROM hc_kit WHERE id = $1", &values), "sql.value.given")?;
    Ok(answer.values.len())
}

pub fn fail(rule: &'static str, text: String) -> Outcome {
    Outcome::fail(text).rule(rule)
}

pub fn shown(answer: &MemberAnswer) -> String {
    let (status, columns, values) = (answer.status, &answer.columns, &answer.values);
    format!("{status:?} {columns:?} {values:?} {} {}", answer.code, answer.message)
}

fn placeholders(_: &Case, context: &mut Context) -> Outcome {
    each_database(context, 20, &[], |bench, _| {
        let rule = "sql.placeholder";
        let member = bench.open()?;
        let answer = query(bench, member, SELECT, &[text("x"), text("y")])?;
        let is_right = answer.values == [text("y-x-y"), text("$2")]
            && answer.columns.as_ref().is_some_and(|names| names.len() == 2 && names[1] == "$3");
        if answer.status != Status::OK || !is_right {
            return Err(fail(rule, format!("`{SELECT}` with x and y answers {}", shown(&answer))));
        }
        for (statement, values) in [
            ("SELECT $1 || 'a' AS a", &[][..]),
            ("SELECT $1 || 'a' AS a", &[text("x"), text("y")]),
            ("SELECT '$1' AS a", &[text("x")]),
            ("SELECT $2 || 'a' AS a", &[text("x")]),
        ] {
            let answer = query(bench, member, statement, values)?;
            if answer.status != Status::E_FAILED {
                let count = values.len();
                return Err(fail(
                    rule,
                    format!("`{statement}` with {count} values answers {}", shown(&answer)),
                ));
            }
        }
        well(bench, member, ("SELECT $1 || '-' || $1 AS a", &[text("x")]), rule)?;
        Ok(())
    })
}

fn scripts(_: &Case, context: &mut Context) -> Outcome {
    each_database(context, 20, &[], |bench, _| {
        let rule = "sql.script.run";
        let member = bench.open()?;
        fresh(bench, member)?;
        let broken = "INSERT INTO hc_kit (id, note) VALUES (4, 'd'); INSERT INTO hc_kit (id, note) VALUES (1, 'again'); \
             INSERT INTO hc_kit (id, note) VALUES (5, 'e')";
        let answer =
            bench.ask(member, Request::Statement(broken.to_owned(), sql_flag::SCRIPT, Vec::new()))?;
        if answer.status != Status::E_FAILED {
            return Err(fail(
                rule,
                format!("a script with a statement that fails answers {}", shown(&answer)),
            ));
        }
        let select =
            bench.ask(member, Request::Statement("SELECT 1 AS n".into(), sql_flag::SCRIPT, Vec::new()))?;
        if select.status != Status::OK || !select.values.is_empty() {
            return Err(fail(rule, format!("a script answers {}", shown(&select))));
        }
        for (id, expected) in [(1, 1), (3, 1), (5, 0)] {
            let found = count(bench, member, id)?;
            if found != expected {
                return Err(fail(
                    rule,
                    format!("after the scripts there are {found} rows of the id {id}, not {expected}"),
                ));
            }
        }
        Ok(())
    })
}

fn once(_: &Case, context: &mut Context) -> Outcome {
    each_database(context, 20, &[], |bench, _| {
        let member = bench.open()?;
        let mut first = None;
        for flags in [0, sql_flag::ONCE, 0, sql_flag::ONCE, sql_flag::ONCE] {
            for (statement, values) in [(SELECT, vec![text("x"), text("y")]), (SERIES, Vec::new())] {
                let answer = bench.ask(member, Request::Statement(statement.to_owned(), flags, values))?;
                let place = usize::from(statement == SERIES);
                let known: &mut [Option<MemberAnswer>; 2] = first.get_or_insert_default();
                match &known[place] {
                    None => known[place] = Some(answer),
                    Some(known) if *known == answer => {}
                    Some(known) => {
                        let text = format!(
                            "with the flags {flags}, `{statement}` answers {}, not {}",
                            shown(&answer),
                            shown(known)
                        );
                        return Err(fail("sql.once", text));
                    }
                }
            }
        }
        let is_whole =
            |answer: &Option<MemberAnswer>| answer.as_ref().is_some_and(|answer| answer.values.len() == 50);
        if first.is_some_and(|first| is_whole(&first[1])) {
            return Ok(());
        }
        Err(fail("sql.once", "a statement of 50 rows does not answer 50 rows".to_owned()))
    })
}

fn values(_: &Case, context: &mut Context) -> Outcome {
    each_database(context, 20, &["sql.value.types"], |bench, seed| {
        let rule = "sql.value.answered";
        let member = bench.open()?;
        let script = "DROP TABLE IF EXISTS hc_kit_values; \
             CREATE TABLE hc_kit_values (a BIGINT, b DOUBLE PRECISION, c TEXT, d BYTEA)";
        bench.ask(member, Request::Statement(script.into(), sql_flag::SCRIPT, Vec::new()))?;
        let whole = [i64::MAX, i64::MIN, 0, -1][seed as usize % 4];
        let real = [0.1, -1e300, 5e-324, 0.0][seed as usize % 4];
        let words = ["\u{e4}\u{20ac} \u{1f600}", "", "it's\n\t\"quoted\"", "$1"][seed as usize % 4];
        let bytes = [vec![0, 1, 255, 0], Vec::new(), vec![0x27, 0x5c], b"plain".to_vec()];
        let full = vec![
            Value::Int64(whole),
            Value::Float64(real),
            text(words),
            Value::Bytes(bytes[seed as usize % 4].clone()),
        ];
        let insert = "INSERT INTO hc_kit_values (a, b, c, d) VALUES ($1, $2, $3, $4)";
        for row in [full, vec![Value::Null; 4]] {
            well(bench, member, ("DELETE FROM hc_kit_values", &[]), rule)?;
            let added = well(bench, member, (insert, &row), rule)?;
            let answer = well(bench, member, ("SELECT a, b, c, d FROM hc_kit_values", &[]), rule)?;
            if answer.values != row || added.affected != 1 {
                return Err(fail(rule, format!("{row:?} were put in, and {} come out", shown(&answer))));
            }
        }
        let truth = well(bench, member, ("SELECT 1 = 1 AS yes, 1 = 2 AS no", &[]), rule)?;
        let is_truth = truth.values == [Value::Bool(true), Value::Bool(false)];
        if !is_truth && truth.values != [Value::Int64(1), Value::Int64(0)] {
            return Err(fail(rule, format!("true and false are answered as {:?}", truth.values)));
        }
        Ok(())
    })
}

fn converted(_: &Case, context: &mut Context) -> Outcome {
    each_database(context, 20, &[], |bench, _| {
        let rule = "sql.value.given";
        let member = bench.open()?;
        let script = "DROP TABLE IF EXISTS hc_kit_values; \
             CREATE TABLE hc_kit_values (a BIGINT, b DOUBLE PRECISION, s SMALLINT)";
        bench.ask(member, Request::Statement(script.into(), sql_flag::SCRIPT, Vec::new()))?;
        let insert = "INSERT INTO hc_kit_values (a, b) VALUES ($1, $2)";
        well(bench, member, (insert, &[text("42"), Value::Int64(7)]), rule)?;
        let answer = well(bench, member, ("SELECT a, b FROM hc_kit_values", &[]), rule)?;
        if answer.values != [Value::Int64(42), Value::Float64(7.0)] {
            return Err(fail(rule, format!("the text 42 and the number 7 came out as {:?}", answer.values)));
        }
        let yes = "SELECT CASE WHEN $1 THEN 'yes' ELSE 'no' END AS a";
        for (value, word) in [(true, "yes"), (false, "no")] {
            let answer = well(bench, member, (yes, &[Value::Bool(value)]), rule)?;
            if answer.values != [text(word)] {
                return Err(fail(rule, format!("{value} is taken for {:?}", answer.values)));
            }
        }
        // Either the number cannot be converted, or it is kept whole.
        let wide =
            query(bench, member, "INSERT INTO hc_kit_values (s) VALUES ($1)", &[Value::Int64(70_000)])?;
        let kept = well(bench, member, ("SELECT s FROM hc_kit_values WHERE s IS NOT NULL", &[]), rule)?;
        let is_right = match wide.status {
            Status::E_FAILED => kept.values.is_empty(),
            Status::OK => kept.values == [Value::Int64(70_000)],
            _ => false,
        };
        if !is_right {
            return Err(fail(
                rule,
                format!("70000 for a SMALLINT: {:?}, and {:?} is there", wide.status, kept.values),
            ));
        }
        Ok(())
    })
}

fn codes(_: &Case, context: &mut Context) -> Outcome {
    each_database(context, 20, &["sql.failure.code"], |bench, _| {
        let rule = "sql.failure.code";
        let member = bench.open()?;
        fresh(bench, member)?;
        for (statement, meant) in [
            ("SELEC 1", "a syntax error"),
            ("SELECT a FROM hc_kit_missing", "a missing table"),
            ("INSERT INTO hc_kit (id, note) VALUES (1, 'again')", "a value that is not unique"),
        ] {
            let answer = query(bench, member, statement, &[])?;
            if answer.status != Status::E_FAILED {
                return Err(fail(rule, format!("{meant} answers {}", shown(&answer))));
            }
        }
        Ok(())
    })
}
