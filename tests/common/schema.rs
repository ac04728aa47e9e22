//! JSON Schema, as much of it as `docs/json.schema.json` uses (draft 2020-12).
//!
//! Stricter in one thing: the schema lets there be more fields than it names, for those that come later; here that is a fault.
//! Invariant: a keyword that is not known here fails the test, so that nothing passes for want of a check.

use serde_json::Value;

/// What is wrong with a value, if anything is; `root` holds the definitions.
pub fn fault(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    let rules = schema.as_object().expect("a schema");
    rules
        .iter()
        .find_map(|(keyword, rule)| broken(root, (keyword, rule), value))
}

fn broken(root: &Value, (keyword, rule): (&str, &Value), value: &Value) -> Option<String> {
    let holds = match keyword {
        "$schema" | "$defs" | "title" | "description" => true,
        "$ref" => {
            let path = rule.as_str().and_then(|path| path.strip_prefix('#'));
            let found = root
                .pointer(path.expect("a local reference"))
                .expect("a definition");
            return fault(root, found, value);
        }
        "oneOf" => {
            let faults: Vec<String> = items(rule)
                .iter()
                .filter_map(|one| fault(root, one, value))
                .collect();
            if faults.len() + 1 != items(rule).len() {
                return Some(format!("{value} is not one of them: {faults:#?}"));
            }
            true
        }
        "type" => is_of(rule.as_str().expect("a type"), value),
        "const" => rule == value,
        "enum" => items(rule).contains(value),
        "minimum" => value.as_u64() >= rule.as_u64(),
        "minLength" => value.as_str().is_none_or(|text| length(text) >= rule.as_u64()),
        "maxLength" => value.as_str().is_none_or(|text| length(text) <= rule.as_u64()),
        "format" => rule == "date-time" && value.as_str().is_none_or(is_time),
        "required" => !value.is_object() || items(rule).iter().all(|name| field(value, name).is_some()),
        "items" => {
            let items = value.as_array()?;
            return items.iter().find_map(|item| fault(root, rule, item));
        }
        "properties" => {
            let known = rule.as_object().expect("properties");
            let given = value.as_object()?;
            return given.iter().find_map(|(name, value)| match known.get(name) {
                Some(rule) => fault(root, rule, value),
                None => Some(format!("{name} is described nowhere: {rule}")),
            });
        }
        _ => panic!("{keyword} is not known here"),
    };
    (!holds).then(|| format!("{keyword} {rule} does not hold for {value}"))
}

fn items(list: &Value) -> &[Value] {
    list.as_array().expect("a list")
}

fn field<'a>(object: &'a Value, name: &Value) -> Option<&'a Value> {
    object.get(name.as_str().expect("a name"))
}

fn length(text: &str) -> Option<u64> {
    u64::try_from(text.chars().count()).ok()
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => panic!("{kind} is no type"),
    }
}

/// Whether it looks like `2026-01-02T03:04:05.678Z`.
fn is_time(text: &str) -> bool {
    let digit = |character: char| {
        if character.is_ascii_digit() {
            '0'
        } else {
            character
        }
    };
    text.chars().map(digit).collect::<String>() == "0000-00-00T00:00:00.000Z"
}
