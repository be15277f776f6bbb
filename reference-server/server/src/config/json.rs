//! A module's own configuration: any TOML table as a JSON object.

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::diagnostic::Problems;

/// The JSON object for a table. Dates and times become strings. What JSON cannot say is complained of; no complaint shows
/// the texts in the table.
pub(super) fn object(problems: &Problems<'_>, table: &DeTable<'_>) -> Map<String, Value> {
    let members = table.iter().map(|(key, member)| (key.get_ref().to_string(), value(problems, member)));
    members.collect()
}

fn value(problems: &Problems<'_>, spanned: &Spanned<DeValue<'_>>) -> Value {
    match spanned.get_ref() {
        DeValue::String(text) => {
            problems.hide(spanned.span());
            Value::String(text.to_string())
        }
        DeValue::Boolean(boolean) => Value::Bool(*boolean),
        DeValue::Datetime(datetime) => Value::String(datetime.to_string()),
        DeValue::Array(array) => array.iter().map(|element| value(problems, element)).collect(),
        DeValue::Table(table) => Value::Object(object(problems, table)),
        DeValue::Integer(integer) => match number(integer) {
            Some(number) => Value::Number(number),
            None => {
                problems.at(spanned.span(), "the integer does not fit 64 bits", "write it as a string");
                Value::Null
            }
        },
        DeValue::Float(float) => match float.as_str().parse().ok().and_then(Number::from_f64) {
            Some(number) => Value::Number(number),
            None => {
                let help = "the module gets its configuration as JSON: write a finite number, or a string";
                problems.at(spanned.span(), "JSON has no such number", help);
                Value::Null
            }
        },
    }
}

/// A whole number that fits 64 bits, with or without a sign (rule `configuration.object`).
fn number(integer: &DeInteger<'_>) -> Option<Number> {
    let signed = i64::from_str_radix(integer.as_str(), integer.radix()).map(Number::from);
    signed.or_else(|_| u64::from_str_radix(integer.as_str(), integer.radix()).map(Number::from)).ok()
}
