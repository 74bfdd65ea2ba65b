//! The words by which `standing` hears what people say whatever is open, both languages, folded.

/// What wants a person in words that say no to something else, folded.
pub(super) const WANTS_PERSON: [&str; 48] = [
    "i want a person",
    "i want a human",
    "i said a person",
    "i said person",
    "he dicho una persona",
    "he dicho que quiero una persona",
    "stop the robot",
    "una persona ya",
    "una persona de una vez",
    "member of staff please",
    "member of staff free",
    "alguno de los vuestros",
    "alguno de ustedes",
    "lo haga una persona",
    "do this with a person",
    "with a real person",
    "not you a person",
    "a person not you",
    "yes person",
    "yes a person",
    "yes human",
    "don t want a bot",
    "dont want a bot",
    "don t want a robot",
    "dont want a robot",
    "don t want to talk to a bot",
    "dont want to talk to a bot",
    "don t want to talk to a machine",
    "dont want to talk to a machine",
    "stop the bot",
    "somebody real",
    "someone real",
    "si persona",
    "si una persona",
    "prefiero una persona",
    "prefiero a una persona",
    "otra persona que no sea",
    "no quiero un robot",
    "no quiero hablar con un robot",
    "no quiero hablar con una maquina",
    "no quiero hablar contigo",
    "pasame con un companero",
    "paseme con un companero",
    "pasame con una companera",
    "paseme con una companera",
    "un asesor de verdad",
    "alguien de verdad",
    "persona de verdad",
];
/// Words that negate, folded.
pub(super) const NEGATIONS: [&str; 24] = [
    "isnt", "arent", "wasnt", "doesnt", "didnt", "aint", "not", "no", "don t", "dont", "never",
    "won t", "wont", "can t", "cant", "t", "leave", "stop", "nor", "sin", "nunca", "tampoco",
    "nada", "deje",
];
/// Messages that need a moment and nothing else, folded and without what leads in.
pub(super) const WAITS: [&str; 14] = [
    "wait",
    "wait a minute",
    "wait a moment",
    "hold on",
    "hang on",
    "one sec",
    "one second",
    "one moment",
    "espera",
    "espere",
    "un momento",
    "un segundo",
    "un momentito",
    "espera un momento",
];
/// Parts of a wish for a moment, folded: "it won't let me in" has none.
pub(super) const MOMENT: &str = "wait|hold|hang|sec|secs|second|seconds|minute|minutes|min|mins|moment|mo|brb|back|bear with|tick|looking for|let me look|\
let me find|let me check|let me see|let me get|let me grab|let me think|let me ask|give me a|getting my|looking|finding|fetch|not ready|in a bit|\
espera|esperate|espere|espereme|esperame|esperar|momento|momentito|segundo|segundito|minuto|minutito|rato|ratito|ahora vuelvo|vuelvo|dejame|\
dejeme|busco|buscando|voy a por|voy a buscar|aguarda|aguarde|un ratito|lo miro|lo busco|tengo que buscar|pregunto|consulte|consulto";
/// What wishes for a moment whatever else is said, folded.
pub(super) const STAY: [&str; 8] = [
    "hold on",
    "hang on",
    "one sec",
    "one moment",
    "wait a",
    "espera un",
    "un momento",
    "un segundo",
];
/// What ends what is open without a word of asking for it, folded: people help themselves, or another time.
pub(super) const WITHDRAWS: &str = "leave it|leave it as it is|as it is|as it was|never mind|nevermind|nvm|forget it|forget that|don t bother|dont bother|\
no longer need|don t need it any more|dont need it any more|not now|ll do it in the app|do it in the app|\
check in the app|look in the app|check online|do it online|do it myself|sort it myself|sort it out myself|leave that|\
da igual|dejalo|dejelo|dejalo estar|dejelo estar|dejalo asi|dejelo asi|como esta|tal cual|olvidalo|olvidelo|lo miro en la app|\
changed my mind|change my mind|ive changed my mind|he cambiado de idea|he cambiado de opinion|cambie de idea|lo hago en la app|lo veo en la app|en la aplicacion lo miro|ya no hace falta|ya no lo necesito|no hace falta ya|ya lo hago yo";
/// What says that somebody only asks, folded.
pub(super) const JUST_ASKING: &str = "just asking|only asking|was only asking|just looking|only looking|just wondering|only wondering|just curious|only curious|\
just browsing|just checking|having a look|solo miro|solo mirando|solo estoy mirando|solo preguntaba|solo pregunto|solo preguntar|solo era una pregunta|\
era por saber|solo queria saber|por curiosidad|solo queria saberlo|solo era por";
/// Words that leave something unsettled, folded.
pub(super) const UNSETTLED: [&str; 18] = [
    "tho",
    "though",
    "but",
    "still",
    "already did that",
    "did that",
    "already tried",
    "tried that",
    "only",
    "pero",
    "aunque",
    "todavia",
    "sigue",
    "eso ya lo",
    "ya lo probe",
    "ya lo intente",
    "ya lo hice",
    "solo",
];
/// What says that something is found or works again, folded.
pub(super) const FOUND: &str = "found it|found them|found my|it turned up|it s turned up|got it back|panic over|had it all along|managed to get in|i got in|i m in now|\
it s working now|its working now|works now|working again|la encontre|lo encontre|la he encontrado|lo he encontrado|aparecio|ya aparecio|la tenia|lo tenia|\
ya la tengo|ya lo tengo|ya funciona|ya he podido|ya pude|ya entre";
/// Words of such a message, at most.
pub(super) const FEW: usize = 12;
/// Messages that leave a choice open, folded and without what leads in.
pub(super) const INDIFFERENT: [&str; 28] = [
    "i don t mind",
    "i dont mind",
    "don t mind",
    "whatever",
    "i don t care",
    "i dont care",
    "doesn t matter",
    "any",
    "me da igual",
    "da igual",
    "lo que sea",
    "cualquiera",
    "no me importa",
    "igual",
    "not bothered",
    "not fussed",
    "dont mind either way",
    "whenever",
    "no rush",
    "no hurry",
    "no preference",
    "either",
    "sin prisa",
    "paso",
    "cuando sea",
    "no tengo prisa",
    "me es igual",
    "indiferente",
];
/// Phrases that wish for a language.
pub(super) const WISHED_LANGUAGE: [&str; 12] = [
    "in english",
    "speak english",
    "talk english",
    "english please",
    "in spanish",
    "speak spanish",
    "spanish please",
    "en ingles",
    "en espanol",
    "habla espanol",
    "hablar espanol",
    "en castellano",
];
/// Parts of words that a wish for a language has.
pub(super) const SPEAKS: [&str; 9] = [
    "english",
    "ingles",
    "spanish",
    "espanol",
    "castellano",
    "speak",
    "habl",
    "language",
    "idioma",
];
/// Phrases that ask what the bot is for.
pub(super) const CAN_DO: [&str; 13] = [
    "what can you do",
    "what can u do",
    "what do you do",
    "what else can you do",
    "things can you do",
    "help me with",
    "help with",
    "can i ask",
    "que puedes hacer",
    "que puede hacer",
    "que sabes hacer",
    "que haces",
    "me puedes ayudar",
];
/// Languages as they are called in either.
pub(super) const LANGUAGES: [(&str, &[&str]); 2] = [
    ("en", &["english", "ingles"]),
    ("es", &["spanish", "espanol", "castellano"]),
];
