//! Checks that a webhook came from its provider: on what was received, in constant time.
//!
//! The address that takes part in a signature comes from the settings, never from a `Host` header.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

/// Tells whether `signature` (the `X-Twilio-Signature` header) is Twilio's for a form posted to
/// `url`: Base64 of HMAC-SHA1, under one of the account's auth tokens (two are live while one replaces the other), of the address and
/// the parameters sorted by name, each name followed by its value. An empty token never counts.
///
/// `url` is the public address with its query. The provider signs it with or without a default port,
/// so both count.
pub fn twilio(
    auth_tokens: &[&str],
    url: &str,
    parameters: &[(String, String)],
    signature: &str,
) -> bool {
    let mut sorted: Vec<&(String, String)> = parameters.iter().collect();
    sorted.sort();
    // A parameter given twice with the same value counts once, as in the provider's own library.
    sorted.dedup();
    let addresses = addresses(url);
    any_fits(auth_tokens, |token| {
        let expected = addresses
            .iter()
            .map(|address| sign_twilio(token, address, &sorted));
        expected.fold(Choice::from(0), |found, expected| {
            found | expected.as_bytes().ct_eq(signature.as_bytes())
        })
    })
}

fn sign_twilio(auth_token: &str, url: &str, sorted: &[&(String, String)]) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(auth_token.as_bytes())
        .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
    mac.update(url.as_bytes());
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

/// The address as it is, and with the scheme's default port written out or left out.
fn addresses(url: &str) -> Vec<String> {
    let mut all = vec![url.to_owned()];
    for (scheme, port) in [("https://", ":443"), ("http://", ":80")] {
        let Some(rest) = url.strip_prefix(scheme) else {
            continue;
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(end);
        match host.strip_suffix(port) {
            Some(bare) => all.push(format!("{scheme}{bare}{path}")),
            None if !host.contains(':') => all.push(format!("{scheme}{host}{port}{path}")),
            None => {}
        }
    }
    all
}

/// Tells whether `signature` (the `X-Hub-Signature-256` header) is Meta's for a body: `sha256=` and
/// the hex of HMAC-SHA256, under the app's secret, of the bytes as they came ("Webhooks: validating
/// payloads").
///
/// Several secrets may be live while one replaces the other. An empty one never counts: it would be
/// a setting that is missing, and anyone can sign with it.
pub fn meta(app_secrets: &[&str], body: &[u8], signature: &str) -> bool {
    let Some(given) = signature
        .trim()
        .strip_prefix("sha256=")
        .and_then(|hex| hex::decode(hex).ok())
    else {
        return false;
    };
    any_fits(app_secrets, |secret| {
        hmac_sha256(secret.as_bytes(), &[body]).ct_eq(&given)
    })
}

/// Tells whether a header carries a secret that we agreed on, such as Telegram's
/// `X-Telegram-Bot-Api-Secret-Token` or Meta's `hub.verify_token`. An empty secret never counts.
pub fn shared(secrets: &[&str], given: &str) -> bool {
    any_fits(secrets, |secret| secret.as_bytes().ct_eq(given.as_bytes()))
}

/// Tries all secrets, also after one fits, so that the time doesn't tell which.
fn any_fits(secrets: &[&str], fits: impl Fn(&str) -> Choice) -> bool {
    secrets
        .iter()
        .filter(|secret| !secret.is_empty())
        .fold(Choice::from(0), |found, secret| found | fits(secret))
        .into()
}

/// HMAC-SHA256 of parts in a row.
pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOKEN: &str = "12345";
    const URL: &str = "https://example.com/myapp.php?foo=1&bar=2";
    // Computed apart from this code, with Python's hmac and base64 modules.
    const SIGNATURE: &str = "vNe7KK2kJwCsxc9K3OLkkKB3qqI=";
    const ESCAPED: &str = "ievnN5rhO8lyqBWR5aXJ1mcasDI=";
    const WITH_PORT: &str = "ZL7HHRlAT0sQ/LgaOIWNwwj+yrk=";

    fn form() -> Vec<(String, String)> {
        [
            ("To", "+18005551212"),
            ("Digits", "1234"),
            ("CallSid", "CA1234567890ABCDE"),
            ("From", "+12349013030"),
            ("Caller", "+12349013030"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    #[test]
    fn signatures_made_elsewhere_are_accepted() {
        for tokens in [&[TOKEN][..], &["new", TOKEN], &[TOKEN, ""]] {
            assert!(twilio(tokens, URL, &form(), SIGNATURE), "{tokens:?}");
        }
        let speech = vec![
            ("SpeechResult".to_owned(), "¿Cuál es mi saldo?".to_owned()),
            ("CallSid".to_owned(), "CA1".to_owned()),
        ];
        let url = "https://phone.harbor.example/webhooks/voice/twiml";
        assert!(twilio(&["a-test-token"], url, &speech, ESCAPED));
    }

    #[test]
    fn the_default_port_may_be_signed_or_not() {
        let bare = "https://example.com/hook";
        let with_port = "https://example.com:443/hook";
        for url in [bare, with_port] {
            assert!(twilio(&[TOKEN], url, &[], WITH_PORT), "{url}");
        }
        assert!(!twilio(
            &[TOKEN],
            "https://example.com:8443/hook",
            &[],
            WITH_PORT
        ));
        assert!(!twilio(&[TOKEN], "http://example.com/hook", &[], WITH_PORT));
    }

    #[test]
    fn anything_altered_is_refused() {
        let mut more = form();
        more.push(("Extra".to_owned(), "1".to_owned()));
        let mut other = form();
        other[1].1 = "1235".to_owned();
        for (token, url, form, signature) in [
            ("12346", URL, form(), SIGNATURE),
            (
                TOKEN,
                "https://example.com/myapp.php?foo=1",
                form(),
                SIGNATURE,
            ),
            (TOKEN, URL, more, SIGNATURE),
            (TOKEN, URL, other, SIGNATURE),
            (TOKEN, URL, form(), ""),
            (TOKEN, URL, form(), "vNe7KK2kJwCsxc9K3OLkkKB3qqI"),
        ] {
            assert!(!twilio(&[token], url, &form, signature));
        }
        let form_of_ours = form();
        let mut sorted: Vec<_> = form_of_ours.iter().collect();
        sorted.sort();
        let anybodys = sign_twilio("", URL, &sorted);
        assert!(!twilio(&[""], URL, &form(), &anybodys));
        assert!(!twilio(&[], URL, &form(), SIGNATURE));
    }

    const BODY: &[u8] = br#"{"object":"whatsapp_business_account","entry":[]}"#;
    // Computed apart from this code, with Python's hmac module.
    const META: &str = "sha256=cecfa36f46ea73c8481071dc29a6c031566b17ca38f5da884ce85fdf6bc085c5";

    #[test]
    fn meta_signs_the_bytes_under_any_live_secret() {
        for secrets in [
            &["an-app-secret"][..],
            &["new", "an-app-secret"],
            &["an-app-secret", ""],
        ] {
            assert!(meta(secrets, BODY, META), "{secrets:?}");
        }
        assert!(meta(&["an-app-secret"], BODY, &META.replace('c', "C")));
        let empty = hex::encode(hmac_sha256(b"", &[BODY]));
        for (secrets, body, signature) in [
            (&["an-app-secre"][..], BODY, META),
            (&[], BODY, META),
            (&["an-app-secret"], &BODY[1..], META),
            (&["an-app-secret"], BODY, ""),
            (&["an-app-secret"], BODY, "sha256="),
            (&["an-app-secret"], BODY, "sha256=zz"),
            (&["an-app-secret"], BODY, &META[..META.len() - 2]),
            (&["an-app-secret"], BODY, &META["sha256=".len()..]),
            (&[""], BODY, &format!("sha256={empty}")),
        ] {
            assert!(!meta(secrets, body, signature), "{secrets:?} {signature}");
        }
    }

    #[test]
    fn a_shared_secret_is_whole_and_not_empty() {
        assert!(shared(&["old", "new"], "new"));
        for (secrets, given) in [
            (&["new"][..], "ne"),
            (&["new"], "newer"),
            (&["new"], ""),
            (&[""], ""),
            (&[], ""),
        ] {
            assert!(!shared(secrets, given), "{secrets:?} {given}");
        }
    }

    proptest! {
        #[test]
        fn a_flipped_bit_of_body_or_signature_is_refused(
            at in any::<proptest::sample::Index>(), bit in 0..8_u8,
        ) {
            let mut body = BODY.to_vec();
            let place = at.index(body.len());
            body[place] ^= 1 << bit;
            prop_assert!(!meta(&["an-app-secret"], &body, META));
            let mut signature = hex::decode(&META[7..]).expect("hex");
            let place = at.index(signature.len());
            signature[place] ^= 1 << bit;
            let signature = format!("sha256={}", hex::encode(signature));
            prop_assert!(!meta(&["an-app-secret"], BODY, &signature));
        }

        #[test]
        fn one_flipped_bit_is_refused(at in 0..28_usize, bit in 0..7_u8) {
            let mut bytes = SIGNATURE.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            let altered = String::from_utf8_lossy(&bytes).into_owned();
            prop_assert!(!twilio(&[TOKEN], URL, &form(), &altered));
        }

        #[test]
        fn the_order_of_parameters_does_not_matter(shuffled in Just(form()).prop_shuffle()) {
            prop_assert!(twilio(&[TOKEN], URL, &shuffled, SIGNATURE));
        }
    }
}
