//! Where tests find the model.

use std::path::PathBuf;
use std::sync::LazyLock;

use crate::encoder::Encoder;

/// The folder that `BELLHOP_MODEL` names, else where the program downloads the model to.
pub(crate) fn folder() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "tests have no settings")]
    let variable = |name| std::env::var(name).ok();
    let default = || {
        Some(PathBuf::from(variable("HOME")?).join(".local/share/bellhop/models/all-MiniLM-L6-v2"))
    };
    let folder = variable("BELLHOP_MODEL")
        .map(PathBuf::from)
        .or_else(default)?;
    folder.join("model.safetensors").exists().then_some(folder)
}

/// The encoder, loaded once, or nothing where there is no model; a test then says so and returns.
pub(crate) fn encoder() -> Option<&'static Encoder> {
    static ENCODER: LazyLock<Option<Encoder>> = LazyLock::new(|| {
        let folder = folder()?;
        Some(Encoder::load(&folder).expect("a model that is there can be loaded"))
    });
    if ENCODER.is_none() {
        #[expect(clippy::print_stderr, reason = "a skipped test must say so")]
        {
            eprintln!("skipped: set BELLHOP_MODEL to the folder of all-MiniLM-L6-v2");
        }
    }
    ENCODER.as_ref()
}
