"""English."""

from majlis.demo.words.phrasebook import Offer, Phrasebook, Question, Topic

_TOPICS = {
    "bread": Topic(
        (
            "The bakery {corner} in {place} is open again. Hot naan and hardly any queue.",
            "Which bakery in {place} makes the best naan? The children keep asking for it.",
            "{when} {elder} brought us bread from the clay oven at home. Nothing tastes like it.",
            "The smell of fresh bread {corner} is the best alarm clock in {place}.",
        ),
        (
            "I buy mine there too, really good.",
            "Go early, it is all gone by eight.",
            "Enjoy! I could smell it from here.",
            "The one beside the pharmacy is good as well.",
        ),
    ),
    "fruit": Topic(
        (
            "{fruit} have reached the market in {place}: {price} afghanis a kilo, sweet and fresh.",
            "Bought {count} kilos of {fruit} from the cart {corner} today. Everyone at home approves.",
            "Where in {place} do you get good {fruit}? We are expecting guests.",
            "{elder} says this year's {fruit} are sweeter than last year's. Do you agree?",
        ),
        (
            "Cheaper at the wholesale market, if you can carry it.",
            "Had some yesterday, they really are sweet.",
            "Thanks, I will stop by after work.",
            "The cart on the corner is better, and he is such a kind man.",
        ),
    ),
    "sky": Topic(
        (
            "Sunset from our roof in {place}. For a few minutes everything was quiet.",
            "The air over {city} was so clear {when} that the mountains looked painted.",
            "If you are in {place}, look towards the mountains right now!",
            "Tea on the roof with {elder} {when}, watching the light go. Simple and perfect.",
        ),
        (
            "Beautiful!",
            "We watched it from the window too.",
            "Great photo. I wish every day were this clear.",
            "I have missed exactly this sky.",
        ),
    ),
    "power": Topic(
        (
            "The power in {place} went off {when} and is not back yet. Same for you?",
            "Does anybody have the electricity schedule for {place}? Work has come to a halt.",
            "The power is back! Charge your phones before tonight.",
            "Thinking of solar panels: are {count} enough for a family? Recommendations in {place}, please.",
        ),
        (
            "Off in our street too, they are repairing the transformer.",
            "Ours came back an hour ago, yours should follow.",
            "We went solar last year and never looked back.",
            "I called them, they promised it by the evening.",
        ),
    ),
    "water": Topic(
        (
            "Water pressure in {place} has been low since {day}. Is it the whole area?",
            "Can you recommend a plumber in {place}? Our tap has been dripping for {count} days.",
            "The well beside the mosque has been cleaned. Thank you to everyone who helped, {place}!",
            "A request: please do not let water run into the lane. It is slippery {corner}.",
        ),
        (
            "Low here too, better at night.",
            "Ustad Ghafar is honest and quick, his shop is next to the bakery.",
            "Well done, everyone.",
            "Agreed, let us look out for each other.",
        ),
    ),
    "road": Topic(
        (
            "The road {corner} in {place} is closed for repairs. Take the back street.",
            "Traffic in {place} was endless {when}. Walking was faster.",
            "The big hole {corner} is finally filled. Thank you to the workers!",
            "Buses through {place} now also stop {corner}. Good news for students.",
        ),
        (
            "Thanks for the warning, took the other way.",
            "I was stuck there for half an hour as well.",
            "Hope they finish soon.",
            "A pavement would be nice, too.",
        ),
    ),
    "lost": Topic(
        (
            "Found {corner} in {place}: {item}. Describe it and it is yours.",
            "Lost {when}, probably {corner}: {item}. Sweets for whoever finds it!",
            "Our grey cat slipped out {when} and has not come home. If you see her {corner}, please write.",
            "I left {item} with {elder} in {place}. Whoever lost it can pick it up there.",
        ),
        (
            "Hope it turns up soon.",
            "Shared it in the school group.",
            "Ask the shopkeeper on the corner, people leave things with him.",
            "Good to know there are honest people around.",
        ),
    ),
    "thanks": Topic(
        (
            "Thank you, {elder}, for carrying my mother's bags home {when}. Good neighbours are a blessing.",
            "My car broke down {corner} {when} and {count} young men pushed it without a word. Thank you, {place}!",
            "Thanks to the doctor at the clinic in {place}, who explained everything to my grandmother so patiently.",
            "{elder} has swept our lane every morning for {count} years. Shall we help one day?",
        ),
        (
            "People like that make a street a home.",
            "A long and healthy life to them!",
            "I know who you mean, such a kind soul.",
            "We will come on Friday.",
        ),
    ),
    "tea": Topic(
        (
            "Green tea with cardamom at the teahouse {corner}. Who in {place} will join?",
            "Met a classmate after {count} years in {place}. We drank tea until sunset.",
            "Green tea or black? At our house this is debated every single evening.",
            "{elder} says good tea must not be hurried. Now I understand.",
        ),
        (
            "Green, no question!",
            "Pour me a cup, I am on my way.",
            "I love that teahouse, the owner tells great stories.",
            "Milk tea on a Friday morning beats them all.",
        ),
    ),
    "kites": Topic(
        (
            "The sky over {place} was full of kites {when}. Colours everywhere.",
            "Who makes good kites in {place}? My son has been collecting paper and string for {count} days.",
            "Perfect wind for kites today. Even {elder} was holding a string!",
            "Parents, please keep the kites off open roofs. There is flat, safe ground {corner}.",
        ),
        (
            "Takes me back to my childhood!",
            "What lovely colours.",
            "Right, roofs are dangerous.",
            "Mine asks for one every day.",
        ),
    ),
    "books": Topic(
        (
            "Just finished “{book}”. Happy to lend it to anybody in {place}.",
            "A small library has opened {corner}. {count} shelves, and everyone may read.",
            "What would you give a twelve-year-old to read? We are on “{book}” now.",
            "Found an old copy of “{book}” in a bookshop in {place}. The smell of that paper!",
        ),
        (
            "Me next, please!",
            "A wonderful book, I have read it twice.",
            "What are the opening hours?",
            "I will bring a few books along.",
        ),
    ),
    "garden": Topic(
        (
            "Our courtyard in {place}. {elder} gave us the seedling two years ago.",
            "We planted {count} saplings {corner}. If every house waters one, the lane turns green.",
            "Why are the leaves of my plant turning yellow? Any gardeners in {place}?",
            "Went to the flower market {when} and came home with a geranium. The house feels alive.",
        ),
        (
            "You have green fingers!",
            "Do not water too much, every other day is plenty.",
            "Any cuttings to spare?",
            "Try new soil and a little shade.",
        ),
    ),
    "football": Topic(
        (
            "The {place} team won {when}! A fair and lovely game.",
            "We are {count} players short for Friday. Meet {corner}, any age.",
            "The boys' footballs are worn out. If anybody in {place} has a spare one, it will make them happy.",
            "Watched the match with the whole street {when}, {elder} included.",
        ),
        (
            "Congratulations to our team!",
            "I can keep goal if you need someone.",
            "I have a new ball, will bring it tomorrow.",
            "That last goal!",
        ),
    ),
    "cooking": Topic(
        (
            "We made {dish} {when} and shared it with {count} houses. Food tastes better that way.",
            "What is the secret of good {dish}? Mine never turns out like my mother's.",
            "Where in {place} is the best {dish}? Visitors are coming.",
            "{elder} taught us {dish} today. The kitchen was full of flour and it was worth it!",
        ),
        (
            "Recipe, please!",
            "Fry the onions longer, that is the whole secret.",
            "Now I am hungry.",
            "There is a good place at the crossing, fair prices too.",
        ),
    ),
    "study": Topic(
        (
            "A {course} class in {place} is taking new students, {hour}. The teacher is very patient.",
            "Looking for a {course} teacher, ideally near {place}.",
            "My niece came first in her {course} exam! Sweets for the whole lane.",
            "{count} months of learning {course}. Hard work, but a little better every day.",
        ),
        (
            "Well done, keep going!",
            "How much is it? My daughter is interested.",
            "Congratulations!",
            "I have just started too, shall we practise together?",
        ),
    ),
    "health": Topic(
        (
            "Can anybody recommend a dentist in {place}? I have not slept for {count} nights.",
            "The pharmacy {corner} is open at night, in case somebody needs it.",
            "My mother should walk half an hour a day. Where in {place} is it flat and quiet?",
            "Gave blood at the hospital {when}. They still need O negative, write to me if you can help.",
        ),
        (
            "Get well soon!",
            "The clinic on the main road is good and quick.",
            "The park is very calm in the mornings.",
            "Thanks, saved.",
        ),
    ),
    "internet": Topic(
        (
            "The internet in {place} has been crawling since {day}. Which provider works for you?",
            "I work from home and need a steady connection in {place}. Any advice?",
            "After {count} days the internet is back. The technician knew what he was doing.",
        ),
        (
            "Slow here in the evenings too.",
            "Take the monthly package, it is cheaper.",
            "Move the router to the window, it helps.",
            "Ours has been fine so far.",
        ),
    ),
    "morning": Topic(
        (
            "Good morning, {place}! Calm air, and the lane is still asleep.",
            "Six in the morning in {place}: the milk cart, the smell of bread, greetings from every door.",
            "Walked all the way to the market {when}. You only know a city on foot.",
            "Early walk with {elder}: {count} kilometres and a hundred stories.",
        ),
        (
            "Good morning to you, too!",
            "Have a lovely day.",
            "Beautifully put.",
            "Wake me tomorrow, I will come along.",
        ),
    ),
    "cleaning": Topic(
        (
            "{count} of us cleaned the lane {when}. There is even room to sit {corner} now.",
            "The bin {corner} is overflowing. Who has the number of the city service?",
            "An idea: one hour of cleaning in {place} every Friday. Brooms from us, tea from {elder}!",
            "The school wall in {place} has been painted, and the pupils drew flowers on it. Go and see.",
        ),
        (
            "Count me in, I have a broom.",
            "Thank you, what a difference.",
            "The block representative has the number.",
            "I will bring the children, they should learn it.",
        ),
    ),
    "carpet": Topic(
        (
            "My grandmother worked on this carpet for {count} months. Every knot has a story.",
            "Watched carpet weavers in {place} {when}. It takes patience and sharp eyes.",
            "How do you wash a carpet without losing the colours? Any good place in {place}?",
        ),
        (
            "The art of our grandparents.",
            "Cold water, mild soap, not too much sun.",
            "Stunning, congratulations.",
            "Work like this deserves its price.",
        ),
    ),
    "birds": Topic(
        (
            "{elder}'s pigeons circle over {place} every evening. I could watch them for hours.",
            "We found an injured sparrow {corner} {when}. It is eating now and will fly soon.",
            "Put out water and grain on the roof. {count} pigeons are regular guests now.",
        ),
        (
            "Birds are neighbours, too.",
            "We leave crumbs for them every day.",
            "You have a kind heart.",
            "Pigeons at sunset are something else.",
        ),
    ),
}

_GOODS = {
    "carpet": Offer(("Hand-knotted carpet, {make_carpet}", "Carpet {size} m, {make_carpet}"), ("Pure wool and natural dyes.", "Washed recently, was in the guest room.")),
    "bicycle": Offer(("Bicycle, {wheel} inch", "Mountain bike in {state} condition"), ("New brakes and chain.", "Great for school, my son has outgrown it.")),
    "phone": Offer(("{phone}", "{phone}, boxed"), ("Good battery, never repaired.", "Comes with charger and case.")),
    "laptop": Offer(("{laptop} laptop",), ("8 GB RAM and an SSD, fine for study and office.", "The battery lasts three hours.")),
    "sofa": Offer(("Sofa and two armchairs",), ("Clean covers, we are moving.", "Walnut frame, very solid.")),
    "desk": Offer(("Desk and chair", "Wooden bookshelf"), ("Made by a carpenter from our street.", "Fits into a small room.")),
    "books": Offer(("Box of {count_low} books, with “{book}”", "School books, grade {grade}"), ("No pages missing.", "Students pay less.")),
    "dress": Offer(("Embroidered Afghan dress", "Hand-stitched waistcoat"), ("Worn once at a wedding.", "My mother's work, can be adjusted.")),
    "heater": Offer(("Gas heater", "Wood stove with pipe"), ("Warms a room quickly.", "Used for one winter.")),
    "washer": Offer(("Washing machine", "Fridge, {state} condition"), ("Uses little electricity.", "Works, you can test it here.")),
    "stroller": Offer(("Pushchair", "Wooden cradle"), ("Our little one has grown.", "Folds and fits into a car.")),
    "honey": Offer(("Pure honey from {region}",), ("From our own bees, 1 kg jars.", "Taste before you buy.")),
    "saffron": Offer(("Herat saffron, first grade",), ("New harvest, packed by the gram.", "Straight from the farmer.")),
    "car": Offer(("Toyota Corolla {year}",), ("Papers complete, quiet engine.", "New tyres, one driver.")),
    "flat": Offer(("{count}-room flat to rent in {place}", "House with courtyard to rent, {place}"), ("Water and power, sunny side.", "Close to school and market, for a family.")),
    "lessons": Offer(("{course} lessons at home",), ("{count} years of teaching.", "The first lesson is free.")),
    "tailor": Offer(("Tailoring for women and children",), ("Always on time.", "I can measure at your home.")),
    "tools": Offer(("Power drill with bits", "Set of carpentry tools"), ("Strong and little used.", "They belonged to my father, the real thing.")),
    "saplings": Offer(("{tree} saplings",), ("From our own nursery.", "I will show you how to plant them.")),
    "solar": Offer(("Solar panel, {watt} W",), ("Enough for lights, TV and a fan.", "I can install it for you.")),
}

_EVENTS = {
    "poetry": Offer(("Poetry evening in {place}",), ("Bring one poem, your own or by {poet}.",)),
    "football": Offer(("Street football cup, {place}",), ("{team} teams, and spectators are just as welcome.",)),
    "trees": Offer(("Tree planting in {place}",), ("We have spades and saplings and need hands.",)),
    "clinic": Offer(("Free health check at the {place} clinic",), ("Blood pressure, sugar and eyesight, by volunteer doctors.",)),
    "english": Offer(("English conversation club, {place}",), ("Any level. This week we talk about travelling.",)),
    "swap": Offer(("Book swap in {place}",), ("Bring a book, take a book. There is a shelf for children.",)),
    "cleaning": Offer(("Clean-up morning in {place}",), ("Brooms and bags are ready, a hot breakfast follows.",)),
    "kites": Offer(("Kite festival, {place}",), ("Free kites for the little ones, on flat ground without wires.",)),
    "kitchen": Offer(("Neighbours' table in {place}",), ("Everybody brings a dish, the rice is ours.",)),
    "computer": Offer(("Computer workshop for beginners",), ("Bring a laptop if you have one, we have {team} to lend.",)),
    "photo": Offer(("Photo walk through {place}",), ("A phone is enough, the evening light does the rest.",)),
    "crafts": Offer(("Craft market, {place}",), ("Embroidery, carpets, sweets and pickles made at home.",)),
}

ENGLISH = Phrasebook(
    openers=("Hello neighbours!", "Greetings from {place}.", "Dear all,", "Salaam everyone!", "Quick note:", "Good day, {place}!"),
    closers=("Have a good day!", "Thank you all.", "What do you think?", "Please tell your neighbours.", "Stay well. 🌿", "🙏", "See you around."),
    topics=_TOPICS,
    goods=_GOODS,
    conditions=("Condition: {state}.", "No faults.", "Little used.", "Come and see before you decide."),
    deals=(
        "Slightly negotiable.", "Can be seen in {place}.", "Please write before you come.", "Delivery is possible.",
        "Final price.", "At home after four.",
    ),
    goods_comments=(
        "Still available?", "What is your best price?", "Could you send me the address?", "May I come tomorrow?",
        "Do you have more photos?", "Fair price.", "I will show my brother.",
    ),
    events=_EVENTS,
    invitations=("Entrance is free.", "Families welcome.", "Seats are limited, please sign up.", "Tea is on us! ☕", "Everyone is invited."),
    event_comments=(
        "I will be there.", "Can we bring the children?", "Lovely! Told my friends.", "Need a hand? Count me in.",
        "Cannot make it this time, sadly.", "Last time was wonderful.",
    ),
    polls=(
        Question("What does {place} need first?", ("Street lights", "Trees", "Clean drains", "A playground")),
        Question("Green tea or black tea?", ("Green", "Black", "With milk")),
        Question("When should we clean the lane in {place}?", ("Friday morning", "Thursday evening", "Saturday morning")),
        Question("Which course should open in {place}?", ("English", "Computers", "Sewing", "Chess")),
        Question("How do you get to work or school?", ("On foot", "By bicycle", "By bus", "By taxi", "My own car")),
        Question("What do you cook for guests?", ("Qabuli palaw", "Mantu", "Ashak", "Bolani")),
        Question("Book of the month for the readers of {place}?", ("The Little Prince", "The Kite Runner", "Gulistan")),
        Question("Your favourite fruit?", ("Pomegranate", "Grapes", "Melon", "Mulberries")),
    ),
    poll_comments=("Voted!", "Good question.", "One option is missing.", "Whatever it is, let us begin."),
    comments=("Very good.", "Thanks for sharing.", "So true.", "Good luck!", "Well said.", "👏👏", "This made my day.", "I agree."),
    replies=("Thank you, {name}!", "{name}, you are always welcome.", "Kind of you, {name}.", "Yes, I will let you know.", "Thank you. 🌷", "Deal, {name}."),
    answers=("I was about to say the same.", "{name} is right.", "Thanks {name}, I did not know.", "{name}, where exactly?", "True."),
    shares=("Have a look at this.", "Useful for the neighbours.", "Please read.", "From our lane.", "Well put!"),
    bios=(
        "{job} in {place}. Green tea and old stories.",
        "{place}, {city}. Into {hobby}.",
        "{job} | your neighbour",
        "Simple life, {hobby}, good neighbours.",
        "{count} years in {city} and still exploring.",
        "{job}. You will meet me on an early walk.",
        "Learning something new every week.",
    ),
    fillers={
        "corner": (
            "at the corner", "beside the mosque", "opposite the school", "near the bus stop", "next to the park", "at the crossing",
            "near the market",
        ),
        "when": ("this morning", "yesterday", "yesterday evening", "last night", "a few days ago", "at noon today"),
        "day": ("yesterday", "this morning", "Saturday", "Monday", "last week"),
        "elder": (
            "Uncle Rahim", "Aunt Zahra", "Ustad Karim", "Uncle Nabi", "Aunt Gulalai", "Haji Amin", "Mr Farid", "Uncle Yusuf",
            "Aunt Nafisa", "Ustad Hamid",
        ),
        "count": ("two", "three", "four", "five", "six", "seven", "eight"),
        "count_low": ("six", "ten", "twelve", "twenty"),
        "team": ("six", "eight", "ten", "twelve"),
        "price": ("40", "50", "60", "70", "80", "90"),
        "hour": ("three in the afternoon", "four o'clock", "nine in the morning"),
        "fruit": (
            "Kandahar pomegranates", "Shamali grapes", "Wardak apples", "Kunduz melons", "Nangarhar oranges", "Panjshir mulberries",
            "Logar peaches",
        ),
        "dish": ("mantu", "ashak", "leek bolani", "qabuli palaw", "shorwa", "chapli kebab", "semolina halwa"),
        "book": ("The Kite Runner", "The Little Prince", "Gulistan", "Kalila and Dimna", "Pride and Prejudice", "The Alchemist"),
        "poet": ("Hafez", "Saadi", "Bedil", "Rumi", "Rahman Baba"),
        "item": ("a bunch of keys", "a black bag", "an ID card", "a pair of glasses", "a bank card", "a school notebook"),
        "course": ("English", "maths", "calligraphy", "computer", "sewing", "drawing", "physics", "German"),
        "job": (
            "Teacher", "Carpenter", "Student", "Doctor", "Tailor", "Shopkeeper", "Engineer", "Driver", "Photographer",
            "Journalist", "Nurse", "Bookseller", "Programmer", "Translator",
        ),
        "hobby": ("chess", "books", "gardening", "football", "calligraphy", "photography", "cooking", "hiking", "poetry", "cycling"),
        "state": ("good", "very good", "like new", "fair"),
        "make_carpet": ("Turkmen", "Herati", "Baluch", "Mazari"),
        "size": ("2 × 3", "1.5 × 2", "3 × 4"),
        "wheel": ("24", "26", "28"),
        "phone": ("Samsung A14", "Samsung A54", "Redmi Note 12", "iPhone 11", "iPhone 13"),
        "laptop": ("Dell Latitude", "HP ProBook", "Lenovo ThinkPad", "Acer Aspire"),
        "grade": ("6", "7", "8", "9", "10", "11", "12"),
        "region": ("Badakhshan", "Panjshir", "Laghman", "Kunar"),
        "tree": ("Apple", "Almond", "Pine", "Fig", "Walnut"),
        "year": ("2002", "2005", "2008", "2010", "2012"),
        "watt": ("150", "250", "330", "450"),
    },
)  # fmt: skip
