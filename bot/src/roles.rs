//! What one of several processes does.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The work that a process takes part in; all of it where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Roles {
    /// Customers and providers reach it: conversations, sockets, webhooks, the widget.
    pub edge: bool,
    /// It works messages through and sends what is to be sent: it alone needs the model.
    pub turns: bool,
    /// Staff reach it: the desk, the board and what only staff may read.
    pub desk: bool,
}

impl Default for Roles {
    fn default() -> Self {
        Self {
            edge: true,
            turns: true,
            desk: true,
        }
    }
}

impl FromStr for Roles {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut roles = Self {
            edge: false,
            turns: false,
            desk: false,
        };
        for name in text.split(',') {
            match name.trim() {
                "edge" => roles.edge = true,
                "turns" => roles.turns = true,
                "desk" => roles.desk = true,
                other => {
                    return Err(format!(
                        "`{other}` is no role; name some of edge, turns and desk, with commas between"
                    ));
                }
            }
        }
        Ok(roles)
    }
}

impl TryFrom<String> for Roles {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Roles> for String {
    fn from(roles: Roles) -> Self {
        roles.to_string()
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (self.edge, "edge"),
            (self.turns, "turns"),
            (self.desk, "desk"),
        ];
        let names = names.iter().filter(|(has, _)| *has);
        let names: Vec<&str> = names.map(|(_, name)| *name).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_as_they_are_written() {
        for text in ["edge", "turns", "desk", "edge,desk", "edge,turns,desk"] {
            assert_eq!(
                text.parse::<Roles>().map(|it| it.to_string()).as_deref(),
                Ok(text)
            );
        }
        assert_eq!("edge, turns, desk".parse(), Ok(Roles::default()));
        for wrong in ["", "all", "edge,", "Edge"] {
            let error = wrong.parse::<Roles>().expect_err(wrong);
            assert!(error.contains("edge, turns and desk"), "{error}");
        }
    }
}
