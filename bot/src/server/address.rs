//! Where a request comes from: the address that limits go by.
//!
//! Behind a proxy every customer has the proxy's address, and what `Forwarded` and `X-Forwarded-For` say anybody can write. So they are
//! believed as far as our own proxies (`trusted_proxies`) have written them: from the right, up to the first address that is none of ours.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};

use super::HttpState;
use super::problem::Problem;
use crate::setting::Network;

/// Bits of an IPv6 address that a customer can't choose: whoever has one has all of its /64.
const IPV6_BITS: u32 = 64;

/// Address of whoever sent a request, as limits count it: IPv4 whole, IPv6 by its /64.
pub(super) struct Address(pub(super) IpAddr);

impl FromRequestParts<HttpState> for Address {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, edge: &HttpState) -> Result<Self, Problem> {
        let peer = ConnectInfo::<SocketAddr>::from_request_parts(parts, edge).await;
        let ConnectInfo(peer) =
            peer.map_err(|error| Problem::new(error.status(), error.body_text()))?;
        let sender = sender(peer.ip(), &parts.headers, &edge.config.trusted_proxies);
        Ok(Self(counted(sender)))
    }
}

/// Who sent a request that came in from `peer`.
fn sender(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.has(*address));
    if !is_trusted(&peer) {
        return peer;
    }
    let said = [forwarded(headers), forwarded_for(headers)];
    let mut senders = said.iter().filter(|hops| !hops.is_empty()).map(|hops| {
        let mut sender = peer;
        for hop in hops.iter().rev() {
            // A name, or nothing that can be read: whoever wrote it is the last that we know.
            let Some(hop) = hop else { break };
            sender = *hop;
            if !is_trusted(hop) {
                break;
            }
        }
        sender
    });
    match (senders.next(), senders.next()) {
        (Some(one), None) => one,
        (Some(one), Some(other)) if one == other => one,
        // A proxy writes one of the two and passes on the other as the customer wrote it; we can't tell which.
        _ => peer,
    }
}

fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(
            address.to_bits() & (u128::MAX << (128 - IPV6_BITS)),
        )),
        address => address,
    }
}

/// The hops of `X-Forwarded-For`, the nearest last; none for one that is no address.
fn forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let lines = headers.get_all(HeaderName::from_static("x-forwarded-for"));
    let mut hops = Vec::new();
    for line in lines {
        match line.to_str() {
            Ok(line) => hops.extend(line.split(',').map(|hop| address(hop.trim()))),
            Err(_) => hops.push(None),
        }
    }
    hops
}

/// The hops of `Forwarded` (RFC 7239), the nearest last; none for one that is no address.
fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let mut hops = Vec::new();
    for line in headers.get_all(header::FORWARDED) {
        // A quotation that does not end could swallow what a proxy has added to the line.
        let elements = line.to_str().ok().and_then(|line| split(line, ','));
        match elements {
            Some(elements) => hops.extend(elements.iter().map(|element| {
                let pairs = split(element, ';')?;
                let mut pairs = pairs.iter().filter_map(|pair| pair.split_once('='));
                let (_, node) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
                address(node.trim().trim_matches('"'))
            })),
            None => hops.push(None),
        }
    }
    hops
}

/// Splits outside of quotations; none where one does not end.
fn split(text: &str, at: char) -> Option<Vec<&str>> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (index, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            c if c == at && !is_quoted => {
                parts.push(&text[start..index]);
                start = index + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (!is_quoted).then_some(parts)
}

/// An address as proxies write it: `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let found = bare.unwrap_or(text).parse().ok();
    let found = found.or_else(|| {
        text.parse()
            .ok()
            .map(|with_port: SocketAddr| with_port.ip())
    });
    found.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORWARDED: &str = "forwarded";
    const FOR: &str = "x-forwarded-for";

    /// Who sent it, behind the proxies 10.0.0.0/8 and fd00::1.
    fn from(peer: &str, said: &[(&'static str, &str)]) -> String {
        let trusted = ["10.0.0.0/8", "fd00::1"].map(|network| network.parse().expect(network));
        let mut headers = HeaderMap::new();
        for (name, value) in said {
            headers.append(*name, value.parse().expect("a value"));
        }
        sender(peer.parse().expect(peer), &headers, &trusted).to_string()
    }

    #[test]
    fn the_nearest_address_that_is_no_proxy_of_ours_counts() {
        for (peer, said, sender) in [
            // Nobody of ours in between: what it says of itself is nothing.
            ("192.0.2.1", &[][..], "192.0.2.1"),
            ("192.0.2.1", &[(FOR, "198.51.100.7")], "192.0.2.1"),
            ("192.0.2.1", &[(FORWARDED, "for=198.51.100.7")], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[(FOR, "198.51.100.7")], "198.51.100.7"),
            ("::ffff:10.0.0.1", &[(FOR, "198.51.100.7")], "198.51.100.7"),
            ("fd00::1", &[(FOR, "2001:db8::1")], "2001:db8::1"),
            ("10.0.0.1", &[(FOR, "198.51.100.7:4711")], "198.51.100.7"),
            ("10.0.0.1", &[(FOR, "[2001:db8::1]:4711")], "2001:db8::1"),
            (
                "10.0.0.1",
                &[(FORWARDED, "for=198.51.100.7")],
                "198.51.100.7",
            ),
            (
                "10.0.0.1",
                &[(FORWARDED, "proto=https;For=\"[2001:db8::1]:80\";by=x")],
                "2001:db8::1",
            ),
            (
                "10.0.0.1",
                &[(FORWARDED, "for=\"[2001:db8::1]\", for=10.0.0.2")],
                "2001:db8::1",
            ),
            // A customer who writes the header himself writes what stands to the left.
            (
                "10.0.0.1",
                &[(FOR, "203.0.113.9, 198.51.100.7")],
                "198.51.100.7",
            ),
            (
                "10.0.0.1",
                &[(FOR, "203.0.113.9, 198.51.100.7, 10.0.0.2")],
                "198.51.100.7",
            ),
            (
                "10.0.0.1",
                &[(FOR, "203.0.113.9"), (FOR, "198.51.100.7")],
                "198.51.100.7",
            ),
            (
                "10.0.0.1",
                &[(FORWARDED, "for=203.0.113.9, for=198.51.100.7")],
                "198.51.100.7",
            ),
            (
                "10.0.0.1",
                &[(FORWARDED, "host=\"a,b;for=203.0.113.9\";for=198.51.100.7")],
                "198.51.100.7",
            ),
            // Within our own network there is nobody else.
            ("10.0.0.1", &[(FOR, "10.0.0.3, 10.0.0.2")], "10.0.0.3"),
            // What can't be read ends what we know.
            ("10.0.0.1", &[(FOR, "198.51.100.7, unknown")], "10.0.0.1"),
            (
                "10.0.0.1",
                &[(FOR, "198.51.100.7, _hidden, 10.0.0.2")],
                "10.0.0.2",
            ),
            ("10.0.0.1", &[(FOR, "")], "10.0.0.1"),
            (
                "10.0.0.1",
                &[(FORWARDED, "for=198.51.100.7, proto=https")],
                "10.0.0.1",
            ),
            (
                "10.0.0.1",
                &[(FORWARDED, "for=\"203.0.113.9, for=198.51.100.7")],
                "10.0.0.1",
            ),
            // A proxy writes one of the two headers; the other may be the customer's.
            (
                "10.0.0.1",
                &[(FOR, "198.51.100.7"), (FORWARDED, "for=203.0.113.9")],
                "10.0.0.1",
            ),
            (
                "10.0.0.1",
                &[(FOR, "198.51.100.7"), (FORWARDED, "for=198.51.100.7")],
                "198.51.100.7",
            ),
        ] {
            assert_eq!(from(peer, said), sender, "{peer} {said:?}");
        }
    }

    #[test]
    fn whoever_has_an_ipv6_address_has_all_of_its_network() {
        for (address, as_counted) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2::1", "2001:db8:1:2::"),
            ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ] {
            let as_given: IpAddr = address.parse().expect(address);
            assert_eq!(counted(as_given).to_string(), as_counted, "{address}");
        }
    }
}
