//! Addresses of machines: one (`10.0.0.7`), or a block (`10.0.0.0/8`).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// One address, or a block of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(IpNet);

impl Network {
    /// Tells whether an address is in it.
    pub fn has(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let one = text
            .parse::<IpAddr>()
            .map(|it| IpNet::from(it.to_canonical()));
        let network = one.or_else(|_| text.parse());
        network.map(Self).map_err(|_| {
            format!(
                "`{text}` is no address; write one such as `10.0.0.7` or `fd00::7`, or a block such as `10.0.0.0/8`"
            )
        })
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_or_a_block_is_read() {
        let ip = |text: &str| text.parse::<IpAddr>().expect(text);
        for (written, inside, outside) in [
            ("10.0.0.7", "10.0.0.7", "10.0.0.8"),
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::10.1.2.3"),
            ("::ffff:10.0.0.7", "10.0.0.7", "10.0.0.8"),
            ("fd00::7", "fd00::7", "fd00::8"),
            ("fd00::/8", "fdff::1", "fe80::1"),
            ("0.0.0.0/0", "192.0.2.1", "2001:db8::1"),
        ] {
            let network: Network = written.parse().expect(written);
            assert!(network.has(ip(inside)), "{written} {inside}");
            assert!(!network.has(ip(outside)), "{written} {outside}");
        }
        for wrong in [
            "",
            "10.0.0",
            "10.0.0.0/33",
            "proxy.example",
            "10.0.0.7:80",
            "[fd00::7]",
            "*",
        ] {
            let refused = wrong.parse::<Network>().expect_err(wrong);
            assert!(refused.contains("is no address"), "{refused}");
        }
    }
}
