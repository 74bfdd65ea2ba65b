//! The built-in words of every pattern, in English and Spanish (formal, as a stranger is spoken to).
//! A bot overrides them under `patterns:`.

use crate::bundle::Pattern;

/// Payloads that every bot understands at any time, with their English and Spanish titles; `yes`
/// and `no` where they are asked for.
pub(super) const GLOBAL_PAYLOADS: [(&str, &str, &str); 7] = [
    ("/human", "Talk to a person", "Hablar con una persona"),
    ("/cancel", "Cancel", "Cancelar"),
    ("/repeat", "Say that again", "Repetir"),
    ("/back", "Go back", "Volver atrás"),
    ("/start_over", "Start over", "Empezar de nuevo"),
    ("yes", "Yes", "Sí"),
    ("no", "No", "No"),
];

/// What is said in one language.
pub(super) struct Words {
    /// For screens.
    pub(super) text: &'static str,
    /// For the phone; empty where it is the same.
    pub(super) voice: &'static str,
    /// Payloads of buttons.
    pub(super) buttons: &'static [&'static str],
}

const fn say(text: &'static str) -> Words {
    Words {
        text,
        voice: "",
        buttons: &[],
    }
}

const fn also(text: &'static str, voice: &'static str) -> Words {
    Words {
        text,
        voice,
        buttons: &[],
    }
}

const fn ask(text: &'static str, voice: &'static str, buttons: &'static [&'static str]) -> Words {
    Words {
        text,
        voice,
        buttons,
    }
}

const YES_NO: &[&str] = &["yes", "no"];
const HUMAN: &[&str] = &["/human"];
const STARS: &[&str] = &["1", "2", "3", "4", "5"];

/// Every pattern.
pub(super) const ALL: [Pattern; 33] = [
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
];

/// The name of a pattern under `patterns:`.
pub(super) fn name(pattern: Pattern) -> &'static str {
    match pattern {
        Pattern::Greeting => "greeting",
        Pattern::NoMatch => "no_match",
        Pattern::NoInput => "no_input",
        Pattern::Disambiguation => "disambiguation",
        Pattern::SomethingElse => "something_else",
        Pattern::Cancel => "cancel",
        Pattern::NothingToCancel => "nothing_to_cancel",
        Pattern::Back => "back",
        Pattern::StartOver => "start_over",
        Pattern::Correction => "correction",
        Pattern::KeptOld => "kept_old",
        Pattern::AlreadyDone => "already_done",
        Pattern::OfferUndo => "offer_undo",
        Pattern::Undone => "undone",
        Pattern::Resume => "resume",
        Pattern::OfferResume => "offer_resume",
        Pattern::NextRequest => "next_request",
        Pattern::Refused => "refused",
        Pattern::Error => "error",
        Pattern::Answer => "answer",
        Pattern::NoAnswer => "no_answer",
        Pattern::Handoff => "handoff",
        Pattern::QueuePosition => "queue_position",
        Pattern::StillWaiting => "still_waiting",
        Pattern::HandoffCancelled => "handoff_cancelled",
        Pattern::AgentJoined => "agent_joined",
        Pattern::AgentLeft => "agent_left",
        Pattern::Returned => "returned",
        Pattern::Csat => "csat",
        Pattern::CsatThanks => "csat_thanks",
        Pattern::Degraded => "degraded",
        Pattern::AnythingElse => "anything_else",
        Pattern::Goodbye => "goodbye",
    }
}

/// English and Spanish words of a pattern.
pub(super) fn defaults(pattern: Pattern) -> [Words; 2] {
    talk(pattern)
        .or_else(|| repair(pattern))
        .unwrap_or_else(|| people(pattern))
}

/// Beginning, answering and ending.
fn talk(pattern: Pattern) -> Option<[Words; 2]> {
    Some(match pattern {
        Pattern::Greeting => [
            also(
                "Hello, I'm the assistant of {bot}, a bot. Ask me anything; if you'd rather have a person, just say so.",
                "Hello, this is the assistant of {bot}, a bot. How can I help? If you'd rather have a person, just say so.",
            ),
            also(
                "Hola, soy el asistente de {bot}, un robot. Pregúnteme lo que quiera; si prefiere hablar con una persona, dígamelo.",
                "Hola, le habla el asistente de {bot}, un robot. ¿En qué le ayudo? Si prefiere hablar con una persona, dígamelo.",
            ),
        ],
        Pattern::Answer => [
            also("{answer}\n\nFrom: {source}", "{answer}"),
            also("{answer}\n\nFuente: {source}", "{answer}"),
        ],
        Pattern::NoAnswer => [
            ask(
                "I have no reliable answer to that, and I don't want to guess. You can put it another way, or I can get you a person.",
                "I have no reliable answer to that, and I don't want to guess. Put it another way, or say person and I'll get you somebody.",
                HUMAN,
            ),
            ask(
                "No tengo una respuesta fiable y no quiero adivinar. Puede decirlo de otra forma, o le paso con una persona.",
                "No tengo una respuesta fiable y no quiero adivinar. Dígalo de otra forma, o diga persona y le paso con alguien.",
                HUMAN,
            ),
        ],
        Pattern::AnythingElse => [
            say("Is there anything else I can do for you?"),
            say("¿Puedo ayudarle con algo más?"),
        ],
        Pattern::Goodbye => [
            say("Thank you, and take care."),
            say("Gracias y que le vaya bien."),
        ],
        Pattern::Csat => [
            ask(
                "How did we do, from 1 (badly) to 5 (very well)?",
                "How did we do, from one, badly, to five, very well? You can also press a key.",
                STARS,
            ),
            ask(
                "¿Cómo lo hemos hecho, de 1 (mal) a 5 (muy bien)?",
                "¿Cómo lo hemos hecho, de uno, mal, a cinco, muy bien? También puede pulsar una tecla.",
                STARS,
            ),
        ],
        Pattern::CsatThanks => [
            say("Thank you for telling us."),
            say("Gracias por decírnoslo."),
        ],
        Pattern::Degraded => [
            say(
                "I'm not at my best right now and understand only simple words and buttons. A person can help you at any time.",
            ),
            say(
                "Ahora mismo no estoy al cien por cien y solo entiendo palabras sencillas y botones. Una persona puede ayudarle cuando quiera.",
            ),
        ],
        _ => return None,
    })
}

/// Misunderstandings, corrections, changes of topic.
fn repair(pattern: Pattern) -> Option<[Words; 2]> {
    Some(match pattern {
        Pattern::NoMatch => [
            say("Sorry, I didn't get that. Could you put it another way?"),
            say("Perdone, no le he entendido. ¿Puede decirlo de otra forma?"),
        ],
        Pattern::NoInput => [
            say("Are you still there? Take your time."),
            say("¿Sigue ahí? Tómese su tiempo."),
        ],
        Pattern::Disambiguation => [
            say("I want to get this right. Which of these do you mean?"),
            say("Quiero estar seguro. ¿A qué se refiere?"),
        ],
        Pattern::SomethingElse => [say("Something else"), say("Otra cosa")],
        Pattern::Cancel => [
            say("All right, I've stopped {title}."),
            say("De acuerdo, lo dejamos: {title}."),
        ],
        Pattern::NothingToCancel => [
            say("There's nothing going on that I could stop. What can I do for you?"),
            say("No hay nada en marcha que pueda parar. ¿En qué le ayudo?"),
        ],
        Pattern::Back => [
            say("All right, one step back."),
            say("De acuerdo, un paso atrás."),
        ],
        Pattern::StartOver => [
            say("All right, from the beginning."),
            say("De acuerdo, desde el principio."),
        ],
        Pattern::Correction => [
            say("Got it, {slot}: {value}."),
            say("Entendido, {slot}: {value}."),
        ],
        Pattern::KeptOld => [
            say("I've left it as it was: {slot}, {value}."),
            say("Lo dejo como estaba: {slot}, {value}."),
        ],
        Pattern::AlreadyDone => [
            ask(
                "That's already done and I can't take it back: {title}. A person can look at it with you.",
                "That's already done and I can't take it back: {title}. Say person, and somebody looks at it with you.",
                HUMAN,
            ),
            ask(
                "Eso ya está hecho y no puedo deshacerlo: {title}. Una persona puede mirarlo con usted.",
                "Eso ya está hecho y no puedo deshacerlo: {title}. Diga persona y alguien lo mirará con usted.",
                HUMAN,
            ),
        ],
        Pattern::OfferUndo => [
            ask(
                "That's already done: {title}. Shall I take it back, so that we can change it?",
                "",
                YES_NO,
            ),
            ask(
                "Eso ya está hecho: {title}. ¿Lo deshago, para que podamos cambiarlo?",
                "",
                YES_NO,
            ),
        ],
        Pattern::Undone => [
            say("It's taken back: {title}."),
            say("Queda deshecho: {title}."),
        ],
        Pattern::Resume => [
            say("Now, back to {title}."),
            say("Volvamos a lo de antes: {title}."),
        ],
        Pattern::OfferResume => [
            ask("Shall we go on with {title}?", "", YES_NO),
            ask("¿Seguimos con lo de antes: {title}?", "", YES_NO),
        ],
        Pattern::NextRequest => [
            say("You also asked about {title}."),
            say("También preguntaba por esto: {title}."),
        ],
        Pattern::Refused => [
            say(
                "Let's finish {title} first, then we'll come to {other}. If it can't wait, I can get you a person.",
            ),
            say(
                "Terminemos antes con esto: {title}. Después vemos lo otro: {other}. Si no puede esperar, le paso con una persona.",
            ),
        ],
        _ => return None,
    })
}

/// People, and what goes wrong.
fn people(pattern: Pattern) -> [Words; 2] {
    match pattern {
        Pattern::Handoff => [
            say(
                "I'm passing you to {queue}. They can read what we've said so far, so you needn't repeat it.",
            ),
            say(
                "Le paso con {queue}. Pueden leer lo que hemos hablado, así que no tendrá que repetirlo.",
            ),
        ],
        Pattern::QueuePosition => [
            say("You're number {position} in the queue for {queue}. I'll tell you as it moves."),
            say(
                "Tiene el número {position} en la cola para hablar con {queue}. Le avisaré según avance.",
            ),
        ],
        Pattern::StillWaiting => [
            ask(
                "Thank you for waiting. You're number {position} in the queue for {queue}. You can keep waiting, or stop and come back to me.",
                "Thank you for waiting. You're number {position} in the queue for {queue}. Stay on the line, or say cancel to come back to me.",
                &["/cancel"],
            ),
            ask(
                "Gracias por esperar. Tiene el número {position} en la cola para hablar con {queue}. Puede seguir esperando o dejarlo y volver conmigo.",
                "Gracias por esperar. Tiene el número {position} en la cola para hablar con {queue}. Siga a la espera, o diga cancelar para volver conmigo.",
                &["/cancel"],
            ),
        ],
        Pattern::HandoffCancelled => [
            say("All right, you're out of the queue and back with me. What can I do for you?"),
            say("De acuerdo, ya no está en la cola y sigue conmigo. ¿En qué le ayudo?"),
        ],
        Pattern::AgentJoined => [
            say("You're now talking to {agent}."),
            say("Ahora habla con {agent}."),
        ],
        Pattern::AgentLeft => [
            say("{agent} has left the conversation."),
            say("{agent} ha salido de la conversación."),
        ],
        Pattern::Returned => [
            say("You're back with me, the bot. A person is there again whenever you say so."),
            say("Vuelve a hablar conmigo, el robot. Si quiere una persona, dígamelo."),
        ],
        // Errors, and whatever else has no words of its own.
        _ => [
            say(
                "Something went wrong on our side, and I don't want to guess. I'm getting you a person.",
            ),
            say("Algo ha fallado por nuestra parte y no quiero adivinar. Le paso con una persona."),
        ],
    }
}
