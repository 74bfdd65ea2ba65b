//! Settings in the environment. Other people put variables there too: a container platform tells of a service called `bellhop` in
//! `BELLHOP_PORT=tcp://…` and `BELLHOP_SERVICE_HOST`. So a setting is what begins with a key that there is (`BELLHOP_LISTEN`,
//! `BELLHOP_VOICE__DIAL`), or says that it is one (`BELLHOP__LISTEN`); what is neither is told and left alone.
//!
//! Secrets may lie in files, as containers are given them: `BELLHOP_CUSTOMER_SECRET_FILE=/run/secrets/site`.

use std::collections::BTreeMap;

use bellhop_flows::diag::nearest;
use config::{ConfigError, Map, Source, Value, ValueKind};
use serde_json::Value as Json;

/// All settings with their defaults: the keys that there are.
pub(super) type Known = serde_json::Map<String, Json>;

/// What all variables of ours begin with.
const PREFIX: &str = "BELLHOP_";
/// Stands for the dot in a key.
const DOT: &str = "__";
/// Ends the name of a variable that names a file with the value, whatever the case.
const FILE: &str = "_file";
/// Keys whose value may lie in a file; `*` is any name. The store's address has a password in it.
const IN_FILES: [&str; 10] = [
    "store",
    "customer_secret",
    "status_secret",
    "voice.auth_token",
    "rest.token",
    "channels.*.token",
    "channels.*.app_secrets",
    "channels.*.verify_token",
    "channels.*.secret",
    "channels.*.secrets",
];

/// A variable that can't be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// The file that it names is not there, or not for this user.
    #[error(
        "{variable}: {file} can't be read ({why}); name a file that is there and that this user may read"
    )]
    Unreadable {
        /// The variable.
        variable: String,
        /// The file.
        file: String,
        /// What the system says.
        why: String,
    },
    /// Two of them for one value.
    #[error("{0} and {1} are both set; take one of them away")]
    Twice(String, String),
}

/// The settings that the environment holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Environment {
    settings: Map<String, Value>,
    /// Variables that look like settings and are none.
    foreign: Vec<String>,
}

impl Environment {
    /// Picks the settings out of all variables.
    ///
    /// # Errors
    /// A file that can't be read, or a value that is given twice.
    pub(super) fn read(
        variables: impl IntoIterator<Item = (String, String)>,
        known: &Known,
    ) -> Result<Self, EnvironmentError> {
        // In order, so that of two names for the same key the more explicit one wins.
        let variables: BTreeMap<String, String> = variables.into_iter().collect();
        let mut read = Self::default();
        let mut given: BTreeMap<String, (String, Place)> = BTreeMap::new();
        for (variable, value) in variables {
            let Some(Named {
                key,
                is_marked,
                place,
            }) = Named::of(&variable)
            else {
                continue;
            };
            let path: Vec<&str> = key.split(DOT).collect();
            if !is_marked && !known.contains_key(path[0]) {
                read.foreign.push(variable);
                continue;
            }
            let kind = match place {
                Place::File => in_file(&variable, &value)?,
                // Values stay text until a setting asks for a number: a telephone number would lose its plus, and a token of digits
                // its noughts.
                Place::Here => ValueKind::String(value),
            };
            put(&mut read.settings, &path, Value::new(Some(&variable), kind));
            match given.insert(key, (variable.clone(), place)) {
                Some((before, elsewhere)) if elsewhere != place => {
                    return Err(EnvironmentError::Twice(before, variable));
                }
                _ => {}
            }
        }
        Ok(read)
    }

    /// What an operator should hear of the variables that were left alone.
    pub(super) fn warnings(&self, known: &Known) -> Vec<String> {
        let mut names = Vec::new();
        name_all(known, "", &mut names);
        let (mut warnings, mut others) = (Vec::new(), Vec::new());
        for variable in &self.foreign {
            // What all of them begin with makes none alike.
            let name = variable.get(PREFIX.len()..).unwrap_or_default();
            match nearest(name, names.iter().map(String::as_str)) {
                Some(near) => warnings.push(format!(
                    "{variable} is no setting and is left alone; did you mean {PREFIX}{near}?"
                )),
                None => others.push(variable.as_str()),
            }
        }
        if !others.is_empty() {
            warnings.push(format!(
                "in the environment, but no settings, and left alone: {} (docs/configuration.md has every key)",
                others.join(", ")
            ));
        }
        warnings
    }
}

impl Source for Environment {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.settings.clone())
    }
}

/// Where a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the variable.
    Here,
    /// In the file that the variable names.
    File,
}

/// What the name of a variable says.
struct Named {
    /// The key, in small letters and with [`DOT`].
    key: String,
    /// It says that it is a setting.
    is_marked: bool,
    place: Place,
}

impl Named {
    /// Reads a name; none where it does not begin as ours do.
    fn of(variable: &str) -> Option<Self> {
        let lower = variable.to_ascii_lowercase();
        let name = lower.strip_prefix(&PREFIX.to_ascii_lowercase())?;
        let marked = name.strip_prefix('_');
        let name = marked.unwrap_or(name);
        let in_file = name.strip_suffix(FILE).filter(|key| may_lie_in_file(key));
        Some(Self {
            key: in_file.unwrap_or(name).to_owned(),
            is_marked: marked.is_some(),
            place: if in_file.is_some() {
                Place::File
            } else {
                Place::Here
            },
        })
    }
}

fn may_lie_in_file(key: &str) -> bool {
    let path: Vec<&str> = key.split(DOT).collect();
    IN_FILES.iter().any(|pattern| {
        let parts = pattern.split('.');
        parts.clone().count() == path.len()
            && parts
                .zip(&path)
                .all(|(part, name)| part == "*" || part == *name)
    })
}

/// What a file holds: one value, or one a line.
fn in_file(variable: &str, file: &str) -> Result<ValueKind, EnvironmentError> {
    let text = std::fs::read_to_string(file).map_err(|error| EnvironmentError::Unreadable {
        variable: variable.to_owned(),
        file: file.to_owned(),
        why: error.to_string(),
    })?;
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    Ok(match lines[..] {
        [] => ValueKind::String(String::new()),
        [line] => ValueKind::String(line.to_owned()),
        _ => {
            let value = |line: &&str| {
                Value::new(
                    Some(&variable.to_owned()),
                    ValueKind::String((*line).to_owned()),
                )
            };
            ValueKind::Array(lines.iter().map(value).collect())
        }
    })
}

/// Puts a value at its place in tables within tables. Of a value and a table at one place the later one stays.
fn put(table: &mut Map<String, Value>, path: &[&str], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        table.insert((*first).to_owned(), value);
        return;
    }
    let empty = || Value::new(None, ValueKind::Table(Map::new()));
    let inner = table.entry((*first).to_owned()).or_insert_with(empty);
    if !matches!(inner.kind, ValueKind::Table(_)) {
        *inner = empty();
    }
    if let ValueKind::Table(inner) = &mut inner.kind {
        put(inner, rest, value);
    }
}

/// The variables of all settings, without what all begin with.
fn name_all(table: &Known, prefix: &str, names: &mut Vec<String>) {
    for (key, value) in table {
        let name = format!("{prefix}{}", key.to_ascii_uppercase());
        match value {
            Json::Object(inner) => name_all(inner, &format!("{name}{DOT}"), names),
            _ => names.push(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        let known = serde_json::json!({
            "listen": "", "store": null, "customer_secret": [], "allowed_origins": [], "channels": {}, "voice": {"dial": null, "auth_token": null},
        });
        known.as_object().expect("an object").clone()
    }

    fn read(variables: &[(&str, &str)]) -> Environment {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        Environment::read(variables.iter().map(owned), &known()).expect("no files")
    }

    #[test]
    fn a_setting_begins_with_a_key_that_there_is_or_says_that_it_is_one() {
        for (variable, key) in [
            ("BELLHOP_LISTEN", Some("listen")),
            ("bellhop_listen", Some("listen")),
            ("BELLHOP__LISTEN", Some("listen")),
            ("BELLHOP_ALLOWED_ORIGINS", Some("allowed_origins")),
            ("BELLHOP_VOICE__DIAL", Some("voice.dial")),
            ("BELLHOP__VOICE__DIAL", Some("voice.dial")),
            ("BELLHOP_CHANNELS__SHOP__TOKEN", Some("channels.shop.token")),
            // Typing errors behind a known key, or where it is said that it is one: the settings will refuse them.
            ("BELLHOP_VOICE__DAIL", Some("voice.dail")),
            ("BELLHOP__LISTNE", Some("listne")),
            // What platforms put there for services called bellhop, bellhop-store and bellhop-voice.
            ("BELLHOP_PORT", None),
            ("BELLHOP_SERVICE_HOST", None),
            ("BELLHOP_SERVICE_PORT_HTTP", None),
            ("BELLHOP_PORT_8080_TCP_ADDR", None),
            ("BELLHOP_STORE_PORT", None),
            ("BELLHOP_STORE_SERVICE_HOST", None),
            ("BELLHOP_VOICE_PORT_80_TCP", None),
            ("BELLHOP_NAME", None),
            ("BELLHOP_", None),
        ] {
            let read = read(&[(variable, "x")]);
            let mut at = Value::new(None, ValueKind::Table(read.settings.clone()));
            for part in key
                .unwrap_or_default()
                .split('.')
                .filter(|part| !part.is_empty())
            {
                let table = at.into_table().expect(variable);
                at = table.get(part).cloned().expect(variable);
            }
            match key {
                Some(_) => assert_eq!(at.into_string().ok().as_deref(), Some("x"), "{variable}"),
                None => assert!(read.settings.is_empty(), "{variable}"),
            }
            assert_eq!(read.foreign.is_empty(), key.is_some(), "{variable}");
        }
        let others = read(&[("BELLHOPPER_LISTEN", "x"), ("HOME", "x"), ("BELLHOP", "x")]);
        assert!(others.settings.is_empty() && others.foreign.is_empty());
    }

    #[test]
    fn the_more_explicit_name_wins() {
        let read = read(&[("BELLHOP__LISTEN", "2"), ("BELLHOP_LISTEN", "1")]);
        let listen = read.settings["listen"].clone().into_string();
        assert_eq!(listen.ok().as_deref(), Some("2"));
    }

    #[test]
    fn a_value_lies_in_a_variable_or_in_a_file_and_not_in_both() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(&file, "one\r\n\ntwo\n").expect("writes");
        let named = file.path().display().to_string();
        let read = |variables: &[(&str, &str)]| {
            let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
            Environment::read(variables.iter().map(owned), &known())
        };
        let in_file = read(&[("BELLHOP_CUSTOMER_SECRET_FILE", &named)]).expect("reads");
        let lines = in_file.settings["customer_secret"].clone().into_array();
        let lines = lines
            .expect("two")
            .into_iter()
            .map(|line| line.into_string().expect("text"));
        assert_eq!(lines.collect::<Vec<_>>(), ["one", "two"]);
        for other in [
            "BELLHOP_CUSTOMER_SECRET",
            "BELLHOP__CUSTOMER_SECRET",
            "bellhop_customer_secret",
        ] {
            let both = read(&[("BELLHOP_CUSTOMER_SECRET_FILE", &named), (other, "x")]);
            assert!(matches!(both, Err(EnvironmentError::Twice(..))), "{other}");
        }
        // Only what is secret may lie in a file.
        let other = read(&[("BELLHOP_LISTEN_FILE", &named)]).expect("left alone");
        assert_eq!(other.foreign, ["BELLHOP_LISTEN_FILE"]);
    }

    #[test]
    fn what_is_no_setting_is_told_with_the_nearest_that_is_one() {
        let read = read(&[
            ("BELLHOP_LISTNE", "x"),
            ("BELLHOP_VOICE_AUTH_TOKEN", "x"),
            ("BELLHOP_PORT", "tcp://10.0.0.1:80"),
            ("BELLHOP_SERVICE_HOST", "10.0.0.1"),
        ]);
        let told = read.warnings(&known());
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(
            told[0].ends_with("did you mean BELLHOP_LISTEN?"),
            "{told:?}"
        );
        assert!(
            told[1].ends_with("did you mean BELLHOP_VOICE__AUTH_TOKEN?"),
            "{told:?}"
        );
        assert!(
            told[2].contains("BELLHOP_PORT, BELLHOP_SERVICE_HOST"),
            "{told:?}"
        );
        assert!(
            told.iter().all(|told| !told.contains("10.0.0.1")),
            "{told:?}"
        );
    }
}
