//! What the words of a clause say on their face, in English and Spanish: one flag for each kind of phrase. The head
//! takes them as features, and polarity as its scopes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::words::Word;

// Phrases of a group mean the same thing for what is done; they are folded, and parted by `|`. One that begins with `^`
// counts at the beginning of a clause only (fillers aside), one that ends with `$` at its end only; `*` at the end of a
// word stands for the rest of it.
macro_rules! groups {
    ($($name:ident: $phrases:expr;)*) => {
        /// A kind of phrase.
        #[expect(dead_code, reason = "most are only counted")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub(super) enum Flag { $($name),* }
        /// The kinds with their names, in the order of their numbers.
        const GROUPS: &[(&str, &str)] = &[$((stringify!($name), $phrases)),*];
    };
}

groups! {
    Negation: "no|not|dont|do not|doesnt|didnt|isnt|arent|wasnt|werent|cant|cannot|couldnt|wont|wouldnt|shouldnt|\
        havent|hasnt|hadnt|aint|never|none|nothing|nobody|nowhere|without|dnt|wasn|isn|don|ni|nunca|jamas|tampoco|\
        nada|nadie|ningun|ninguno|ninguna|sin";
    StartsNo: "^no|^nope|^nah|^nop|^naw|^nay|^not|^noo|^nooo|^n|^nones|^que no|^pues no|^para nada|^uh uh|^nuh uh";
    StartsYes: "^yes|^yeah|^yep|^yup|^ya|^yea|^yh|^ye|^y|^aye|^sure|^ok|^okay|^okey|^k|^kk|^alright|^all right|^right|\
        ^fine|^correct|^exactly|^of course|^definitely|^absolutely|^certainly|^go ahead|^go on|^please do|^by all means|\
        ^sounds good|^that is right|^thats right|^thats correct|^perfect|^great|^good|^lovely|^indeed|^true|^agreed|\
        ^deal|^mhm|^uh huh|^si|^sii|^sip|^claro|^vale|^bueno|^dale|^de acuerdo|^por supuesto|^correcto|^exacto|\
        ^eso es|^asi es|^perfecto|^esta bien|^adelante|^va|^oki|^listo|^desde luego|^okis|^simon|^aja|^aja|^andale|^sale";
    StartsQuestionWord: "^what|^whats|^how|^hows|^why|^when|^whens|^where|^wheres|^who|^whos|^whom|^which|^whose|^wot|^wats|\
        ^wat|^whereabouts|^que|^q|^cual|^cuales|^como|^cuando|^donde|^quien|^quienes|^cuanto|^cuanta|^cuantos|^cuantas|\
        ^por que|^xq|^xk|^porque|^para que|^a que|^de que|^en que|^a cuanto|^a como|^adonde|^a donde|^hasta cuando|\
        ^desde cuando|^con que|^de donde|^a quien|^con quien|^ke|^qe";
    StartsAuxiliary: "^is|^are|^am|^do|^does|^did|^have|^has|^had|^was|^were|^will|^would|^should|^shall|^may|^might|^must|\
        ^isnt|^arent|^dont you|^doesnt|^didnt|^wont|^wouldnt|^hasnt|^havent|^hay|^es|^son|^tiene|^tienen|^esta|^estan|\
        ^se puede|^hace falta|^tengo que|^debo|^habra|^sera|^ya esta";
    CanYou: "can you|could you|would you|will you|can u|could u|wud you|would it be possible|is it possible|are you able|\
        puede|puedes|podria|podrias|podes|puede usted|me puede|me puedes|me podria|me podrias|seria posible|es posible|\
        se puede|pueden|podrian";
    CanI: "can i|could i|may i|can we|could we|might i|am i able|can my|puedo|podria|podemos|me dejas|se podria|podriamos";
    Want: "i want|i wanna|i need|id like|i would like|i d like|im looking|i wish to|i have to|i must|i wud like|want to|need to|\
        looking for|looking to|like to|i am trying|im trying|i require|we need|we want|wed like|quiero|quisiera|\
        necesito|me gustaria|deseo|queria|quiciera|nesesito|kiero|ocupo|preciso|busco|queremos|necesitamos|tengo que|\
        hay que|vengo a";
    Order: "^please|^block|^cancel|^send|^pay|^transfer|^open|^close|^change|^book|^order|^check|^tell|^show|^give|^get|\
        ^stop|^turn|^renew|^report|^activate|^update|^add|^remove|^move|^find|^return|^make|^put|^set|^track|^top|^freeze|\
        ^unblock|^unlock|^reset|^replace|^reschedule|^register|^sign|^switch|^increase|^raise|^lower|^reduce|^print|^email|\
        ^text|^call|^let|^bring|^fix|^arrange|^reserve|^rebook|^refund|^issue|^resend|^confirm|^help|^start|^buy|\
        ^bloque*|^cancel*|^envi*|^manda*|^paga*|^abr*|^cierr*|^cerr*|^cambi*|^reserv*|^pid*|^dame|^deme|^dime|^digame|\
        ^muestra*|^ponme|^pongame|^pon|^activa*|^anula*|^anul*|^transfier*|^transfer*|^haz|^haga*|^hazme|^quita*|^borra*|\
        ^ayud*|^consult*|^reagend*|^agend*|^sacar|^saca*|^solicit*|^avis*|^desbloque*|^recarg*|^renov*|^actualiz*|^revis*|^busca*";
    NotOrder: "dont block|dont cancel|dont send|dont close|dont change|dont do|dont pay|dont charge|dont book|dont move|\
        dont order|dont touch|dont renew|dont add|dont open|dont post|dont transfer|dont put|dont call|dont ring|dont take|\
        ^dont|^do not|^please dont|^please do not|^pls dont|^never|^no me|^no le|^no lo|^no la|^no los|^no las|^no nos|\
        ^que no|^no hag*|^no envi*|^no bloque*|^no cancel*|^no mand*|^no cobr*|^no cambi*|^no pag*|^no cierr*|^no abr*|\
        ^no toqu*|^no transf*|^no sigas|^no siga|^ni se te ocurra|^no vay*|^no pong*|^no reserv*|^no activ*|^no anul*|\
        ^no borr*|^no quit*|^no pid*|^no hace falta|^no llam*";
    NoNeed: "no need|dont need|do not need|not needed|neednt|dont want|do not want|dont wish|not necessary|unnecessary|\
        dont bother|no hace falta|no necesito|no quiero|no es necesario|no nesesito|no kiero|sin necesidad|no queria|\
        no preciso|no requiero|not asking|rather you didnt|rather not have|id rather you|no hay necesidad";
    But: "but|though|tho|although|however|yet|pero|aunque|sino|pro|eso si|solo que|nomas que";
    Condition: "if|unless|until|till|once|after|before|as long as|so long as|provided|providing|depends|depending|assuming|\
        in case|subject to|only when|on condition|when i|when ive|when the|hasta que|siempre que|siempre y cuando|con tal|\
        mientras|depende|antes de|despues de|a menos que|salvo que|en caso|cuando me|cuando lo|cuando te|cuando mi|\
        con la condicion|primero|una vez que|si es|si no|si me|si lo|si cuesta|si hay|si se";
    Bound: "only|just|at most|no more than|up to|maximum|max|at least|not more than|limit|solo|solamente|nomas|maximo|\
        como mucho|hasta|no mas de|por lo menos|al menos|unicamente|a lo sumo|minimo";
    Except: "anything but|anyone but|any but|anywhere but|everything but|all but|except|excepting|apart from|other than|\
        with the exception|bar the|excluding|not the|not that|not this|not on|not at|not in|not before|not after|not by|\
        neither|none of|nor|menos|salvo|excepto|cualquiera menos|todo menos|todos menos|que no sea|ninguno|ninguna|\
        ni uno|ni el|ni la|a excepcion|quitando|exceptuando|ningun|tampoco";
    NoAtEnd: "no$|not$|no gracias$|no por favor$|no puedo$|are out$|is out$|doesnt work$|dont work$|wont do$|no good$|\
        no me sirve$|no me va$|no me viene bien$|no me gusta$";
    Doubt: "not sure|unsure|maybe|perhaps|think about|sleep on|let me think|dont think|not certain|not convinced|hesitate|\
        hesitant|doubt|doubts|two minds|depends|possibly|not keen|worried|quiza|quizas|tal vez|no estoy segur*|lo pienso|\
        pensarlo|lo pensare|me lo pienso|dudo|dudas|a lo mejor|capaz|no se si|no me convence|not yet|todavia no|aun no|\
        ahora no|not now|not today|not right now|por ahora no|de momento no|hoy no";
    Wait: "wait|hold on|hang on|one sec|one second|one moment|one minute|a sec|a second|a moment|a minute|a mo|just a|bear with|\
        let me|give me|two secs|2 secs|1 sec|1 min|2 mins|sec|brb|hold up|hang about|hold your horses|slow down|not so fast|\
        a tick|two ticks|half a mo|a few minutes|stay on|espera|espere|esperame|espereme|un momento|un segundo|un minuto|\
        momentito|un momentito|aguanta|aguarda|aguarde|dame un|deme un|ahorita|un seg|permiteme|permitame|dejame|dejeme|\
        voy por|voy a buscar|ya vuelvo|ahora vuelvo|no cuelgues|no cuelgue|un ratito|segundito|un rato|tantito";
    Later: "later|tomorrow|next time|another time|another day|some other time|next week|next month|luego|despues|mas tarde|\
        otro dia|mas adelante|en otro momento";
    DontKnow: "dont know|do not know|dunno|no idea|no clue|not a clue|havent a clue|haven t a clue|cant remember|dont remember|\
        cannot remember|forgot|forgotten|cant find|cannot find|havent got|dont have|do not have|have not got|lost the|lost it|\
        cant see|cant read|cant tell|idk|beats me|dont recall|cant recall|search me|not got|no lo se|no se|ni idea|\
        no recuerdo|no me acuerdo|no tengo|no encuentro|no lo encuentro|no la encuentro|olvide|se me olvido|perdi|\
        no lo tengo|no la tengo|no sabria|no me lo se|ni la menor|desconozco|no veo|no puedo ver|ya ni me acuerdo|drawing a blank|\
        slipped my mind|never had|never got|where would i|off the top of my head|nose|nolose";
    Refuse: "rather not|prefer not|not saying|not telling|wont tell|wont say|wont give|not giving|none of your|private|\
        personal|confidential|not comfortable|refuse|decline|no business|dont want to say|dont want to give|\
        dont want to tell|not going to|im not sharing|keep that to myself|mind your own|cant make me|not handing|\
        prefiero no|no quiero dar*|no quiero decir*|no te lo|no se lo|no voy a|no pienso|privado|privada|personal|confidencial|\
        que te importa|a ti que|no es asunto|no le importa|no te importa|no doy|reservado|no comparto|no te voy|no le voy|intimo|\
        me niego|no tengo por que";
    Skip: "skip|next|pass|leave blank|leave it blank|leave that|blank|move on|move along|come back to|do that later|do it later|\
        do this later|next question|another question|next one|miss that|ignore that|salta*|saltate|saltar|pasa|paso|siguiente|\
        en blanco|omite|omitir|omita|deja eso|dejalo para|pasemos|otra pregunta|proxima|sigamos con|lo vemos luego|brinca*";
    Correct: "i meant|i mean|meant|make it|make that|actually|instead|change it|change that|change the|wrong|incorrect|mistake|\
        typo|should be|should have|should say|supposed to be|rather than|no wait|scratch that|correction|not right|misspelt|\
        mistyped|swap|other one|different|sorry|oops|whoops|edit|amend|update|quise decir|queria decir|quiero decir|mejor|\
        cambialo|cambiala|cambia|cambie|cambiar|cambielo|esta mal|equivoc*|en vez de|en lugar de|error|me confundi|corrige|\
        corregir|corrija|perdon|digo|no es|era|deberia ser|la otra|el otro|mas bien|ponle|pon que|mal|incorrecto";
    Resolved: "found it|found|sorted|fixed|working now|works now|working|solved|resolved|turned up|all good|its back|came back|\
        back on|arrived|its here|had it|managed|no longer a problem|got it back|works|its fine now|problem gone|already did|\
        already done|ya funciona|ya lo encontre|ya la encontre|encontre|arreglado|se arreglo|solucionado|solucione|resuelto|aparecio|\
        ya llego|ya esta|ya volvio|ya me|ya lo|la tenia|lo tenia|ya quedo|ya se|resolvi|ya va|ya anda|ya pude";
    Withdraw: "never mind|nevermind|nvm|forget it|forget about|forget the|leave it|no longer|changed my mind|change my mind|\
        cancel that|scrap that|scrap it|dont bother|not bother|drop it|call it off|leave things|too much hassle|not anymore|\
        not any more|dont need it anymore|stop|abort|quit|ill leave it|olvidalo|olvidelo|olvida|olvide lo|dejalo|dejelo|ya no|\
        da igual|da lo mismo|cambie de idea|cambie de opinion|cambiado de|no importa|mejor no|cancela eso|cancelalo|dejalo asi|\
        me arrepenti|arrepentido|ya para que|ni modo|deja|no pasa nada";
    Person: "person|human|agent|someone|somebody|representative|rep|operator|adviser|advisor|manager|supervisor|colleague|\
        staff|real|people|anyone|customer service|live|humans|agents|persona|humano|humana|agente|alguien|asesor|asesora|\
        operador|operadora|encargado|encargada|supervisor|representante|ejecutivo|ejecutiva|persona real|gente|nadie|jefe|\
        atencion al cliente|responsable|gerente|personas";
    Talk: "talk|speak|speaking|talking|chat|connect|transfer|put me through|put through|get me|escalate|pass me|hand me|hablar|\
        hablo|comunic*|pasame|paseme|pasar|transfi*|atienda|atender|contactar|conectame|derivame|me pasas|me pasa|comuniqueme";
    Bot: "robot|bot|ai|machine|computer|chatbot|artificial|automated|program|chatgpt|software|are you|who are you|what are you|\
        who made|made you|your name|can you do|do you do|maquina|ia|inteligencia|automatico|eres|usted es|quien eres|\
        como te llamas|que puedes|que sabes|quien te|que haces|sos|programa";
    Greet: "^hi|^hello|^hey|^hiya|^heya|^good morning|^good afternoon|^good evening|^morning|^afternoon|^evening|^greetings|^yo|\
        ^howdy|^helo|^hullo|^gday|^hola|^ola|^buenas|^buenos dias|^buen dia|^buenas tardes|^buenas noches|^wenas|^saludos|^alo|\
        ^que tal|^hey there|^holi|^dear|^muy buenas|^bnas";
    Thanks: "thanks|thank you|thank|thx|ty|ta|cheers|tysm|much appreciated|appreciate|grateful|thankyou|thnx|tnx|gracias|\
        grax|grcs|graciass|mil gracias|agradezco|agradecid*|muy amable|se agradece|thankful|legend|star|helpful|kind of you|te lo agradezco|\
        un sol|dios se lo pague";
    Bye: "bye|goodbye|cya|see you|see ya|good night|goodnight|take care|ta ta|tara|ttyl|farewell|thats all|that is all|\
        nothing else|have a good|have a nice|so long|laters|im off|gotta go|got to go|thats everything|adios|chao|chau|\
        hasta luego|hasta pronto|nos vemos|hasta manana|eso es todo|seria todo|es todo|nada mas|bay|que tenga|me despido|\
        cuidate|cuidese|hasta la proxima";
    Chat: "how are you|hows it going|how are things|how do you do|lol|haha|hahaha|weather|weekend|happy friday|nice day|joke|\
        football|sunny|raining|rain|cold|christmas|coffee|tea|hows your|what a day|you know|jaja|jajaja|jeje|que tal|como estas|\
        como esta|como andas|que calor|que frio|llueve|lloviendo|finde|feliz|chiste|futbol|partido|clima|buen tiempo|como va|\
        que tiempo|domingo|cafe";
    Abuse: "idiot|stupid|useless|fuck|fucking|fuck off|fuk|shit|shite|moron|bloody|crap|dumb|piss off|clown|clowns|bastard|\
        bastards|arse|arsehole|ass|asshole|twat|wanker|prick|dick|thick|muppet|rubbish bot|hell|damn|pathetic|brainless|sod off|\
        shut up|liar|scum|thieves|cretin|donkey|tosser|bugger|screw you|idiota|estupid*|inutil|inutiles|mierda|put*|gilipollas|\
        imbecil|imbeciles|pendej*|cabron*|tont*|callate|joder|carajo|cono|maldit*|cono|burro|payaso|payasos|basura|ladrones|\
        mamon|boludo|pelotudo|tarado|animal|vete al|vayanse|sinverguenza*|chingada|chinga|culero|rata*|zoquete|bobo|inepto*";
    Complain: "ridiculous|disgrace|disgraceful|unacceptable|terrible|worst|awful|waiting|rubbish|appalling|complaint|complain|\
        disgusting|fed up|joke|shambles|shocking|rude|badly|nobody|three times|third time|hours|weeks|overcharged|ripped off|\
        rip off|sick of|had enough|never turned up|still not|still waiting|late|broken|poor|let down|lied|cheated|unfair|a farce|\
        atrocious|dreadful|not happy|unhappy|disappointed|frustrat*|angry|annoyed|furious|verguenza|inaceptable|pesimo|pesima|\
        horrible|fatal|harto|harta|queja|esperando|desastre|llevo|peor|robo|estafa|nadie|indignante|mala|malo|tercera vez|\
        siempre lo mismo|enfadad*|enojad*|molest*|cansad*|colmo|burla|decepcion*|injusto|lamentable|asco|cobraron|trataron|grosero*";
    Distress: "cope|coping|crying|cry|lost my job|cant afford|died|passed away|desperate|scared|frightened|evicted|stressed|\
        overwhelmed|cant sleep|dont know what to do|struggling|debt|debts|divorce|funeral|cancer|widow|alone|hungry|starving|\
        no money|nothing left|cant take|at my wits|falling apart|breaking down|in tears|devastated|homeless|made redundant|laid off|\
        hardship|shaking|panicking|panic|grief|worried sick|no puedo mas|llorando|perdi mi trabajo|perdi el trabajo|murio|\
        fallecio|desesperad*|miedo|angustia*|angustiad*|asustad*|agobiad*|deprimid*|ansiedad|sola|solo|no duermo|deudas|\
        no llego|me echaron|desahucio|sin trabajo|sin dinero|sin nada|viuda|viudo|enferm*|no se que hacer|hambre|estresad*|llorar|\
        destrozad*|en paro|me despidieron|se me cae|me muero de|no aguanto|duelo";
    Crisis: "kill myself|kill|suicide|suicidal|end it|end my life|dont want to live|dont want to be here|want to die|going to die|die|\
        dead|hurt myself|hurting myself|harm myself|cut myself|overdose|pills|tablets|jump|bridge|hurt me|hit me|hitting|beating|\
        outside my|breaking in|break in|knife|gun|bleeding|cant breathe|chest pain|attack|attacked|stabbed|fire|ambulance|police|\
        help me|better off without me|no reason to live|threaten*|suicid*|matarme|morir|morirme|vivir mas|seguir vivo|seguir viviendo|\
        quitarme la vida|acabar con todo|me va a matar|hacerme dano|me pega|pegando|me mata|cuchillo|pistola|pastillas|sangr*|\
        infarto|no respira*|ambulancia|policia|auxilio|me amenaza|amenaz*|incendio|fuego|desaparecer|lastimarme|cortarme|\
        me apunt*|me quiere matar|me sigue|estar muert*|ahorc*|tirarme";
    Repeat: "what|pardon|again|repeat|come again|huh|eh|say that|say again|didnt catch|didnt hear|didnt get|dont understand|\
        didnt understand|wot|missed that|once more|what did you|rephrase|explain that|dont follow|lost me|broke up|sorry what|repit*|\
        repet*|como|que|otra vez|mande|perdon|no entend*|no te entend*|no le entend*|no escuch*|no oi|no te oi|como dice|como dijo|de nuevo|\
        no comprend*|que dijiste|que dice|como asi|ah";
    Rephrase: "i said|i already|already told|told you|listening|not what i|read what|misunderstood|i just told|thats not what|\
        you dont understand|not understanding|youre not|you didnt|getting me|wrong end|didnt ask|never said|i asked|like i said|as i said|\
        do i have to|how many times|wrong topic|ya te dije|ya lo dije|ya te lo|ya se lo|no me escucha*|no me estas|no me esta|eso no es lo que|\
        no entiendes|no me entiend*|no entendiste|entendio mal|lee|lea|te dije|le dije|no es lo que|no dije|no pregunte|no pedi|otra cosa|\
        ya conteste|ya respondi|ya puse|cuantas veces|me refer*|no he dicho|dije que|escuch*";
    Tongue: "english|spanish|french|polish|german|italian|portuguese|arabic|chinese|mandarin|welsh|hindi|urdu|punjabi|romanian|\
        turkish|russian|ukrainian|somali|bengali|gujarati|lithuanian|tamil|dutch|greek|japanese|korean|language|translate|\
        interpreter|translator|ingles|espanol|frances|idioma|traduc*|portugues|aleman|italiano|catalan|gallego|euskera|quechua|\
        arabe|chino|castellano|ruso|rumano|polaco|deutsch|anglais|francais|parlez|sprechen|hablas|habla|guarani|interprete|lengua|ukranian|mayan|creole";
    Resume: "im back|back|im here|ready|carry on|go on|where were we|continue|got it|here it is|lets continue|right where|ok go|\
        can go on|im still here|still here|fire away|proceed|ya volvi|ya estoy|ya regrese|listo|lista|sigamos|seguimos|continua*|\
        ya la tengo|ya lo tengo|aqui estoy|en que quedamos|en que ibamos|sigue|siga|podemos seguir|de vuelta|aca estoy|dispar*|\
        prosiga|prosigamos|retom*|por donde";
    Lead: "^its|^it is|^my|^to|^the|^on|^at|^in|^im|^i am|^name is|^my name|^this is|^number|^for|^from|^around|^about|^a|^an|\
        ^one|^that one|^call me|^es|^el|^la|^los|^las|^soy|^me llamo|^mi|^para|^a las|^con|^en|^un|^una|^por|^de|^al|^desde|^son|\
        ^numero|^a nombre|^el de|^la de|^lo de|^unos|^como a|^este|^esa|^ese|^esta";
    Weekday: "monday|tuesday|wednesday|thursday|friday|saturday|sunday|mondays|fridays|weekend|weekends|january|february|march|\
        april|may|june|july|august|september|october|november|december|today|tonight|tomorrow|yesterday|noon|midnight|morning|\
        afternoon|evening|week|month|lunes|martes|miercoles|jueves|viernes|sabado|domingo|enero|febrero|marzo|abril|mayo|junio|\
        julio|agosto|septiembre|octubre|noviembre|diciembre|hoy|manana|ayer|mediodia|pasado manana|semana|mes|mon|tue|tues|wed|thu|\
        thurs|fri|sat|sun";
    NumberWord: "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|seventy|\
        eighty|ninety|hundred|thousand|half|zero|double|dozen|couple|first|second|third|last|uno|dos|tres|cuatro|cinco|seis|siete|\
        ocho|nueve|diez|once|doce|quince|veinte|treinta|cuarenta|cincuenta|sesenta|setenta|ochenta|noventa|cien|ciento|mil|medio|\
        media|cero|primero|primera|segunda|segundo|tercera|tercero|ultimo|ultima|docena";
    Unit: "pounds|pound|quid|euros|euro|dollars|pence|p|grand|percent|per cent|km|miles|kg|hours|hour|minutes|days|nights|weeks|\
        months|years|oclock|am|pm|libras|pesos|dolares|por ciento|horas|dias|noches|semanas|meses|anos|minutos|lucas|soles|pavos";
    You: "you|your|youre|u|ur|yourself|tu|te|usted|ustedes|vos|ti|contigo|su|sus";
    Me: "i|im|ive|ill|id|me|my|mine|myself|we|our|us|yo|mi|mis|me|nos|nuestro|conmigo|mio|mia";
    Family: "my wife|my husband|my son|my daughter|my mum|my mother|my dad|my father|my partner|my brother|my sister|my boss|\
        mi mujer|mi esposa|mi esposo|mi marido|mi hijo|mi hija|mi madre|mi padre|mi hermano|mi hermana|mi pareja|mi jefe";
    Please: "please|pls|plz|pleas|porfa|por favor|xfa|x favor|porfavor|pf|porfis|plis";
    Did: "did you|have you|has it|did it|was it|is it|are they|has my|have i|did i|ya lo|ya la|lo hiciste|lo hizo|ya se|ya hiciste";
    Already: "already|yesterday|last week|last night|just now|ya|ayer|anoche|la semana pasada|recien";
    Tag: "right$|isnt it$|yeah$|no$|ok$|innit$|verdad$|cierto$|si$|eh$|is that ok$|correct$|doesnt it$|arent you$";
    ThumbUp: "👍*|👌*|✅*|✔*|💯*|🙌*|🆗*|☑*";
    ThumbDown: "👎*|❌*|🚫*|🙅*|✋*|⛔*|✖*";
    Smile: "😀*|😊*|🙂*|😄*|😂*|🤣*|😁*|😉*|❤*|😃*|🙏*|🥰*|😎*|🎉*|☀*|🍀*|😅*";
    Sad: "😢*|😭*|😡*|😠*|🤬*|😞*|😔*|😤*|💔*|😩*|😕*|🙄*|😒*|🤡*|🖕*|💀*";
    Puzzled: "🤔*|❓*|🤷*|⁉*|😐*|❔*";
    Hand: "👋*|✌*|💤*|⏳*|⌛*|⏸*";
}

/// How many kinds there are.
pub(super) const COUNT: usize = GROUPS.len();

/// The kinds of phrases in a clause, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Flags(u64);

impl Flags {
    pub(super) fn has(self, flag: Flag) -> bool {
        self.0 & (1 << flag as u8) != 0
    }

    /// The numbers of those that are there, rising.
    pub(super) fn each(self) -> impl Iterator<Item = usize> {
        (0..COUNT).filter(move |at| self.0 & (1 << at) != 0)
    }

    /// Those that the words of a clause have.
    pub(super) fn of(words: &[Word]) -> Flags {
        let phrases = &*PHRASES;
        let first = fillers(words);
        let mut all = 0;
        for (at, word) in words.iter().enumerate() {
            for phrase in phrases.beginning_with(&word.fold) {
                let here = phrase.at_start && at != first && at != 0;
                if !here && phrase.fits(&words[at..]) {
                    all |= 1 << phrase.group;
                }
            }
        }
        Flags(all)
    }
}

/// Words that a clause may begin with without being about anything.
const FILLERS: &[&str] = &[
    "um", "uh", "er", "erm", "well", "oh", "so", "hmm", "and", "ah", "ooh", "ehm", "pues", "eh",
    "bueno", "este", "y", "o", "but", "pero", "please", "por", "favor", "then", "ok", "okay", "a",
    "ver",
];

/// The number of words that a clause only begins with.
pub(super) fn fillers(words: &[Word]) -> usize {
    let filler = |w: &&Word| FILLERS.contains(&w.fold.as_str());
    words.iter().take_while(filler).count()
}

struct Phrase {
    words: Vec<&'static str>,
    group: usize,
    at_start: bool,
    at_end: bool,
}

impl Phrase {
    /// Whether these words begin with it.
    fn fits(&self, words: &[Word]) -> bool {
        let enough =
            words.len() >= self.words.len() && (!self.at_end || words.len() == self.words.len());
        enough
            && self
                .words
                .iter()
                .zip(words)
                .all(|(own, word)| match own.strip_suffix('*') {
                    Some(stem) => word.fold.starts_with(stem),
                    None => word.fold == *own,
                })
    }
}

/// All phrases by the word they begin with, and those whose first word is a stem by its first letter.
struct Phrases {
    whole: BTreeMap<&'static str, Vec<Phrase>>,
    stems: BTreeMap<char, Vec<Phrase>>,
}

impl Phrases {
    fn beginning_with(&self, word: &str) -> impl Iterator<Item = &Phrase> {
        let whole = self.whole.get(word).into_iter().flatten();
        let first = word.chars().next();
        let stems = first.and_then(|c| self.stems.get(&c));
        whole.chain(stems.into_iter().flatten())
    }
}

static PHRASES: LazyLock<Phrases> = LazyLock::new(|| {
    let (mut whole, mut stems) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
    for (group, (_, phrases)) in GROUPS.iter().enumerate() {
        for phrase in phrases.split('|') {
            let (at_start, at_end) = (phrase.starts_with('^'), phrase.ends_with('$'));
            let bare = phrase.trim_start_matches('^').trim_end_matches('$');
            let words: Vec<&str> = bare.split_whitespace().collect();
            let Some(first) = words.first().copied() else {
                continue;
            };
            let phrase = Phrase {
                words,
                group,
                at_start,
                at_end,
            };
            match first.strip_suffix('*').and_then(|stem| stem.chars().next()) {
                Some(c) => stems.entry(c).or_default().push(phrase),
                None => whole.entry(first).or_default().push(phrase),
            }
        }
    }
    Phrases { whole, stems }
});

#[cfg(test)]
mod tests {
    use super::super::words::{Words, fold};
    use super::*;

    fn flags(text: &str) -> Flags {
        Flags::of(&Words::new(text).all)
    }

    #[test]
    fn every_phrase_is_folded_and_of_one_group_once() {
        const { assert!(COUNT <= 64) };
        for (name, phrases) in GROUPS {
            for phrase in phrases.split('|') {
                assert_eq!(phrase, phrase.trim(), "{name}");
                assert_eq!(phrase, fold(phrase), "{name}");
            }
        }
    }

    #[test]
    fn anchors_and_stems_count() {
        assert!(flags("Well, yes").has(Flag::StartsYes));
        assert!(!flags("I said yes").has(Flag::StartsYes));
        assert!(flags("bloqueala").has(Flag::Order));
        assert!(flags("Friday no").has(Flag::NoAtEnd));
        assert!(!flags("no Friday").has(Flag::NoAtEnd));
        assert!(flags("👍🏽").has(Flag::ThumbUp));
        assert!(flags("I don’t want a person").has(Flag::NoNeed));
    }
}
