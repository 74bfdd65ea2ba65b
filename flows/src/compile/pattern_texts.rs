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
pub(super) const ALL: [Pattern; 74] = [
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
        Pattern::Wait => "wait",
        Pattern::PlainAnswer => "plain_answer",
        Pattern::Unsettled => "unsettled",
        Pattern::WhichValue => "which_value",
        Pattern::Excluded => "excluded",
        Pattern::NotOffered => "not_offered",
        Pattern::WhatToChange => "what_to_change",
        Pattern::AskAgain => "ask_again",
        Pattern::Cannot => "cannot",
        Pattern::Refusal => "refusal",
        Pattern::MustAnswer => "must_answer",
        Pattern::Resolved => "resolved",
        Pattern::NotDone => "not_done",
        Pattern::NoPerson => "no_person",
        Pattern::Misread => "misread",
        Pattern::IsItAbout => "is_it_about",
        Pattern::Concern => "concern",
        Pattern::Crisis => "crisis",
        Pattern::QueueNoted => "queue_noted",
        Pattern::QueueUnknown => "queue_unknown",
        Pattern::QueueOrHere => "queue_or_here",
        Pattern::QueueLeft => "queue_left",
        Pattern::LeaveQueue => "leave_queue",
        Pattern::CrisisWaiting => "crisis_waiting",
        Pattern::OfferPerson => "offer_person",
        Pattern::StatusDone => "status_done",
        Pattern::StatusNothing => "status_nothing",
        Pattern::StatusOpen => "status_open",
        Pattern::FirstThis => "first_this",
        Pattern::NoUseForIt => "no_use_for_it",
        Pattern::Noted => "noted",
        Pattern::NothingOpen => "nothing_open",
        Pattern::Hello => "hello",
        Pattern::Welcome => "welcome",
        Pattern::SmallTalk => "small_talk",
        Pattern::AboutBot => "about_bot",
        Pattern::WhatICanDo => "what_i_can_do",
        Pattern::Calm => "calm",
        Pattern::Sorry => "sorry",
        Pattern::LanguageSwitched => "language_switched",
        Pattern::LanguageUnknown => "language_unknown",
    }
}

/// English and Spanish words of a pattern.
pub(super) fn defaults(pattern: Pattern) -> [Words; 2] {
    talk(pattern)
        .or_else(|| repair(pattern))
        .or_else(|| answers(pattern))
        .or_else(|| small_talk(pattern))
        .or_else(|| waiting(pattern))
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

/// Answers that are none yet.
fn answers(pattern: Pattern) -> Option<[Words; 2]> {
    Some(match pattern {
        Pattern::Wait => [
            say("Of course, take your time. I'm here when you're ready."),
            say("Claro, tómese su tiempo. Aquí estoy cuando quiera."),
        ],
        Pattern::PlainAnswer => [
            say("To be safe I need a plain yes or no to this."),
            say("Para estar seguro necesito un sí o un no claro."),
        ],
        Pattern::Unsettled => [
            say("I've done nothing yet. I can do exactly this, or leave it."),
            say("Aún no he hecho nada. Puedo hacer exactamente esto, o dejarlo."),
        ],
        Pattern::WhichValue => [
            say("Which one is it: {first} or {second}?"),
            say("¿Cuál de los dos: {first} o {second}?"),
        ],
        Pattern::Excluded => [
            say("All right, not {value}."),
            say("De acuerdo, {value} no."),
        ],
        Pattern::NotOffered => [
            say("{value} isn't among what I can offer here."),
            say("{value} no está entre lo que puedo ofrecerle aquí."),
        ],
        Pattern::WhatToChange => [
            say("Of course. What should I change?"),
            say("Claro. ¿Qué cambio?"),
        ],
        Pattern::AskAgain => [
            say("Let's put that right: {slot}."),
            say("Vamos a corregirlo: {slot}."),
        ],
        Pattern::Cannot => [
            ask(
                "That's all right. If you can't find it, a person can help without it.",
                "",
                HUMAN,
            ),
            ask(
                "No pasa nada. Si no lo encuentra, una persona puede ayudarle sin eso.",
                "",
                HUMAN,
            ),
        ],
        Pattern::Refusal => [
            ask(
                "That's up to you. I can't go on here without it, but a person can help.",
                "",
                HUMAN,
            ),
            ask(
                "Como prefiera. Sin eso no puedo seguir aquí, pero una persona puede ayudarle.",
                "",
                HUMAN,
            ),
        ],
        Pattern::MustAnswer => [
            say("I'm afraid I need this one to go on."),
            say("Este dato lo necesito para seguir."),
        ],
        Pattern::Resolved => [
            say("Good, I'm glad that's settled. I've stopped {title}."),
            say("Me alegro de que esté resuelto. Lo dejamos: {title}."),
        ],
        Pattern::NotDone => [
            say("All right, I won't. Nothing has been changed."),
            say("De acuerdo, no lo hago. No he cambiado nada."),
        ],
        Pattern::NoPerson => [
            say("All right, no person. I'm here."),
            say("De acuerdo, sin pasarle con nadie. Sigo aquí."),
        ],
        Pattern::Misread => [
            say("Sorry, I misunderstood you."),
            say("Perdone, le he entendido mal."),
        ],
        Pattern::IsItAbout => [
            ask("Is it about {title}?", "", YES_NO),
            ask("¿Se trata de esto: {title}?", "", YES_NO),
        ],
        _ => return None,
    })
}

/// What people say that is no request.
fn small_talk(pattern: Pattern) -> Option<[Words; 2]> {
    Some(match pattern {
        Pattern::Hello => [
            say("Hello. What can I do for you?"),
            say("Hola. ¿En qué puedo ayudarle?"),
        ],
        Pattern::Welcome => [say("You're welcome."), say("De nada.")],
        Pattern::Noted => [say("Noted, thank you."), say("Anotado, gracias.")],
        Pattern::NothingOpen => [
            say("Thank you, I'll keep that. What would you like me to do with it?"),
            say("Gracias, lo tengo en cuenta. ¿Qué quiere que haga con ello?"),
        ],
        Pattern::SmallTalk => [
            say("Thanks, all well here."),
            say("Gracias, por aquí todo bien."),
        ],
        Pattern::AboutBot => [
            ask(
                "I'm a bot, the assistant of {bot}, not a person. I can get you a person whenever you like.",
                "",
                HUMAN,
            ),
            ask(
                "Soy un robot, el asistente de {bot}, no una persona. Puedo pasarle con una persona cuando quiera.",
                "",
                HUMAN,
            ),
        ],
        Pattern::WhatICanDo => [
            say(
                "I'm the assistant of {bot}, a bot. I can help with: {titles}. I also answer questions, and get you a person whenever you like.",
            ),
            say(
                "Soy el asistente de {bot}, un robot. Puedo ayudarle con: {titles}. También respondo preguntas y le paso con una persona cuando quiera.",
            ),
        ],
        Pattern::Calm => [
            ask(
                "I'm sorry this isn't going well. Tell me what you need, or I get you a person.",
                "",
                HUMAN,
            ),
            ask(
                "Siento que esto no vaya bien. Dígame qué necesita, o le paso con una persona.",
                "",
                HUMAN,
            ),
        ],
        Pattern::Sorry => [
            say("I'm sorry you're having such a hard time."),
            say("Siento que lo esté pasando mal."),
        ],
        Pattern::LanguageSwitched => [
            say("Of course, let's go on in English."),
            say("Claro, seguimos en español."),
        ],
        Pattern::LanguageUnknown => [
            say("I'm sorry, here I only speak {languages}."),
            say("Lo siento, aquí solo hablo {languages}."),
        ],
        _ => return None,
    })
}

/// What is said to who waits for a person, and how things stand.
fn waiting(pattern: Pattern) -> Option<[Words; 2]> {
    Some(match pattern {
        Pattern::QueueNoted => [
            say("Thank you, I've added that for {queue}."),
            say("Gracias, lo he añadido para {queue}."),
        ],
        Pattern::QueueUnknown => [
            say("I can't answer that myself. I've put it with the rest, so that {queue} can."),
            say("Eso no se lo sé decir yo. Lo he añadido para que se lo diga {queue}."),
        ],
        Pattern::QueueOrHere => [
            ask(
                "I can do that here ({title}), and then you give up your place in the queue for {queue}. Shall I?",
                "",
                YES_NO,
            ),
            ask(
                "Eso puedo hacerlo yo ({title}), y entonces deja su sitio en la cola para hablar con {queue}. ¿Lo hago?",
                "",
                YES_NO,
            ),
        ],
        Pattern::QueueLeft => [
            say("All right, let's do that here. You're out of the queue."),
            say("De acuerdo, lo hacemos aquí. Ya no está en la cola."),
        ],
        Pattern::LeaveQueue => [
            ask(
                "A person from {queue} is coming, and this is better not left alone. Shall I take you out of the queue all the same?",
                "",
                YES_NO,
            ),
            ask(
                "Ya viene alguien a atenderle ({queue}), y es mejor no dejarlo así. ¿Le saco de la cola de todos modos?",
                "",
                YES_NO,
            ),
        ],
        Pattern::CrisisWaiting => [
            say(
                "I'm still here with you, and somebody is on their way to this chat. If it gets worse before they come, call your emergency number: 112, 999 or 911.",
            ),
            say(
                "Sigo aquí con usted, y ya viene alguien a este chat. Si empeora antes de que llegue, llame a emergencias: 112 o 911.",
            ),
        ],
        Pattern::OfferPerson => [
            ask(
                "I'm not getting this right. Shall I get you a person from {queue}, or do you want to try other words?",
                "I'm not getting this right. Shall I get you a person?",
                YES_NO,
            ),
            ask(
                "No lo estoy entendiendo bien. ¿Le paso con {queue}, o prefiere decírmelo de otra forma?",
                "No lo estoy entendiendo bien. ¿Le paso con una persona?",
                YES_NO,
            ),
        ],
        Pattern::StatusDone => [say("Yes. {said}"), say("Sí. {said}")],
        Pattern::StatusNothing => [
            say("I've changed nothing; everything is as it was."),
            say("No he cambiado nada; todo está como estaba."),
        ],
        Pattern::NoUseForIt => [
            say(
                "That I can't do anything with here; what I know of it is what I've just told you. A person can go into it with you.",
            ),
            say(
                "Con eso aquí no puedo hacer nada; lo que sé es lo que le acabo de decir. Una persona puede verlo con usted.",
            ),
        ],
        Pattern::FirstThis => [
            say("I will, as soon as I have this."),
            say("Lo haré en cuanto tenga esto."),
        ],
        Pattern::StatusOpen => [
            say("Not yet: {title} is still to be finished."),
            say("Todavía no: falta terminar con esto: {title}."),
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
        Pattern::Concern => [
            ask(
                "I'd like a person to look at this with you, so I'm passing you to {queue}. If you'd rather stay with me, say never mind.",
                "",
                &["/cancel"],
            ),
            ask(
                "Prefiero que lo mire una persona con usted, así que le paso con {queue}. Si prefiere seguir conmigo, diga déjelo.",
                "",
                &["/cancel"],
            ),
        ],
        Pattern::Crisis => [
            say(
                "If you or somebody near you is in danger, please call your emergency number now: 112, 999 or 911. You don't have to go through this alone, and I'm getting you a person at once.",
            ),
            say(
                "Si usted o alguien cercano está en peligro, llame ahora al número de emergencias: 112 o 911. No tiene que pasar por esto a solas; le paso con una persona enseguida.",
            ),
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
