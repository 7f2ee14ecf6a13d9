//! Strategic merge patches, as far as our overlays need them.
//!
//! The Kubernetes API reference (`patchStrategy`, `patchMergeKey` of each field) promises: mappings are merged, `null` takes a
//! field away, lists of the fields below are merged by a key, `$patch: delete` takes the entry with that key away, and every
//! other list is replaced.

use serde_json::Value;

/// By what entries of a list are told apart; `None` where the whole list is replaced.
fn key_of(field: &str) -> Option<&'static str> {
    match field {
        "containers" | "initContainers" | "volumes" | "env" => Some("name"),
        "volumeMounts" => Some("mountPath"),
        "ports" => Some("containerPort"),
        _ => None,
    }
}

/// Merges a patch into an object.
pub fn merge(object: &mut Value, patch: &Value) {
    merge_field(object, patch, "");
}

fn merge_field(into: &mut Value, patch: &Value, field: &str) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (name, value) in patch {
                if value.is_null() {
                    into.remove(name);
                } else {
                    merge_field(into.entry(name.as_str()).or_insert(Value::Null), value, name);
                }
            }
        }
        (Value::Array(into), Value::Array(patch)) if key_of(field).is_some() => {
            let key = key_of(field).unwrap_or_default();
            for entry in patch {
                let at = into.iter().position(|one| one[key] == entry[key]);
                match (at, entry["$patch"] == "delete") {
                    (Some(at), true) => drop(into.remove(at)),
                    (Some(at), false) => merge_field(&mut into[at], entry, ""),
                    (None, true) => panic!("there is no {field} {} to delete", entry[key]),
                    (None, false) => into.push(entry.clone()),
                }
            }
        }
        (into, patch) => *into = patch.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_with_a_key_are_merged_and_others_replaced() {
        let mut object = json!({"spec": {"volumes": [{"name": "a", "hostPath": {"path": "/"}}, {"name": "b"}], "args": ["x"], "gone": 1}});
        let patch = json!({"spec": {"volumes": [
            {"name": "a", "hostPath": null, "emptyDir": {}}, {"name": "b", "$patch": "delete"}, {"name": "c"},
        ], "args": ["y"], "gone": null}});
        merge(&mut object, &patch);
        assert_eq!(
            object,
            json!({"spec": {"volumes": [{"name": "a", "emptyDir": {}}, {"name": "c"}], "args": ["y"]}})
        );
    }

    #[test]
    #[should_panic(expected = "there is no volumes \"z\" to delete")]
    fn what_is_not_there_cannot_be_deleted() {
        let patch = json!({"volumes": [{"name": "z", "$patch": "delete"}]});
        merge(&mut json!({"volumes": []}), &patch);
    }
}
