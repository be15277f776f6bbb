//! Whether a text is a JSON Schema (draft 2020-12) of an object, and configurations that break it. Checks the forms of the
//! keywords that schemas of configurations use; unknown ones are allowed, as the draft allows them.

use serde_json::{Map, Value, json};

const TYPES: [&str; 7] = ["null", "boolean", "object", "array", "number", "string", "integer"];

/// The schema.
///
/// # Errors
/// Why it is none.
pub fn check(text: &str) -> Result<Value, String> {
    let schema: Value =
        serde_json::from_str(text).map_err(|error| format!("the schema is no JSON: {error}"))?;
    let Value::Object(root) = &schema else { return Err("the schema is not a JSON object".into()) };
    if let Some(draft) = root.get("$schema")
        && draft != "https://json-schema.org/draft/2020-12/schema"
    {
        return Err(format!("$schema is {draft}, not draft 2020-12"));
    }
    walk(&schema, "the schema")?;
    match root.get("type") {
        None => Ok(schema),
        Some(Value::String(name)) if name == "object" => Ok(schema),
        Some(other) => Err(format!("it describes {other}, not an object")),
    }
}

fn walk(schema: &Value, place: &str) -> Result<(), String> {
    let members = match schema {
        Value::Bool(_) => return Ok(()),
        Value::Object(members) => members,
        other => return Err(format!("{place} is {other}, neither an object nor a truth value")),
    };
    for (keyword, value) in members {
        let inner = format!("{place}: {keyword}");
        let wrong = |what: &str| Err(format!("{inner} is {value}, not {what}"));
        match keyword.as_str() {
            "type" if !is_type(value) => return wrong("a type, or a list of types"),
            "properties" | "patternProperties" | "$defs" | "dependentSchemas" => {
                let Some(of) = value.as_object() else { return wrong("an object of schemas") };
                of.iter().try_for_each(|(name, of)| walk(of, &format!("{inner}: {name}")))?;
            }
            "additionalProperties"
            | "items"
            | "contains"
            | "not"
            | "if"
            | "then"
            | "else"
            | "propertyNames" => {
                walk(value, &inner)?;
            }
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => {
                let Some(of) = value.as_array().filter(|of| !of.is_empty()) else {
                    return wrong("a list of schemas");
                };
                of.iter().try_for_each(|of| walk(of, &inner))?;
            }
            "required" if !value.as_array().is_some_and(|of| of.iter().all(Value::is_string)) => {
                return wrong("a list of names");
            }
            "enum" if !value.is_array() => return wrong("a list"),
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf"
                if !value.is_number() =>
            {
                return wrong("a number");
            }
            "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties"
                if !value.is_u64() =>
            {
                return wrong("a count");
            }
            "title" | "description" | "$ref" | "$id" | "$comment" | "format" | "pattern"
                if !value.is_string() =>
            {
                return wrong("a text");
            }
            _ => {}
        }
    }
    Ok(())
}

fn is_type(value: &Value) -> bool {
    let is_name = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
    is_name(value) || value.as_array().is_some_and(|names| !names.is_empty() && names.iter().all(is_name))
}

/// Configurations that break a schema, one in each way that is easily found: `base` with one member of another type, or without
/// a required one.
#[must_use]
pub fn wrong_configurations(schema: &Value, base: &Value) -> Vec<Value> {
    let base: Map<String, Value> = base.as_object().cloned().unwrap_or_default();
    let mut wrong = Vec::new();
    for (name, of) in schema["properties"].as_object().into_iter().flatten() {
        let replacement = match of["type"].as_str() {
            Some("string") => json!(17),
            Some("object" | "array" | "boolean" | "integer" | "number") => json!("neither"),
            _ => continue,
        };
        let mut config = base.clone();
        config.insert(name.clone(), replacement);
        wrong.push(Value::Object(config));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let mut config = base.clone();
        config.remove(name);
        wrong.push(Value::Object(config));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_of_objects_pass() {
        for good in [
            "{}",
            r#"{"type":"object","properties":{"a":{"type":["string","null"]}},"required":["a"],"additionalProperties":false}"#,
            r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","allOf":[{"minProperties":1}]}"#,
        ] {
            assert!(check(good).is_ok(), "{good}: {:?}", check(good));
        }
    }

    #[test]
    fn others_do_not() {
        for bad in [
            "",
            "[]",
            "true",
            r#"{"type":"array"}"#,
            r#"{"type":"objekt"}"#,
            r#"{"properties":[]}"#,
            r#"{"properties":{"a":{"type":"text"}}}"#,
            r#"{"required":"a"}"#,
            r#"{"$schema":"http://json-schema.org/draft-07/schema#"}"#,
            r#"{"items":{"minLength":-1}}"#,
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ways_to_be_wrong_are_found() {
        let schema = json!({"properties": {"a": {"type": "string"}, "b": {}}, "required": ["c"]});
        let wrong = wrong_configurations(&schema, &json!({"c": 1}));
        assert_eq!(wrong, [json!({"a": 17, "c": 1}), json!({})]);
    }
}
