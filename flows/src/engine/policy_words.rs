//! The words by which `policy` hears danger, a denial and a wish for a person, both languages, folded.

/// Parts of words that go with danger, folded.
pub(super) const DANGER: [&str; 48] = [
    "kill",
    " die",
    "dying",
    "suicid",
    "end it",
    "end my life",
    "ending it",
    "hurt me",
    "hurting me",
    "hit me",
    "hits me",
    "harm",
    "live any",
    "living any",
    "alive",
    "overdose",
    "pills",
    "jump",
    "bridge",
    "be here any",
    "gun",
    "knife",
    "rope",
    "go on any",
    "wake up",
    "better off without",
    "no point",
    "worth living",
    "outside my",
    "break in",
    "beating",
    "attack",
    "matar",
    "morir",
    "muert",
    "vivir",
    "quitarme",
    "pegar",
    "pega",
    "pastillas",
    "hacerme dan",
    "desaparecer",
    "acabar con todo",
    "cortarme",
    "tirarme",
    "no quiero seguir",
    "mi ex",
    "amenaz",
];
/// What says by itself that somebody may be in danger, folded.
pub(super) const IN_DANGER: &str = "too many tablets|too many pills|taken all my pills|taken my pills|overdosed|took an overdose|want to kms|gonna kms|unalive myself|\
cut myself|cutting myself|self harm|bleeding and|ending things|end it all|it all to stop|point of living|no point living|disappear forever|goodbye forever|\
won t be here tomorrow|wont be here tomorrow|want to be dead|wish i was dead|wish i were dead|rather be dead|doing something stupid|\
breaking into my house|someone is in my house|somebody is in my house|he has a knife|he has a gun|she has a knife|chest pains|can t breathe|cant breathe|\
beats me|hits me|he hit me|hurts me and|going to hurt me|held against my will|won t let me leave|wont let me leave|locked me in|threatened to kill|\
quitarme la vida|kitar la vida|kitarme la vida|quitarse la vida|me quiero matar|quiero matarme|me voy a matar|me mato|estoy en el puente|voy a saltar|\
estuviera muerto|estuviera muerta|querria estar muerto|querria estar muerta|me corto|me he cortado|tengo un cuchillo|tiene un cuchillo|tengo pastillas|\
me he tomado las pastillas|me he tomado pastillas|me tiene encerrada|me tiene encerrado|no me deja salir|me pega|me ha pegado|me maltrata|\
entrando en mi casa|hay alguien en mi casa|acabo con esto|acabar con esto esta noche|mejor sin mi|adios para siempre|manana no estare|\
no quiero estar aqui mas|no quiero seguir aqui|ya no quiero estar aqui|ya no puedo mas";
/// What sounds like danger and is none, folded.
pub(super) const NO_DANGER: &str = "kill for|kill this|kill the subscription|kill my subscription|killing me with|if i die|when i die|after i die|i d kill|killer deal|\
to die for|die laughing|dying to|battery|phone is dying|phone died|laptop died|die of shame|died of shame|die of embarrassment|\
died of embarrassment|death of me|gave me a heart attack|london bridge|tower bridge|bridge street|bridge road|over the fence|over the hedge|kill off|\
kill two birds|me muero de hambre|me muero de sueno|me muero de verguenza|me muero de frio|me muero de calor|me muero por|matar dos pajaros|\
la bateria|muerto de hambre|muerta de hambre|muerto de sueno|muerta de sueno|muerto de risa|muerta de risa|si me muero|cuando me muera|cuando muera|me muero de risa|me muero de ganas|matar el tiempo";
/// Words that decline what follows, folded.
pub(super) const NOT_WANTED: [&str; 22] = [
    "don t want",
    "dont want",
    "do not want",
    "don t need",
    "dont need",
    "do not need",
    "no need for",
    "no need to",
    "don t put",
    "dont put",
    "do not put",
    "don t transfer",
    "dont transfer",
    "don t pass",
    "dont pass",
    "rather not",
    "no quiero",
    "no necesito",
    "no me pas",
    "no hace falta",
    "no deseo",
    "sin hablar",
];
/// Words behind which the person is wanted after all: "no more robots, I want a person", folded.
pub(super) const WANTED_AFTER: [&str; 10] = [
    "i want a",
    "i want to talk",
    "i want to speak",
    "get me a",
    "give me a",
    "but a",
    "quiero una",
    "quiero un",
    "quiero hablar",
    "sino",
];
/// People whom a message speaks of and not with, folded.
pub(super) const OTHER_PEOPLE: [&str; 22] = [
    "book someone",
    "book somebody",
    "see someone about",
    "meet someone",
    "appointment with someone",
    "cita con alguien",
    "another person to my",
    "another person on my",
    "add a person",
    "add another person",
    "a second person",
    "the other person s",
    "add someone",
    "add somebody",
    "the person who",
    "person i sent",
    "person i paid",
    "otra persona a mi",
    "otra persona en mi",
    "anadir a otra persona",
    "anadir una persona",
    "la persona que",
];
/// Words right before a phrase that turn it around.
pub(super) const TURNED: [&str; 6] = ["not", "no", "never", "t", "nunca", "tampoco"];
/// Words of such a wish, folded.
pub(super) const ASKING: [&str; 12] = [
    "ask", "asking", "want", "need", "wanting", "after", "pido", "pidiendo", "quiero", "necesito",
    "busco", "for",
];
/// What people call each other, folded.
pub(super) const PEOPLE: [&str; 18] = [
    "person",
    "human",
    "agent",
    "somebody",
    "someone",
    "anyone",
    "anybody",
    "people",
    "advisor",
    "representative",
    "persona",
    "humano",
    "agente",
    "alguien",
    "nadie",
    "asesor",
    "operador",
    "operadora",
];
