//! Reading the webhook's form.

/// Most parameters of a form; a provider sends about forty.
const PARAMETERS_MAX: usize = 200;
/// Longest call id, bytes.
const SID_MAX: usize = 64;

/// A webhook of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Hook {
    /// The provider's id of the call.
    pub call_sid: String,
    /// Who calls.
    pub from: String,
    /// Number that was called.
    pub to: String,
    /// State of the call: `ringing`, `in-progress`, `completed`, …
    pub status: String,
    /// How a dialled leg ended, where one was: `completed`, `busy`, `no-answer`, …
    pub dial_status: Option<String>,
    /// What the caller did.
    pub heard: Heard,
}

/// What the caller did since the last webhook.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// Nothing: silence, or the call has only begun.
    Nothing,
    /// Said something.
    Speech {
        /// What was recognised.
        text: String,
        /// The recogniser's confidence, 0 to 1.
        confidence: Option<f64>,
    },
    /// Pressed keys.
    Keys(String),
}

/// Why a webhook can't be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// No call id, or one that is none.
    #[error("CallSid is missing or is no call id")]
    CallSid,
    /// The form is not one that a provider sends.
    #[error("more than {PARAMETERS_MAX} parameters")]
    TooMany,
}

/// Reads a form as it was posted: names and values, decoded, in order.
///
/// # Errors
/// More parameters than a provider sends.
pub fn read_form(body: &[u8]) -> Result<Vec<(String, String)>, HookError> {
    let form: Vec<(String, String)> = url::form_urlencoded::parse(body)
        .take(PARAMETERS_MAX + 1)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    if form.len() > PARAMETERS_MAX {
        return Err(HookError::TooMany);
    }
    Ok(form)
}

impl Hook {
    /// Reads a webhook from its form. Keys win over speech where both came.
    ///
    /// # Errors
    /// A form without a call id.
    pub fn read(form: &[(String, String)]) -> Result<Self, HookError> {
        let field = |name: &str| {
            form.iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.trim())
                .filter(|value| !value.is_empty())
        };
        let call_sid = field("CallSid")
            .filter(|sid| sid.len() <= SID_MAX && sid.chars().all(|c| c.is_ascii_alphanumeric()))
            .ok_or(HookError::CallSid)?;
        let heard = match (field("Digits"), field("SpeechResult")) {
            (Some(keys), _) if keys.chars().all(is_key) => Heard::Keys(keys.to_owned()),
            (_, Some(text)) => Heard::Speech {
                text: text.to_owned(),
                confidence: field("Confidence")
                    .and_then(|value| value.parse::<f64>().ok())
                    .filter(|value| (0.0..=1.0).contains(value)),
            },
            _ => Heard::Nothing,
        };
        let text = |name: &str| field(name).unwrap_or_default().to_owned();
        Ok(Self {
            call_sid: call_sid.to_owned(),
            from: text("From"),
            to: text("To"),
            status: text("CallStatus"),
            dial_status: field("DialCallStatus").map(str::to_owned),
            heard,
        })
    }

    /// The call is over.
    pub fn is_over(&self) -> bool {
        matches!(
            self.status.as_str(),
            "completed" | "busy" | "failed" | "no-answer" | "canceled"
        )
    }
}

fn is_key(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '*' | '#')
}
