"""Words in a patient's text that may mean danger to life (SF16), in English and Spanish, however they are typed.

Nothing is guessed. "No chest pain" opens a red as "chest pain" does: to tell the two apart is a nurse's work, and the
cost of being wrong is not the same on both sides. For the same reason a figure of speech counts where it cannot surely
be told from the thing ("I could not breathe for laughing"); one that surely can does not ("dying to see you").
"""

from collections.abc import Mapping
from typing import Final

from hub.domain.plain_words import phrases, plain_words

_WORDS: Final[Mapping[str, str]] = {
    "cannot": "can ?t|cannot|can not|cnt|couldn ?t|could not|cudnt|unable to|not able to|hardly|barely",
    "does not": "wont|will not|doesnt|does not|isnt|is not|not|cant|can not|cannot|never",
    "breathe": "breath(?:e|es|ing|in|ng)?|breth(?:e|ing)?|breeth(?:e|ing)?|braeth(?:e|ing)?|brea[ht]+e|bretahe?"
    "|brath(?:e|ing)?|breating",
    "chest": "(?:chest|cheast|chset|chets|chesst|chst)(?! of drawers)",
    "pain": "pains?|painful|pian|pane|payn|apin|aches?|aching|hurts?|hurting|hurst|soreness|dolor",
    "pressed": "pressure|presure|pressing|tight|tite|tightness|tightnes|tightening|heavy|heaviness|crushing|burning"
    r"|squeez\w*|discomfort",
    "side": "left|right|one",
    "limb": "arms?|legs?|side|face|hands?|body|mouth|feet|foot",
    "numb": r"numb\w*|weak\w*|limp|paraly\w*",
    "person": "he|hes|she|shes|him|her|mom|mum|mother|dad|father|husband|wife|son|daughter|grandma|grandpa|patient",
    "bleed": r"bleeding|bleding|bleading|bleeds?"
    r"|blood(?! (?:pressure|sugars?|glucose|tests?|work|draw|thinners?|oxygen|counts?|clots?)\b)",
    "pills": "pills?|tablets?|tabs|meds?|medicines?|medications?|insulin|doses?|units",
    "emergency": "emergency|emergancy|emergincy",
    "now": "now|fast|quick|quickly|urgent|urgently|asap|immediately|badly|bad|please|pls",
}

_SIGNS: Final[Mapping[str, str]] = {
    "chest pain": r"""
        <chest> ?(<pain>|<pressed>)
        <chest> .. (<pain>|<pressed>)
        (<pain>|<pressed>) .. <chest>
        <pain> in (\w+ ){0,6}<chest>
        (elephant|weight) (on|upon) .. <chest>
        he?art ?(att?ac?k|attach|attck)
        (cardiac arrest|heart (has )?stopped|no pulse)
        heart (is |really )?<pain>
        <pain> in my heart
        <chest> .. killing
        <pain> (down|in|into) .. left arm
        left arm .. <pain>
        brazo izquierdo
        (dolor|duele|opresion|presion|punzada|aprieta|apretado|ardor) .. pecho
        pecho .. (duele|aprieta)
        (ataque al|ataque de) corazon
        infarto
    """,
    "hard to breathe": r"""
        <cannot> (\w+ )?<breathe>
        (cant|cannot)<breathe>
        <cannot> (catch|get) .. (<breathe>|air)
        (hard|harder|difficult|dif+ic\w*|trouble|truble|struggl\w*|problems?|fight\w*|tough) .. (<breathe>|for air)
        short(ness|nes)? (of|in|on|off) (<breathe>|air)
        short <breathe>
        (out|run out|no) of <breathe>
        (not|stopped|stops|isn ?t|aint|no longer) <breathe>
        <breathe> .. (badly|hard|heavy|heavily|difficult|worse|worst|labou?red|stopped)
        (breathing (\w+ ){0,2}|breath is )bad
        (breathless|brethless|breathles)(ness)?
        (gasping|choking|suffocat\w*|anaphyla\w*)
        lips? .. blue
        (turn|turning|turned|going|gone) blue
        throat .. (clos\w*|swell\w*|swollen)
        no puedo (\w+ )?respirar
        no (esta )?respira(ndo)?
        (cuesta|dificultad|dificil|trabajo|costando) .. respirar
        falta .. (aire|respiracion|aliento)
        sin (aire|aliento)
        me (ahogo|asfixio)
        (ahogando|asfixiando)(me)?
    """,
    "signs of a stroke": r"""
        (strokes?|storke)(?! of (luck|genius))
        (droop\w*|slur+(ed|ing|y|s)?|se?i?zures?|convuls\w*|paraly[sz]\w*)
        <cannot> (speak|talk)(?! (now|right|at|to|on|long|today|later|english|spanish|with|about)\b)
        <cannot> see( any ?more| anything| (out of|with|from|on|in) .. (eyes?|side))?$
        (lost|losing) (my |the )?(vision|sight|eyesight)
        <cannot> move( at all| any ?more)?$
        <cannot> (move|feel|lift) (my|his|her|one|the) (<side> )?<limb>
        <side> <limb> (\w+ ){0,5}(<numb>|dead)
        face .. (<numb>|twisted|fallen)
        <numb> .. <side> <limb>
        sudden(ly)? (\w+ )?(<numb>|confus\w*|blind\w*)
        worst headache
        (derrame|ictus|embolia)
        cara (\w+ )?(caida|torcida|dormida|paralizada)
        no (puedo|puede) (hablar|mover\w*)
    """,
    "fainting or collapse": r"""
        (fainted|fainting|faintin|feinted|fanted|faintd)
        (feel|feels|feeling|felt|going to|gonna|about to|might|may|nearly|almost|will) (\w+ )?faint
        (passed|passd|past|passing|pass|passes) out
        (collapsed?|collapsing|colapsed?|collasped)
        (un ?con[sc]+i?o\w+|unresponsive)
        (lost|loss of|losing) (\w+ )?con[sc]+i?o\w+
        (blacked|blacking|black) out
        <cannot> (wake|rouse) .. <person>
        <person> (\w+ ){0,3}<does not> (wake|waking|respond|responding|move|moving)
        (fell|fall|fallen) (\w+ ){0,6}<cannot> (get|stand) up
        desmay\w*
        inconsciente
        perdi\w* (el )?(conocimiento|sentido|conciencia)
        no se (despierta|mueve)
    """,
    "thoughts of suicide": r"""
        (suicid|sucid|suiced|suicd|suisid|sueicid|siucid)\w*
        kill(ed|ing)? (my ?self|him ?self|her ?self)
        (want|wants|wanted|wanna|wish|ready|rather|hope) (\w+ )?(to )?(die|be dead)
        (i|im|i am|he|hes|she|shes|he is|she is) (\w+ )?(going to|gonna|about to|will) die
        (i|im|i am|<person>|<person> is) dying(?! (to|for)\b)
        wish (\w+ ){1,3}(dead|not alive|never born)
        better off (dead|without me)
        (end|ending|take|taking) (my|his|her) (own )?life
        end(ing)? it all
        (dont|do not|doesnt|no longer|not) (want|wanna|wish) (\w+ )?(to )?(be alive|living|be here|exist)
        (dont|do not|doesnt|no longer|not) (want|wanna|wish) (\w+ )?(to )?live(?! (with|in|at|near)\b)
        (dont|do not|doesnt|no longer|not) (want|wanna|wish) (\w+ )?(to )?wake up(?! (early|at|so|before)\b)
        (no reason|nothing|no point) (\w+ )?(to live|in living|to go on|living)
        (not worth|tired of|sick of) living
        want (it|this|everything) (all )?to (end|be over)
        <cannot> take (it|this) any ?more
        (slit|cut) my wrists?
        (hang|shoot|drown) my ?self
        <cannot> go on( any ?more| living| like this|$)
        self ?harm\w*
        harm(ed|ing)? my ?self
        (want|wanna|going|gonna|will|might|thinking|thoughts|urge|feel like) (\w+ ){0,2}(hurt|cut)\w* my ?self
        (matarme|me mato|me matare|me (voy a|quiero) matar)
        (quiero|quisiera|deseo|ganas de) morir(me)?
        no quiero (\w+ )?(vivir|viviendo|existir)
        (corte|cortarme|cortar) las venas
        quitar(me)? la vida
        (acabar|terminar) con mi vida
        hacerme dano
    """,
    "overdose": r"""
        over ?dos\w*
        (took|taken|swallowed|injected) (\w+ )?(too|to) (many|much)(?! (photos|pictures|pics|time|steps|notes|space)\b)
        (too|to) (many|much) (\w+ )?<pills>
        (took|taken|swallowed|drank) (a|the|my) (\w+ ){0,3}(bottle|box|pack|packet)
        (took|taken|swallowed) all (\w+ ){0,4}(at once|at the same time|together|in one go)
        swallowed (all|everything)
        (took|taken|swallowed) ([2-9][0-9]|[1-9][0-9]{2,}) (\w+ )?(pills?|tablets?|tabs)
        (took|taken|injected) (\w+ )?wrong <pills>
        (double|wrong|twice the) dose
        poisoned
        sobredosis
        (tome|tomado|tomo) demasiad\w*
        demasiad[ao]s? (pastillas?|pildoras?|medicinas?|medicamentos?|insulina)
    """,
    "heavy bleeding": r"""
        <bleed> (\w+ ){0,3}(heavily|heavy|heavilly|lots?|badly|bad|profusely|everywhere|much|out|to death|gushing)
        (heavy|severe|lots? of|so much|too much|massive|serious|bad) <bleed>
        <bleed> .. <does not> (\w+ )?stop\w*
        <does not> stop(ped|ping)? (the )?ble\w+
        (vomit|throw|threw|cough|spit|puk)\w* .. <bleed>
        (vomit|throw|threw|cough|spit|puk)\w* (up )?<bleed>
        ha?emorr?h?ag\w*
        sangr\w+ (\w+ )?(mucho|bastante)
        mucha sangre
        (hemorragia|desangr\w*)
        (vomit|tos|escup)\w* .. sangre
        no (para|deja) de sangrar
    """,
    "a call for help": r"""
        (call|called|calling|dial|dialed|ring|rang|phone) (\w+ )?(112|999|000)
        911
        (ambulance|ambulence|ambulanse|abulance|amblance|ambulans|paramedics?|ems)
        (an|medical|is|its|real|urgent) (medical )?<emergency>(?! contact)
        <emergency> room
        (to|in|at) the er
        ^(<emergency>|emergencia|urgente|sos)$
        help me(?! (\w+ )?(with|to|set|find|change|use|charge|connect|understand|figure|out|log|read|get)\b)
        help help
        ^(please|pls|plz) help$
        ^help (please|pls|plz|now|urgent|quick|asap)( (please|pls|plz|now))*$
        can (someone|somebody|anyone|anybody) help$
        send help
        call for help
        need (a|to see a) doctor (now|fast|quick|quickly|urgently|asap|immediately)
        need help( <now>)*$
        need help <now>
        (ambulancia|ayudame|ayudenme|ayudeme|auxilio|socorro)
        (una|es|de) emergencia
        necesito ayuda( (ya|urgente|ahora|por favor))*$
    """,
}
_FOUND: Final = {kind: phrases(lines, _WORDS) for kind, lines in _SIGNS.items()}


def found(body: str) -> str | None:
    """The kind of danger that ``body`` speaks of, ``chest pain``; None: it has none of the words."""
    said = plain_words(body)
    return next((kind for kind, signs in _FOUND.items() if signs.search(said)), None)
