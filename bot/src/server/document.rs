//! What is true of every operation of the OpenAPI document, put in once: a refusal is a problem document, whichever it is.

use utoipa::openapi::{
    Content, ContentBuilder, OpenApi, PathItem, Ref, RefOr, Response, ResponseBuilder,
};

use super::problem::KIND;

/// Completes the document.
pub(super) fn complete(mut document: OpenApi) -> OpenApi {
    let operations = document.paths.paths.values_mut().flat_map(operations);
    for operation in operations {
        let responses = &mut operation.responses.responses;
        for response in responses.values_mut() {
            if let RefOr::T(response) = response {
                told_as_problem(response);
            }
        }
        let default = ResponseBuilder::new()
            .description("what is wrong with the request, or why it can't be served")
            .content(KIND, problem());
        responses
            .entry("default".to_owned())
            .or_insert_with(|| default.build().into());
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut utoipa::openapi::path::Operation> {
    let all = [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.patch,
    ];
    all.into_iter().flatten()
}

/// A response whose body is a problem says so in its type.
fn told_as_problem(response: &mut Response) {
    let is_problem = |content: &RefOr<Content>| {
        let RefOr::T(content) = content else {
            return false;
        };
        matches!(&content.schema, Some(RefOr::Ref(named)) if *named == problem_name())
    };
    if response.content.values().any(is_problem) {
        response.content.clear();
        response.content.insert(KIND.to_owned(), problem().into());
    }
}

fn problem_name() -> Ref {
    Ref::from_schema_name("Problem")
}

fn problem() -> Content {
    ContentBuilder::new().schema(Some(problem_name())).build()
}
