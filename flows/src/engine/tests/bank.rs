//! A small bank built by hand.

use std::collections::BTreeMap;

use crate::bundle::*;
use crate::engine::phrases::Phrases;
use crate::expr::{Expr, Names};
use crate::span::Span;
use crate::template::Template;
use crate::value::Type;

const PATTERNS: [Pattern; 74] = [
    Pattern::Greeting,
    Pattern::NoMatch,
    Pattern::NoInput,
    Pattern::Disambiguation,
    Pattern::SomethingElse,
    Pattern::Cancel,
    Pattern::NothingToCancel,
    Pattern::Back,
    Pattern::StartOver,
    Pattern::Correction,
    Pattern::KeptOld,
    Pattern::AlreadyDone,
    Pattern::OfferUndo,
    Pattern::Undone,
    Pattern::Resume,
    Pattern::OfferResume,
    Pattern::NextRequest,
    Pattern::Refused,
    Pattern::Error,
    Pattern::Answer,
    Pattern::NoAnswer,
    Pattern::Handoff,
    Pattern::QueuePosition,
    Pattern::StillWaiting,
    Pattern::HandoffCancelled,
    Pattern::AgentJoined,
    Pattern::AgentLeft,
    Pattern::Returned,
    Pattern::Csat,
    Pattern::CsatThanks,
    Pattern::Degraded,
    Pattern::AnythingElse,
    Pattern::Goodbye,
    Pattern::Wait,
    Pattern::PlainAnswer,
    Pattern::Unsettled,
    Pattern::WhichValue,
    Pattern::Excluded,
    Pattern::NotOffered,
    Pattern::WhatToChange,
    Pattern::AskAgain,
    Pattern::Cannot,
    Pattern::Refusal,
    Pattern::MustAnswer,
    Pattern::Resolved,
    Pattern::NotDone,
    Pattern::NoPerson,
    Pattern::Misread,
    Pattern::IsItAbout,
    Pattern::Concern,
    Pattern::Crisis,
    Pattern::QueueNoted,
    Pattern::QueueUnknown,
    Pattern::QueueOrHere,
    Pattern::QueueLeft,
    Pattern::LeaveQueue,
    Pattern::CrisisWaiting,
    Pattern::OfferPerson,
    Pattern::StatusDone,
    Pattern::StatusNothing,
    Pattern::StatusOpen,
    Pattern::FirstThis,
    Pattern::NoUseForIt,
    Pattern::Noted,
    Pattern::NothingOpen,
    Pattern::Hello,
    Pattern::Welcome,
    Pattern::SmallTalk,
    Pattern::AboutBot,
    Pattern::WhatICanDo,
    Pattern::Calm,
    Pattern::Sorry,
    Pattern::LanguageSwitched,
    Pattern::LanguageUnknown,
];

/// The names that the bank's expressions know.
struct Known;

impl Names for Known {
    fn lookup(&self, name: &str) -> Option<(String, Type)> {
        let ty = match name {
            "card" => Type::Entity("last4".to_owned()),
            "loss" => Type::Entity("loss".to_owned()),
            "sum" => Type::Money,
            "note" | "channel" => Type::Text,
            "town" => Type::Entity("town".to_owned()),
            "towns" => Type::List(Box::new(Type::Entity("town".to_owned()))),
            "found" | "blocked" | "customer" | "error" => Type::Any,
            _ => return None,
        };
        Some((name.to_owned(), ty))
    }

    fn candidates(&self) -> Vec<String> {
        Vec::new()
    }
}

pub(super) fn expr(text: &str) -> Expr {
    Expr::parse(text, Span::default(), &Known).expect("a test's expression")
}

fn template(text: &str) -> Template {
    Template::parse(text, Span::default(), &Known).expect("a test's text")
}

fn response(texts: &[(&str, &str)]) -> Response {
    let variant = |text: &str| Variant {
        when: None,
        text: template(text),
        voice: None,
        buttons: Vec::new(),
        links: Vec::new(),
    };
    Response {
        variants: texts
            .iter()
            .map(|(language, text)| ((*language).to_owned(), vec![variant(text)]))
            .collect(),
        span: Span::default(),
    }
}

fn s(id: &str, kind: StepKind) -> Step {
    Step {
        id: id.to_owned(),
        span: Span::default(),
        kind,
    }
}

pub(super) fn say(id: &str) -> Step {
    s(&format!("say_{id}"), StepKind::Say(id.to_owned()))
}

fn end(outcome: &str) -> Step {
    s(&format!("end_{outcome}"), StepKind::End(outcome.to_owned()))
}

fn ladder() -> Ladder {
    Ladder {
        no_match: vec!["hint".to_owned()],
        no_input: vec!["still_there".to_owned()],
        exhausted: vec![say("let_person"), handoff("let_person", "cards")],
        ..Ladder::default()
    }
}

fn handoff(id: &str, queue: &str) -> Step {
    s(
        &format!("handoff_{id}"),
        StepKind::Handoff {
            queue: Some(queue.to_owned()),
            reason: "repeated_misunderstanding".to_owned(),
            say: None,
            priority: None,
        },
    )
}

pub(super) fn ask(slot: &str) -> Step {
    s(
        &format!("ask_{slot}"),
        StepKind::Ask(Ask {
            slot: slot.to_owned(),
            prompt: format!("ask_{slot}"),
            default: None,
            always: false,
            skip: None,
            ladder: ladder(),
        }),
    )
}

pub(super) fn confirm(prompt: &str, on_no: Vec<Step>) -> Step {
    s(
        prompt,
        StepKind::Confirm(Confirm {
            prompt: prompt.to_owned(),
            on_no,
            ladder: ladder(),
        }),
    )
}

pub(super) fn act(action: &str, into: &str, on_error: Vec<Step>) -> Step {
    s(
        action,
        StepKind::Do {
            action: action.to_owned(),
            into: Some(into.to_owned()),
            on_error,
        },
    )
}

pub(super) fn when(id: &str, test: &str, then: Vec<Step>) -> Step {
    s(
        id,
        StepKind::If {
            test: expr(test),
            then,
            otherwise: Vec::new(),
        },
    )
}

pub(super) fn flow(start: &str, steps: Vec<Step>) -> Flow {
    Flow {
        small_talk: false,
        about: Vec::new(),
        start: (!start.is_empty()).then(|| start.to_owned()),
        title: BTreeMap::new(),
        on_interrupt: OnInterrupt::Resume,
        stale_after_s: 3600,
        steps,
        span: Span::default(),
    }
}

fn slot(ty: Type) -> Slot {
    Slot {
        ty,
        keep: Keep::Flow,
        check: None,
        check_else: None,
        pii: false,
        secret: false,
        looks: crate::bundle::Looks::Future,
        words: None,
        like: None,
        title: BTreeMap::new(),
        span: Span::default(),
    }
}

fn action(effect: ActionEffect, reads: &[&str], returns: &[(&str, Type)]) -> Action {
    Action {
        method: "POST".to_owned(),
        url: template("https://bank.example/{card}"),
        headers: BTreeMap::new(),
        body: None,
        timeout_ms: 1000,
        retry_times: 0,
        retry_backoff_ms: 0,
        effect,
        returns: returns
            .iter()
            .map(|(name, ty)| ((*name).to_owned(), ty.clone()))
            .collect(),
        stub: None,
        compensate: None,
        repeatable: effect != ActionEffect::Irreversible,
        reads: reads.iter().map(|read| (*read).to_owned()).collect(),
        span: Span::default(),
    }
}

fn intent(title: &str) -> Intent {
    Intent {
        title: BTreeMap::from([("en".to_owned(), title.to_owned())]),
        examples: BTreeMap::new(),
        threshold: None,
        span: Span::default(),
    }
}

fn list(values: &[(&str, &[&str])]) -> EntityKind {
    let synonyms = |words: &[&str]| {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        BTreeMap::from([("en".to_owned(), words)])
    };
    EntityKind::List(
        values
            .iter()
            .map(|(name, words)| ((*name).to_owned(), synonyms(words)))
            .collect(),
    )
}

fn entity(kind: EntityKind) -> Entity {
    Entity {
        kind,
        spelled: false,
        span: Span::default(),
    }
}

fn trigger(name: &str, when: TriggerKind, queue: Option<&str>, say: Option<&str>) -> Trigger {
    Trigger {
        name: name.to_owned(),
        when,
        queue: queue.map(str::to_owned),
        priority: None,
        say: say.map(str::to_owned),
        ask_first: false,
        span: Span::default(),
    }
}

pub(super) fn words(list: &[&str]) -> Phrases {
    let list = list.iter().map(|word| (*word).to_owned()).collect();
    Phrases::new(BTreeMap::from([("en".to_owned(), list)]))
}

fn policy() -> Policy {
    let never = TriggerKind::NeverAutomate {
        intents: vec!["fraud".to_owned()],
        at: 0.4,
        phrases: words(&["been scammed"]),
    };
    Policy {
        default_queue: "general".to_owned(),
        triggers: vec![
            trigger("fraud", never, Some("fraud"), Some("fraud_first")),
            trigger(
                "legal",
                TriggerKind::Keyword(words(&["lawyer"])),
                None,
                None,
            ),
            trigger(
                "asked",
                TriggerKind::Asked(vec!["person".to_owned()]),
                None,
                Some("person_coming"),
            ),
            trigger(
                "upset",
                TriggerKind::Sentiment {
                    now: 0.9,
                    trend: 0.7,
                    turns: 3,
                },
                None,
                None,
            ),
            trigger(
                "misunderstood",
                TriggerKind::Misunderstood {
                    running: 3,
                    total: 6,
                },
                None,
                None,
            ),
            trigger("tools", TriggerKind::ToolFailure(2), None, None),
            trigger("long", TriggerKind::TurnLimit(25), None, None),
            trigger(
                "premier",
                TriggerKind::Tier(vec!["premier".to_owned()]),
                None,
                None,
            ),
        ],
    }
}

fn flows() -> BTreeMap<String, Flow> {
    let trouble = || vec![say("system_down"), handoff("trouble", "cards")];
    let block = vec![
        say("block_first"),
        ask("card"),
        act("find_card", "found", trouble()),
        when(
            "blocked_already",
            "found.status == 'blocked'",
            vec![say("already_blocked"), end("already")],
        ),
        ask("loss"),
        when("is_stolen", "loss == 'stolen'", vec![say("after_theft")]),
        confirm("block_check", vec![say("not_blocked"), end("declined")]),
        act("block_card", "blocked", Vec::new()),
        say("block_done"),
        confirm("new_card_check", vec![end("done")]),
        say("new_card_coming"),
        end("done"),
    ];
    let transfer = vec![
        ask("sum"),
        ask("note"),
        confirm("transfer_check", Vec::new()),
        end("done"),
    ];
    let mut offer = flow(
        "pin",
        vec![s(
            "which",
            StepKind::Offer(Offer {
                prompt: "which_pin".to_owned(),
                choices: ["see", "change"]
                    .iter()
                    .map(|value| Choice {
                        value: (*value).to_owned(),
                        title: BTreeMap::from([("en".to_owned(), format!("{value} my PIN"))]),
                        steps: vec![say("block_done"), end(value)],
                    })
                    .collect(),
                on_no: Vec::new(),
                ladder: Ladder::default(),
            }),
        )],
    );
    offer.on_interrupt = OnInterrupt::Offer;
    let mut replace = flow("replace", vec![ask("town"), end("done")]);
    replace.on_interrupt = OnInterrupt::Refuse;
    let endless = vec![s(
        "loop",
        StepKind::Repeat {
            test: expr("channel != ''"),
            steps: vec![say("hint")],
        },
    )];
    let visit = vec![
        ask("town"),
        s("verify", StepKind::Call("verify".to_owned())),
        say("balance_told"),
        end("done"),
    ];
    BTreeMap::from([
        ("block".to_owned(), flow("lost_card", block)),
        ("transfer".to_owned(), flow("transfer", transfer)),
        (
            "balance".to_owned(),
            flow("balance", vec![say("balance_told"), end("done")]),
        ),
        ("pin".to_owned(), offer),
        ("replace".to_owned(), replace),
        ("endless".to_owned(), flow("endless", endless)),
        ("visit".to_owned(), flow("visit", visit)),
        (
            "tour".to_owned(),
            flow(
                "tour",
                vec![ask("towns"), confirm("tour_check", Vec::new()), end("done")],
            ),
        ),
        ("verify".to_owned(), flow("", vec![ask("card")])),
    ])
}

fn responses() -> BTreeMap<String, Response> {
    let mut all: BTreeMap<String, Response> = [
        ("ask_card", "Which card?"),
        ("ask_loss", "Lost or stolen?"),
        ("ask_sum", "How much?"),
        ("ask_note", "What for?"),
        ("ask_town", "Which town?"),
        ("ask_towns", "Which towns?"),
        ("tour_check", "To {towns|list}?"),
        ("block_first", "Let's block it."),
        ("already_blocked", "It is blocked."),
        ("after_theft", "Tell the police."),
        ("block_check", "Block card {card}?"),
        ("not_blocked", "Left as it is."),
        ("block_done", "Blocked."),
        ("new_card_check", "A new card?"),
        ("new_card_coming", "It's coming."),
        ("transfer_check", "Send {sum|money} for {note}?"),
        ("sum_zero", "More than nothing, please."),
        ("balance_told", "You have 5 pounds."),
        ("which_pin", "Which one?"),
        ("hint", "Four digits."),
        ("still_there", "Still there?"),
        ("let_person", "A person will help."),
        ("system_down", "Our records are down."),
        ("fraud_first", "Don't pay anyone."),
        ("person_coming", "Of course."),
    ]
    .iter()
    .map(|(id, text)| ((*id).to_owned(), response(&[("en", text)])))
    .collect();
    all.insert(
        "ask_card".to_owned(),
        response(&[("en", "Which card?"), ("es", "¿Qué tarjeta?")]),
    );
    for pattern in PATTERNS {
        let name = name(pattern);
        all.insert(name.clone(), response(&[("en", &name)]));
    }
    all
}

fn name(pattern: Pattern) -> String {
    let json = serde_json::to_value(pattern).expect("a name");
    json.as_str().expect("a text").to_owned()
}

/// The small bank.
pub(super) fn bank() -> Bundle {
    let mut sum = slot(Type::Money);
    sum.check = Some(expr("amount(sum) > 0"));
    sum.check_else = Some("sum_zero".to_owned());
    let kind = |id: &str| slot(Type::Entity(id.to_owned()));
    let queue = |title: &str, priority| Queue {
        title: BTreeMap::from([("en".to_owned(), title.to_owned())]),
        priority,
        handle_time_s: 300,
        advice: None,
        span: Span::default(),
    };
    let stolen: &[&str] = &["stolen", "nicked"];
    Bundle {
        hash: "b1".to_owned(),
        name: "Small Bank".to_owned(),
        languages: vec!["en".to_owned(), "es".to_owned()],
        time_zone: "Europe/London".to_owned(),
        currency: "GBP".to_owned(),
        entities: BTreeMap::from([
            (
                "last4".to_owned(),
                entity(EntityKind::Regex(r"\b[0-9]{4}\b".to_owned())),
            ),
            (
                "loss".to_owned(),
                entity(list(&[("lost", &["lost"]), ("stolen", stolen)])),
            ),
            (
                "town".to_owned(),
                entity(list(&[("london", &["London"]), ("leeds", &["Leeds"])])),
            ),
        ]),
        slots: BTreeMap::from([
            ("card".to_owned(), kind("last4")),
            ("loss".to_owned(), kind("loss")),
            ("town".to_owned(), kind("town")),
            ("sum".to_owned(), sum),
            ("note".to_owned(), slot(Type::Text)),
            (
                "towns".to_owned(),
                slot(Type::List(Box::new(Type::Entity("town".to_owned())))),
            ),
        ]),
        intents: [
            "lost_card",
            "transfer",
            "balance",
            "pin",
            "replace",
            "endless",
            "visit",
            "tour",
            "fraud",
            "person",
        ]
        .iter()
        .map(|id| ((*id).to_owned(), intent(&format!("the {id} thing"))))
        .collect(),
        actions: BTreeMap::from([
            (
                "find_card".to_owned(),
                action(ActionEffect::None, &["card"], &[("status", Type::Text)]),
            ),
            (
                "unblock_card".to_owned(),
                action(ActionEffect::Reversible, &["card"], &[("ref", Type::Text)]),
            ),
            (
                "block_card".to_owned(),
                action(
                    ActionEffect::Irreversible,
                    &["card"],
                    &[("ref", Type::Text)],
                ),
            ),
        ]),
        flows: flows(),
        responses: responses(),
        articles: BTreeMap::from([("fees".to_owned(), "Our fees".to_owned())]),
        patterns: PATTERNS.iter().map(|p| (*p, name(*p))).collect(),
        policy: policy(),
        queues: BTreeMap::from([
            ("general".to_owned(), queue("the team", 5)),
            ("cards".to_owned(), queue("the cards team", 4)),
            ("fraud".to_owned(), queue("the fraud team", 0)),
        ]),
        limits: Limits {
            steps: 100,
            depth: 5,
            idle_close_s: 1800,
            correctable_turns: 3,
            correctable_s: 300,
        },
        understanding: Understanding {
            accept: 0.5,
            margin: 0.1,
            answer: 0.5,
            interrupt_margin: 0.2,
            lead: 0.3,
        },
        tests: Vec::new(),
    }
}
