//! The bank's branches, the times that their advisers have, and the appointments made for them.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};
use serde::Serialize;
use serde_json::{Value, json};

use super::data::Refusal;

const NO_APPOINTMENT: Refusal = Refusal::NotFound("appointment");

#[derive(Debug, Clone, Serialize)]
pub(super) struct Branch {
    pub(super) id: &'static str,
    #[serde(skip)]
    pub(super) town: &'static str,
    pub(super) name: &'static str,
    pub(super) address: &'static str,
}

pub(super) const BRANCHES: [Branch; 5] = [
    Branch {
        id: "london-strand",
        town: "london",
        name: "Strand",
        address: "12 Strand, London WC2N 5HR",
    },
    Branch {
        id: "bristol-harbourside",
        town: "bristol",
        name: "Harbourside",
        address: "3 Canons Road, Bristol BS1 5UH",
    },
    Branch {
        id: "manchester-deansgate",
        town: "manchester",
        name: "Deansgate",
        address: "208 Deansgate, Manchester M3 3NW",
    },
    Branch {
        id: "leeds-park-row",
        town: "leeds",
        name: "Park Row",
        address: "41 Park Row, Leeds LS1 5JL",
    },
    Branch {
        id: "edinburgh-george-street",
        town: "edinburgh",
        name: "George Street",
        address: "97 George Street, Edinburgh EH2 3ES",
    },
];

/// A place in the calendar: at a branch, on a day, at a time such as `10:45`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) branch: String,
    pub(super) date: Date,
    pub(super) time: String,
}

#[derive(Debug)]
struct Appointment {
    place: Place,
    /// Id of the customer; a stranger may have an appointment too.
    customer: Option<String>,
}

/// All appointments, by reference.
#[derive(Debug)]
pub(super) struct Calendar {
    /// The day on which the bank opened; nobody's next appointment is before it.
    today: Date,
    appointments: BTreeMap<String, Appointment>,
}

impl Calendar {
    pub(super) fn open(today: Date) -> Self {
        Self {
            today,
            appointments: BTreeMap::new(),
        }
    }

    /// Free times of a day: none on Sundays, mornings on Saturdays.
    pub(super) fn slots(&self, branch: &str, date: Date) -> Result<Vec<String>, Refusal> {
        let index = BRANCHES
            .iter()
            .position(|known| known.id == branch)
            .ok_or(Refusal::NotFound("branch"))?;
        let day: &[&str] = match date.weekday() {
            Weekday::Sunday => &[],
            Weekday::Saturday => &["10:00", "11:00", "12:30", "13:15"],
            _ => &[
                "10:00", "10:45", "11:30", "13:00", "14:15", "15:00", "15:45",
            ],
        };
        // A calendar that differs by branch and day, and is the same whenever it is asked for.
        let shift = index + usize::try_from(date.day_of_year()).unwrap_or(0);
        Ok(day
            .iter()
            .enumerate()
            .filter(|(at, _)| (at + shift) % 3 != 0)
            .map(|(_, time)| (*time).to_owned())
            .filter(|time| !self.is_taken(branch, date, time))
            .collect())
    }

    fn is_taken(&self, branch: &str, date: Date, time: &str) -> bool {
        self.appointments.values().any(|known| {
            known.place.branch == branch && known.place.date == date && known.place.time == time
        })
    }

    /// Refuses a place that nobody can have any more, or never could.
    pub(super) fn check_free(&self, place: &Place) -> Result<(), Refusal> {
        let free = self.slots(&place.branch, place.date)?;
        if free.contains(&place.time) {
            Ok(())
        } else {
            Err(Refusal::Taken("appointment time"))
        }
    }

    /// Keeps an appointment whose place was found free.
    pub(super) fn keep(&mut self, reference: &str, place: Place, customer: Option<String>) {
        self.appointments
            .insert(reference.to_owned(), Appointment { place, customer });
    }

    pub(super) fn find(&self, reference: &str) -> Value {
        told(self.appointments.get_key_value(&written(reference)))
    }

    /// The earliest appointment of a customer that is not past.
    pub(super) fn next_of(&self, customer: &str) -> Value {
        let own = |known: &Appointment| {
            known.customer.as_deref() == Some(customer) && known.place.date >= self.today
        };
        let next = self
            .appointments
            .iter()
            .filter(|(_, known)| own(known))
            .min_by_key(|(_, known)| (known.place.date, &known.place.time));
        told(next)
    }

    /// Takes an appointment back, so that its time is free again.
    pub(super) fn cancel(&mut self, reference: &str) -> Result<Value, Refusal> {
        let reference = written(reference);
        self.appointments.remove(&reference).ok_or(NO_APPOINTMENT)?;
        Ok(json!({"ref": reference}))
    }

    /// Moves an appointment within its branch. It stays where it was if the new time is not free.
    pub(super) fn put_off(
        &mut self,
        reference: &str,
        date: Date,
        time: &str,
    ) -> Result<Value, Refusal> {
        let reference = written(reference);
        let known = self.appointments.get(&reference).ok_or(NO_APPOINTMENT)?;
        let place = Place {
            branch: known.place.branch.clone(),
            date,
            time: time.to_owned(),
        };
        // Its own time is taken, but by nobody else.
        if known.place != place {
            self.check_free(&place)?;
        }
        if let Some(known) = self.appointments.get_mut(&reference) {
            known.place = place;
        }
        Ok(json!({"ref": reference}))
    }
}

/// A reference as the bank writes it: `ap73014` and `AP 73014` are `AP-73014`.
fn written(reference: &str) -> String {
    let bare: String = reference
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    match bare.strip_prefix("AP") {
        Some(digits) => format!("AP-{digits}"),
        None => bare,
    }
}

/// What is told of an appointment; one that there is not has the same fields, all empty.
fn told(found: Option<(&String, &Appointment)>) -> Value {
    let with_branch = found.and_then(|(reference, known)| {
        let branch = BRANCHES
            .iter()
            .find(|branch| branch.id == known.place.branch)?;
        Some((reference, known, branch))
    });
    match with_branch {
        Some((reference, known, branch)) => json!({
            "found": true,
            "ref": reference,
            "id": branch.id,
            "name": branch.name,
            "date": known.place.date,
            "time": known.place.time,
        }),
        None => json!({
            "found": false, "ref": "", "id": "", "name": "", "date": null, "time": null,
        }),
    }
}

/// The time that "the middle one" and the like mean; empty where there is no such one.
pub(super) fn picked<'a>(free: &'a [String], pick: &str) -> Result<&'a str, Refusal> {
    let time = match pick {
        "first" => free.first(),
        "second" => free.get(1),
        "third" => free.get(2),
        // The earlier of two that are.
        "middle" => free.get(free.len().saturating_sub(1) / 2),
        "last" => free.last(),
        _ => {
            return Err(Refusal::Invalid(
                "pick must be first, second, third, middle or last",
            ));
        }
    };
    Ok(time.map_or("", String::as_str))
}
