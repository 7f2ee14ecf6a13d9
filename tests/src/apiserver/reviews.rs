//! TokenReview and SubjectAccessReview.
//!
//! Without `audiences` a review is about the API server's own audience, and a token for another is refused, HTTP 201 either
//! way and `authenticated` left out. A token bound to a pod carries the pod's and its node's name in `extra`.

use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::answers::{Body, json as answer};
use super::handle::State;

/// What a token means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Token {
    /// `system:serviceaccount:NAMESPACE:NAME`, or a person.
    pub user: String,
    /// Whom it is for.
    pub audiences: Vec<String>,
    /// Node and pod uid that it is bound to.
    pub bound: Option<(String, String)>,
    /// It is no longer valid, with this word.
    pub error: Option<String>,
}

pub(super) fn token(state: &State, body: &Value) -> Response<Body> {
    let wanted: Vec<String> = match body["spec"]["audiences"].as_array() {
        Some(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        None => vec!["https://kubernetes.default.svc".to_owned()],
    };
    let tokens = state.tokens.lock().unwrap();
    let known = body["spec"]["token"].as_str().and_then(|token| tokens.get(token));
    let status = match known {
        None => json!({"user": {}, "error": "invalid bearer token"}),
        Some(Token { error: Some(error), .. }) => json!({"user": {}, "error": error}),
        Some(token) => {
            let both: Vec<_> = wanted.iter().filter(|one| token.audiences.contains(one)).collect();
            if both.is_empty() {
                let error = format!(
                    "[invalid bearer token, token audiences {:?} is invalid for the target audiences {wanted:?}]",
                    token.audiences
                );
                json!({"user": {}, "error": error})
            } else {
                json!({"authenticated": true, "audiences": both, "user": user(token)})
            }
        }
    };
    let review = json!({"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "metadata": {}, "spec": body["spec"], "status": status});
    answer(StatusCode::CREATED, &review)
}

fn user(token: &Token) -> Value {
    let mut user = json!({"username": token.user, "uid": format!("uid-of-{}", token.user)});
    let mut groups = vec!["system:authenticated".to_owned()];
    if let Some(account) = token.user.strip_prefix("system:serviceaccount:") {
        let namespace = account.split(':').next().unwrap_or_default();
        groups.insert(0, format!("system:serviceaccounts:{namespace}"));
        groups.insert(0, "system:serviceaccounts".to_owned());
    }
    user["groups"] = groups.into();
    if let Some((node, pod_uid)) = &token.bound {
        user["extra"] = json!({
            "authentication.kubernetes.io/node-name": [node],
            "authentication.kubernetes.io/pod-uid": [pod_uid],
        });
    }
    user
}

pub(super) fn access(state: &State, body: &Value) -> Response<Body> {
    let spec = &body["spec"];
    let user = spec["user"].as_str().unwrap_or_default().to_owned();
    let namespace = spec["resourceAttributes"]["namespace"].as_str().unwrap_or_default().to_owned();
    let allowed = state.allowed.lock().unwrap();
    let everywhere = allowed.contains(&(user.clone(), String::new()));
    let status = if everywhere || allowed.contains(&(user.clone(), namespace.clone())) {
        json!({"allowed": true, "reason": format!("RBAC: allowed by RoleBinding \"{user}/{namespace}\"")})
    } else {
        json!({"allowed": false})
    };
    let review = json!({"kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": spec, "status": status});
    answer(StatusCode::CREATED, &review)
}
