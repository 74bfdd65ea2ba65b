//! Where a call is, as the address of its next webhook carries it.

/// Where a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Journal seq of the last event that the caller was told; none before the first answer.
    pub after: Option<u64>,
    /// Seq of an input whose answer is waited for; nothing new is heard with this webhook.
    pub wait: Option<u64>,
    /// Times that the caller was asked to wait for it.
    pub asked: u32,
}

impl Place {
    /// Reads it from the query of an address; what is no number counts as absent.
    pub fn read(query: &str) -> Self {
        let mut place = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "after" => place.after = value.parse().ok(),
                "wait" => place.wait = value.parse().ok(),
                "asked" => place.asked = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        place
    }

    /// The address of the webhook at `path` that carries it.
    pub fn address(&self, path: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if let Some(after) = self.after {
            query.append_pair("after", &after.to_string());
        }
        if let Some(wait) = self.wait {
            query.append_pair("wait", &wait.to_string());
            query.append_pair("asked", &self.asked.to_string());
        }
        match query.finish() {
            query if query.is_empty() => path.to_owned(),
            query => format!("{path}?{query}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_the_way_through_an_address() {
        let places = [
            Place::default(),
            Place {
                after: Some(7),
                ..Place::default()
            },
            Place {
                after: Some(0),
                wait: Some(u64::MAX),
                asked: 3,
            },
        ];
        for place in places {
            let address = place.address("/hook");
            let query = address.split_once('?').map_or("", |(_, query)| query);
            assert_eq!(Place::read(query), place, "{address}");
        }
        assert_eq!(Place::read("after=x&wait=-1&other=9"), Place::default());
    }
}
