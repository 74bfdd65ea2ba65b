//! JSON in and out. A body is an object: a list would be taken for the fields of one in their order, which nobody means and no document
//! says.

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::problem::Problem;

/// A JSON body: of a request an object, of an answer anything.
pub(super) struct Json<T>(pub(super) T);

/// Reads an object.
///
/// # Errors
/// What is wrong with it.
pub(super) fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    let object: Map<String, Value> = serde_json::from_slice(body)?;
    serde_json::from_value(Value::Object(object))
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let read = axum::Json::<Map<String, Value>>::from_request(request, state).await;
        let axum::Json(object) = read.map_err(IntoResponse::into_response)?;
        let refused = |error: serde_json::Error| {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).into_response()
        };
        let read = serde_json::from_value(Value::Object(object));
        read.map(Self).map_err(refused)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}
