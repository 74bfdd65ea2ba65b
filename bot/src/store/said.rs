//! What customers have said, for looking at examples in the light of it.

use std::path::Path;

use super::journal::{Input, What};
use super::{StoreError, open, parse};
use crate::conversation::InboundBody;

/// Texts that customers wrote or said, in the order in which they were stored. The file may be in use.
///
/// # Errors
/// The file can't be opened or read, or isn't a store of this version.
pub fn customer_texts(path: &Path) -> Result<Vec<String>, StoreError> {
    let connection = open::reading(path)?;
    let mut select =
        connection.prepare("SELECT body FROM journal WHERE kind = 'input' ORDER BY rowid")?;
    let mut rows = select.query([])?;
    let mut texts = Vec::new();
    while let Some(row) = rows.next()? {
        let input: Input = parse("journal row", &row.get::<_, String>(0)?)?;
        if let What::Customer {
            body: InboundBody::Text { text } | InboundBody::Speech { text, .. },
            ..
        } = input.what
        {
            texts.push(text);
        }
    }
    Ok(texts)
}
