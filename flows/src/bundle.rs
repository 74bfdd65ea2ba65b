//! A bot folder after parsing and checking: every name is resolved to its id, every text, condition
//! and template is parsed. The engine runs a [`Bundle`]; nothing here knows about files any more
//! except through [`Span`], which findings, traces and coverage point at.
//!
//! An **id** is `module.name`; a file without `module:` has the empty module and its ids are bare names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::phrases::Phrases;
use crate::expr::Expr;
use crate::span::Span;
use crate::template::Template;
use crate::value::{Type, Value};

/// `module.name`, or the bare name for a file without a module.
pub type Id = String;
/// A BCP 47 primary language such as `en`.
pub type Language = String;

/// A compiled bot.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// SHA-256 over the normalised sources, hex: the version of the bot.
    pub hash: String,
    /// Name of the bot, from `bot.yaml`.
    pub name: String,
    /// Languages it speaks; the first is the default.
    pub languages: Vec<Language>,
    /// IANA time zone that dates are read in.
    pub time_zone: String,
    /// ISO 4217 currency of amounts said without one.
    pub currency: String,
    /// Declared entities.
    pub entities: BTreeMap<Id, Entity>,
    /// Declared slots.
    pub slots: BTreeMap<Id, Slot>,
    /// Declared intents.
    pub intents: BTreeMap<Id, Intent>,
    /// Declared actions.
    pub actions: BTreeMap<Id, Action>,
    /// Declared flows.
    pub flows: BTreeMap<Id, Flow>,
    /// Declared responses, the built-in defaults of the patterns included.
    pub responses: BTreeMap<Id, Response>,
    /// Articles that can be answered from: id -> title. `article:ID` in a reading names one.
    pub articles: BTreeMap<String, String>,
    /// What is said for each pattern.
    pub patterns: BTreeMap<Pattern, Id>,
    /// When a person takes over.
    pub policy: Policy,
    /// Queues by name.
    pub queues: BTreeMap<String, Queue>,
    /// Bounds.
    pub limits: Limits,
    /// How sure a reading must be.
    pub understanding: Understanding,
    /// The bot's own conversation tests.
    pub tests: Vec<Test>,
}

/// An entity declared in the bot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    /// How it is found.
    pub kind: EntityKind,
    /// `spoken: spelled`: speech gives it letter by letter.
    pub spelled: bool,
    /// Where it is declared.
    pub span: Span,
}

/// How an entity is found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    /// Canonical value -> language -> synonyms.
    List(BTreeMap<String, BTreeMap<Language, Vec<String>>>),
    /// A regular expression over the text; the match is the value.
    Regex(String),
    /// Learned from `[text](slot)` marks only.
    Learned,
}

/// A slot.
#[derive(Debug, Clone)]
pub struct Slot {
    /// What it holds.
    pub ty: Type,
    /// How long it holds it.
    pub keep: Keep,
    /// Must hold for a new value to be taken.
    pub check: Option<Expr>,
    /// Said when the check fails.
    pub check_else: Option<Id>,
    /// Personal data: never in logs, URLs or metrics.
    pub pii: bool,
    /// Known to the customer alone, like a PIN: told to nobody, not even to the person who takes over.
    pub secret: bool,
    /// Where a date without a year or a week looks.
    pub looks: Looks,
    /// Fewest and most words of a free text.
    pub words: Option<(u32, u32)>,
    /// What a free text must look like.
    pub like: Option<Like>,
    /// What the customer calls it, for "changed your {title}".
    pub title: BTreeMap<Language, String>,
    /// Where it is declared.
    pub span: Span,
}

/// Where a date that leaves its year or week open is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Looks {
    /// Before now: a payment, an accident.
    Past,
    /// From now on: a booking (the default).
    #[default]
    Future,
    /// Whichever is nearer.
    Either,
}

/// What a free text must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Like {
    /// A person's name: letters alone, at most five words.
    Person,
    /// A place or an address.
    Place,
    /// A company or shop.
    Company,
}

/// How long a slot lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// Until the frame that filled it closes (the default).
    Flow,
    /// Until the conversation closes.
    Conversation,
    /// With the customer's record.
    Customer,
}

/// An intent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// What a choice between intents calls it.
    pub title: BTreeMap<Language, String>,
    /// Marked examples per language.
    pub examples: BTreeMap<Language, Vec<Example>>,
    /// Probability below which it is not acted on; the bot's default where none is given.
    pub threshold: Option<f64>,
    /// Where it is declared.
    pub span: Span,
}

/// One example, its `[text](slot)` marks taken out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// The plain text.
    pub text: String,
    /// Byte ranges in `text` with the slot or entity they fill.
    pub marks: Vec<(usize, usize, Id)>,
    /// Where it stands.
    pub span: Span,
}

/// An action: a call to a system of record.
#[derive(Debug, Clone)]
pub struct Action {
    /// GET, POST, PUT, PATCH or DELETE.
    pub method: String,
    /// Address, with `{slot}` and `{env.NAME}`.
    pub url: Template,
    /// Headers.
    pub headers: BTreeMap<String, Template>,
    /// JSON body: every text leaf is a template; a leaf that is exactly one `{expression}` keeps its type.
    pub body: Option<JsonTemplate>,
    /// Milliseconds before it counts as timed out.
    pub timeout_ms: u64,
    /// How often it is tried again after a failure that another try may mend.
    pub retry_times: u32,
    /// First wait between tries, milliseconds; doubles.
    pub retry_backoff_ms: u64,
    /// What it changes.
    pub effect: ActionEffect,
    /// Fields of the answer with their types.
    pub returns: BTreeMap<String, Type>,
    /// The answer in tests and the shell.
    pub stub: Option<Value>,
    /// The action that undoes it.
    pub compensate: Option<Id>,
    /// Sent once more with other values it replaces what it did, so that a correction may send it again.
    pub repeatable: bool,
    /// Ids of the slots its templates read.
    pub reads: Vec<Id>,
    /// Where it is declared.
    pub span: Span,
}

/// JSON with templates as leaves.
#[derive(Debug, Clone)]
pub enum JsonTemplate {
    /// A value without holes.
    Plain(serde_json::Value),
    /// A text with holes.
    Text(Template),
    /// A list.
    List(Vec<JsonTemplate>),
    /// An object.
    Object(BTreeMap<String, JsonTemplate>),
}

/// What an action changes in the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionEffect {
    /// Nothing: it may be repeated freely (the default for GET).
    None,
    /// Something that can be undone (the default for the rest).
    Reversible,
    /// Something that can't: never repeated, always behind a confirm.
    Irreversible,
}

/// A flow.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Its intent, where a customer can start it.
    pub start: Option<Id>,
    /// What it is called in bridges and choices.
    pub title: BTreeMap<Language, String>,
    /// It is no topic of its own, such as thanks: never guessed, and no request.
    pub small_talk: bool,
    /// Articles that answer questions in its middle.
    pub about: Vec<Id>,
    /// What happens to it when the customer starts something else.
    pub on_interrupt: OnInterrupt,
    /// Seconds after which a covered frame is offered, not resumed.
    pub stale_after_s: i64,
    /// Its steps.
    pub steps: Vec<Step>,
    /// Where it is declared.
    pub span: Span,
}

/// What a flow does when the customer starts something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnInterrupt {
    /// Goes on by itself afterwards.
    Resume,
    /// Asks afterwards whether to go on.
    Offer,
    /// Is dropped.
    Replace,
    /// Does not let the other flow in before it is done (a person can always be reached).
    Refuse,
}

/// A step with its place.
#[derive(Debug, Clone)]
pub struct Step {
    /// Stable name within the flow: its `label:`, else its path such as `2.then.0`.
    pub id: String,
    /// Where it stands.
    pub span: Span,
    /// What it does.
    pub kind: StepKind,
}

/// What a step does. Nested steps run in order, then the step after the outer one.
#[derive(Debug, Clone)]
pub enum StepKind {
    /// Says a response.
    Say(Id),
    /// Asks for a slot unless it is filled (by an example mark, an earlier turn or `default`).
    Ask(Ask),
    /// Asks a yes/no question; `on_no` runs on no. Never filled ahead.
    Confirm(Confirm),
    /// Sets a slot; setting null clears it.
    Set {
        /// The slot.
        slot: Id,
        /// Its new value.
        value: Expr,
    },
    /// Two branches.
    If {
        /// The test.
        test: Expr,
        /// Runs when it holds.
        then: Vec<Step>,
        /// Runs when it does not.
        otherwise: Vec<Step>,
    },
    /// The first branch whose test holds.
    Choose {
        /// Branches.
        branches: Vec<(Expr, Vec<Step>)>,
        /// Runs when none holds.
        otherwise: Vec<Step>,
    },
    /// Runs an action; its answer becomes the local `into`.
    Do {
        /// The action.
        action: Id,
        /// Name of the local.
        into: Option<String>,
        /// Runs on failure; empty means the error pattern and a handoff. In it `error.kind` is `timeout`, `status`, `shape` or `needs_human`.
        on_error: Vec<Step>,
    },
    /// Answers from the knowledge base.
    Search {
        /// What is looked for; the last utterance where none is given.
        query: Option<Expr>,
        /// Runs when nothing is good enough; empty means the pattern `no_answer`.
        on_none: Vec<Step>,
    },
    /// Runs another flow and comes back.
    Call(Id),
    /// Leaves this flow for another.
    Go(Id),
    /// Offers titled choices; the choice's steps run.
    Offer(Offer),
    /// Repeats its steps while the test holds.
    Repeat {
        /// Tested before each round.
        test: Expr,
        /// The body.
        steps: Vec<Step>,
    },
    /// Moves the conversation to a person.
    Handoff {
        /// The queue; the policy's default where none is given.
        queue: Option<String>,
        /// Reason code of the envelope (handoff.md); `other` where none is given.
        reason: String,
        /// Said in place of the pattern `handoff`.
        say: Option<Id>,
        /// 0 is most urgent; the queue's where none is given.
        priority: Option<u8>,
    },
    /// Ends the flow with an outcome such as `done` or `declined`.
    End(String),
}

/// What becomes of a question without a usable answer: each rung is used once, then `exhausted`.
#[derive(Debug, Clone, Default)]
pub struct Ladder {
    /// Said after an answer that does not fit, one after the other; the pattern `no_match` where empty.
    pub no_match: Vec<Id>,
    /// Said after silence; the pattern `no_input` where empty.
    pub no_input: Vec<Id>,
    /// Runs when a ladder is used up; empty means a handoff with reason `repeated_misunderstanding`.
    pub exhausted: Vec<Step>,
    /// Why it is asked; said where the customer wants to know.
    pub why: Option<Id>,
    /// Runs where the customer does not know or have it; empty means the ladder's hints.
    pub cannot: Vec<Step>,
    /// Runs where the customer won't say; empty means the reason and a way to a person.
    pub on_refusal: Vec<Step>,
}

/// An ask step.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The slot it fills.
    pub slot: Id,
    /// The question.
    pub prompt: Id,
    /// Taken without asking when it evaluates to a value.
    pub default: Option<Expr>,
    /// Ask even when the slot is filled.
    pub always: bool,
    /// Runs where the customer passes over the question, which leaves the slot empty; nothing where it must be answered.
    pub skip: Option<Vec<Step>>,
    /// Retries.
    pub ladder: Ladder,
}

/// A confirm step.
#[derive(Debug, Clone)]
pub struct Confirm {
    /// The question.
    pub prompt: Id,
    /// Runs on no.
    pub on_no: Vec<Step>,
    /// Retries.
    pub ladder: Ladder,
}

/// An offer step.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The question.
    pub prompt: Id,
    /// The choices, in order.
    pub choices: Vec<Choice>,
    /// Runs on a plain no; empty means that the flow ends as declined.
    pub on_no: Vec<Step>,
    /// Retries.
    pub ladder: Ladder,
}

/// One choice.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Payload of its button, unique in the offer.
    pub value: String,
    /// Its text.
    pub title: BTreeMap<Language, String>,
    /// What it runs.
    pub steps: Vec<Step>,
}

/// What is said: language -> variants with conditions.
#[derive(Debug, Clone)]
pub struct Response {
    /// Per language; the first variant whose condition holds is said.
    pub variants: BTreeMap<Language, Vec<Variant>>,
    /// Where it is declared.
    pub span: Span,
}

/// One way of saying a response.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Must hold for it to be said.
    pub when: Option<Expr>,
    /// For screens.
    pub text: Template,
    /// For the phone; `text` where none is given.
    pub voice: Option<Template>,
    /// Buttons.
    pub buttons: Vec<Button>,
    /// Links: title and address.
    pub links: Vec<(Template, Template)>,
}

/// A button.
#[derive(Debug, Clone, PartialEq)]
pub struct Button {
    /// What it shows.
    pub title: Template,
    /// What it sends: `yes`, `no`, a canonical value, `/intent.id`, or a choice's value.
    pub payload: String,
}

/// A moment that every bot must have words for; each can be overridden under `patterns:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the glossary's")]
pub enum Pattern {
    Greeting,
    NoMatch,
    NoInput,
    Disambiguation,
    SomethingElse,
    Cancel,
    NothingToCancel,
    Back,
    StartOver,
    Correction,
    KeptOld,
    AlreadyDone,
    OfferUndo,
    Undone,
    Resume,
    OfferResume,
    NextRequest,
    Refused,
    Error,
    Answer,
    NoAnswer,
    Handoff,
    QueuePosition,
    StillWaiting,
    HandoffCancelled,
    AgentJoined,
    AgentLeft,
    Returned,
    Csat,
    CsatThanks,
    Degraded,
    AnythingElse,
    Goodbye,
    Wait,
    PlainAnswer,
    Unsettled,
    WhichValue,
    Excluded,
    NotOffered,
    WhatToChange,
    AskAgain,
    Cannot,
    Refusal,
    MustAnswer,
    Resolved,
    NotDone,
    NoPerson,
    Misread,
    IsItAbout,
    Concern,
    Crisis,
    QueueNoted,
    QueueUnknown,
    QueueOrHere,
    QueueLeft,
    LeaveQueue,
    CrisisWaiting,
    OfferPerson,
    StatusDone,
    StatusNothing,
    StatusOpen,
    FirstThis,
    NoUseForIt,
    Noted,
    NothingOpen,
    Hello,
    Welcome,
    SmallTalk,
    AboutBot,
    WhatICanDo,
    Calm,
    Sorry,
    LanguageSwitched,
    LanguageUnknown,
}

impl Pattern {
    /// Names that its text may use beside slots and built-ins, with their types. The engine gives
    /// them a value whenever it says the pattern; they win over slots of the same name.
    pub fn names(self) -> Vec<(&'static str, crate::value::Type)> {
        use crate::value::Type::{Number, Text};
        match self {
            // Name of the bot.
            Self::Greeting => vec![("bot", Text)],
            // Title of the flow that is cancelled, resumed, done, next or in the way; `other` is what was asked for.
            Self::Cancel
            | Self::AlreadyDone
            | Self::OfferUndo
            | Self::Undone
            | Self::Resume
            | Self::OfferResume
            | Self::NextRequest => {
                vec![("title", Text)]
            }
            Self::Refused => vec![("title", Text), ("other", Text)],
            // Title of the slot, its new value (its old one in `kept_old`) as it is said.
            Self::Correction | Self::KeptOld => vec![("slot", Text), ("value", Text)],
            // The passage and the title of its article.
            Self::Answer => vec![("answer", Text), ("source", Text)],
            // Title of the queue; place in it; estimated wait in minutes, 0 where it is not known.
            Self::Handoff => vec![("queue", Text)],
            Self::QueuePosition | Self::StillWaiting => {
                vec![("queue", Text), ("position", Number), ("minutes", Number)]
            }
            Self::AgentJoined | Self::AgentLeft => vec![("agent", Text)],
            // The two values that were said for one slot, as they are said.
            Self::WhichValue => vec![("first", Text), ("second", Text)],
            // What was ruled out, or is not on offer.
            Self::Excluded | Self::NotOffered => vec![("value", Text)],
            // Title of the slot.
            Self::AskAgain => vec![("slot", Text)],
            Self::Resolved | Self::IsItAbout => vec![("title", Text)],
            Self::Concern
            | Self::QueueNoted
            | Self::QueueUnknown
            | Self::LeaveQueue
            | Self::OfferPerson => {
                vec![("queue", Text)]
            }
            // What could be done here, and the queue that would be left for it.
            Self::QueueOrHere => vec![("title", Text), ("queue", Text)],
            // What was said when it was done; title of the flow.
            Self::StatusDone => vec![("title", Text), ("said", Text)],
            Self::StatusOpen => vec![("title", Text)],
            Self::AboutBot => vec![("bot", Text)],
            // Titles of what customers can start, the languages spoken.
            Self::WhatICanDo => vec![("bot", Text), ("titles", Text)],
            Self::LanguageUnknown => vec![("languages", Text)],
            _ => Vec::new(),
        }
    }
}

/// When a person takes over (`handoff:` in `bot.yaml`).
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The queue of a handoff that names none.
    pub default_queue: String,
    /// Checked in order before any flow sees the turn; the first that fires wins.
    pub triggers: Vec<Trigger>,
}

/// A declared trigger.
#[derive(Debug, Clone)]
pub struct Trigger {
    /// Name in traces and envelopes.
    pub name: String,
    /// What it looks at.
    pub when: TriggerKind,
    /// The queue; the default where none is given.
    pub queue: Option<String>,
    /// 0 is most urgent; the queue's where none is given.
    pub priority: Option<u8>,
    /// Said in place of the pattern `handoff`.
    pub say: Option<Id>,
    /// The customer is asked first; a second time nobody asks.
    pub ask_first: bool,
    /// Where it is declared.
    pub span: Span,
}

/// What a trigger looks at; each maps to one reason code of the envelope.
#[derive(Debug, Clone, PartialEq)]
pub enum TriggerKind {
    /// The customer asks for a person: intent at its threshold (`user_request`).
    Asked(Vec<Id>),
    /// The intent's probability is below the value this many turns running (`low_confidence`).
    LowConfidence {
        /// Probability.
        below: f64,
        /// Turns running.
        turns: u32,
    },
    /// This many no-matches in the conversation, or this many running (`repeated_misunderstanding`).
    Misunderstood {
        /// Running.
        running: u32,
        /// In the conversation.
        total: u32,
    },
    /// More turns than this without a flow finishing (`turn_limit`).
    TurnLimit(u32),
    /// Negative sentiment of this turn at or above `now`, or a mean over the last `turns` turns at or above `trend` (`sentiment`).
    Sentiment {
        /// 0 to 1.
        now: f64,
        /// 0 to 1.
        trend: f64,
        /// Turns of the trend.
        turns: u32,
    },
    /// One of these words or phrases, folded for case and accents, at word borders (`keyword`).
    Keyword(Phrases),
    /// One of these intents, at the given probability or above, or one of these phrases: automation is forbidden (`never_automate`).
    NeverAutomate {
        /// Intents.
        intents: Vec<Id>,
        /// Probability from which the policy holds; deliberately lower than for a flow.
        at: f64,
        /// Phrases.
        phrases: Phrases,
    },
    /// An action failed this many times in the conversation (`tool_failure`).
    ToolFailure(u32),
    /// The customer's tier is one of these (`tier`).
    Tier(Vec<String>),
    /// Self-harm or danger now (`policy`): help lines are said at once, before anything else.
    Crisis {
        /// Probability of the act from which it holds.
        at: f64,
        /// Phrases.
        phrases: Phrases,
    },
    /// The customer has insulted the bot this many times (`abuse`).
    Abuse(u32),
}

/// A queue of people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// What the customer hears it called.
    pub title: BTreeMap<Language, String>,
    /// 0 is most urgent.
    pub priority: u8,
    /// Mean seconds an agent needs a contact, for the estimated wait.
    pub handle_time_s: u64,
    /// Said to who waits and asks what no article answers.
    pub advice: Option<Id>,
    /// Where it is declared.
    pub span: Span,
}

/// Bounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Steps between two waits.
    pub steps: u32,
    /// Frames on the stack.
    pub depth: u32,
    /// Seconds without a word before a conversation closes, on every channel: a call of which nothing is heard for so
    /// long has lost its hang-up.
    pub idle_close_s: i64,
    /// Turns for which the flow that ended last can still be corrected.
    pub correctable_turns: u32,
    /// Seconds for which it can.
    pub correctable_s: i64,
}

/// How sure a reading must be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Understanding {
    /// Intent probability to start a flow.
    pub accept: f64,
    /// Two intents closer than this are offered as choices.
    pub margin: f64,
    /// Knowledge confidence to answer.
    pub answer: f64,
    /// A lead by which a new topic beats an answer to the question asked.
    pub interrupt_margin: f64,
    /// Intent probability from which the bot asks "Is it about …?".
    pub lead: f64,
}

/// A conversation test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// Language it is spoken in; the bot's default where none is given.
    pub language: Option<Language>,
    /// Channel; `web` where none is given.
    pub channel: Option<String>,
    /// Facts about the customer: `id`, `tier`, `name`, ….
    pub customer: BTreeMap<String, String>,
    /// The turns as parsed YAML; the runner reads them (`testing`).
    pub turns: Vec<TestTurn>,
    /// Slots filled before the first turn, and the flow it begins in.
    pub given: TestGiven,
    /// Where it is declared.
    pub span: Span,
}

/// What holds before a test's first turn.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TestGiven {
    /// Filled slots: name -> plain JSON. With `flow`, a name that is no slot fills a local of it.
    pub slots: BTreeMap<String, serde_json::Value>,
    /// Flow to begin in, in mid-flow if `step` says so.
    pub flow: Option<Id>,
    /// Step id to begin at.
    pub step: Option<String>,
    /// Answers of actions that differ from their stub: action -> plain JSON, or `{error: timeout|status|shape|needs_human}`;
    /// or a list of them, one a call, the last for all that follow.
    pub actions: BTreeMap<Id, serde_json::Value>,
}

/// One turn of a test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestTurn {
    /// What the customer does.
    pub input: TestInput,
    /// What must be seen: key -> plain JSON. Keys: `said, text, asks, slots, flow, ended, intent, corrected, redone, kept, handoff, queue, trigger, did, not_did, source, resumed, offers, not_said, rejected`.
    pub expect: BTreeMap<String, serde_json::Value>,
    /// Where it stands.
    pub span: Span,
}

/// What the customer does in a test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestInput {
    /// Types or says.
    User(String),
    /// Presses a button.
    Press(String),
    /// Presses keys on the phone.
    Keys(String),
    /// Says nothing.
    Silence,
    /// A person takes the conversation.
    AgentJoins(String),
    /// The person hands it back, to a flow or to none.
    AgentReturns(Option<Id>),
    /// The person closes it.
    AgentCloses,
}
