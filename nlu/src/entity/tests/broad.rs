//! What customers write and say, and what only looks like an entity: language, type, text, what is
//! found.

use super::check;

#[test]
fn numbers_as_people_say_them() {
    check(
        r#"
en | number | a hundred and twenty | a hundred and twenty=120
en | number | one and a half million | one and a half million=1500000
en | number | 2.5 million | 2.5 million=2500000
en | number | 2k followers | 2k=2000
en | number | 3m users | 
en | number | three quarters of them | three quarters=0.75
en | number | half of it | half=0.5
en | number | 1/2 cup | 1/2=0.5
en | number | two thirds | two thirds=0.6667
en | number | one hundred thousand | one hundred thousand=100000
en | number | twelve hundred | twelve hundred=1200
en | number | a dozen eggs | a dozen=12
en | number | -12.5 degrees | -12.5=-12.5
en | number | minus twenty | minus twenty=-20
en | number | negative five | negative five=-5
en | number | between 5 and 10 | 5=5; 10=10
en | number | five or six | five=5; six=6
en | number | 5-10 people | 5=5; 10=10
en | number | double four, one, nine | double four, one, nine=4419
en | number | triple zero | triple zero=000
en | number | my number is four oh nine | four oh nine=409
en | number | version 2.4.1 | 
en | number | v2.4 | 
en | number | order A1234-B | 
en | number | iPhone12 | 
en | number | 1 000 000 | 1 000 000=1000000
en | number | the 3rd one | one=1
en | number | nobody told me anything | 
en | number | seven hundred and eighty-nine thousand, four hundred and twelve | seven hundred and eighty-nine thousand, four hundred and twelve=789412
en | number | zero point five | zero point five=0.5
en | number | three billion | three billion=3000000000
en | number | 1.5bn | 1.5bn=1500000000
es | number | veintiún mil | veintiún mil=21000
es | number | ciento veinte | ciento veinte=120
es | number | un millón y medio | un millón y medio=1500000
es | number | treinta y cinco | treinta y cinco=35
es | number | mil doscientos treinta y cuatro | mil doscientos treinta y cuatro=1234
es | number | doscientas mil | doscientas mil=200000
es | number | doble cuatro uno nueve | doble cuatro uno nueve=4419
es | number | menos cinco | menos cinco=-5
es | number | son -3 | -3=-3
es | number | la mitad | la mitad=0.5
es | number | 2,5 millones | 2,5 millones=2500000
es | number | una docena de huevos | una docena=12
es | number | cien | cien=100
es | number | tres cuartos | tres cuartos=0.75
es | number | entre 5 y 10 | 5=5; 10=10
es | number | cinco mil millones | cinco mil millones=5000000000
es | number | el uno de mayo | 
es | number | la versión 2.4.1 | 
es | number | un momento | 
es | number | siete u ocho | siete=7; ocho=8
es | number | quinientos uno | quinientos uno=501
"#,
    );
}

#[test]
fn ordinals_and_shares() {
    check(
        r#"
en | ordinal | the hundredth time | hundredth=100
en | ordinal | thirty-first | thirty-first=31
en | ordinal | forty-second | forty-second=42
en | ordinal | the 101st | 101st=101
en | ordinal | my first and last | first=1
en | ordinal | wait 30 seconds | 
en | ordinal | one second please | 
en | ordinal | a split second | 
en | percent | twenty-five percent | twenty-five percent=25
en | percent | 0.5 % off | 0.5 %=0.5
en | percent | -3% | -3%=-3
en | percent | half a percent | half a percent=0.5
en | percent | 100% sure | 100%=100
en | percent | two and a half percent | two and a half percent=2.5
es | ordinal | el segundo plato | segundo=2
es | ordinal | espera un segundo | 
es | ordinal | la vigésima vez | vigésima=20
es | ordinal | el undécimo | undécimo=11
es | ordinal | la 3ª planta | 3ª=3
es | percent | el veinte por ciento | veinte por ciento=20
es | percent | 12,75% | 12,75%=12.75
es | percent | -3 % | -3 %=-3
"#,
    );
}

#[test]
fn amounts() {
    check(
        r#"
en | money | fifty quid | fifty quid=50 GBP
en | money | 20 bucks | 20 bucks=20 USD
en | money | £2k | £2k=2000 GBP
en | money | 2k pounds | 2k pounds=2000 GBP
en | money | one and a half million dollars | one and a half million dollars=1500000 USD
en | money | $1.5m | $1.5m=1500000 USD
en | money | £3 million | £3 million=3000000 GBP
en | money | a hundred and twenty pounds | a hundred and twenty pounds=120 GBP
en | money | half a million euros | half a million euros=500000 EUR
en | money | 99p | 99p=0.99 GBP
en | money | 1.234,50 € | 1.234,50 €=1234.50 EUR
en | money | a couple of quid | a couple of quid=2 GBP
en | money | minus £20 | minus £20=-20 GBP
en | money | £-20 | £-20=-20 GBP
en | money | (£20) | £20=20 GBP
en | money | GBP1,000 | GBP1,000=1000 GBP
en | money | US$50 | US$50=50 USD
en | money | CA$50 or A$20 | CA$50=50 CAD; A$20=20 AUD
en | money | ₹500 | ₹500=500 INR
en | money | 500 rupees | 500 rupees=500 INR
en | money | five pounds twenty | five pounds twenty=5.20 GBP
en | money | 25 cents | 25 cents=0.25 EUR
en | money | between £5 and £10 | £5=5 GBP; £10=10 GBP
en | money | £10-£20 | £10=10 GBP; £20=20 GBP
en | money | he pounds the door | 
en | money | the pound is weak | 
en | money | 12 pound of potatoes | 12 pound=12 GBP
en | money | a fiver | a fiver=5 GBP
en | money | ten grand | ten grand=10000 GBP
en | money | €12.99 a month | €12.99=12.99 EUR
en | money | 1,000,000 yen | 1,000,000 yen=1000000 JPY
es | money | cincuenta euros | cincuenta euros=50 EUR
es | money | veintiún mil pesos | veintiún mil pesos=21000 MXN
es | money | $1.500 | $1.500=1500 USD
es | money | 12,99 € al mes | 12,99 €=12.99 EUR
es | money | €20 | €20=20 EUR
es | money | mil euros | mil euros=1000 EUR
es | money | un par de euros | un par de euros=2 EUR
es | money | dos euros y medio | dos euros y medio=2.50 EUR
es | money | cincuenta céntimos | cincuenta céntimos=0.50 EUR
es | money | -20 € | -20 €=-20 EUR
es | money | medio millón de euros | medio millón de euros=500000 EUR
es | money | 3 euros 20 | 3 euros 20=3.20 EUR
es | money | 100 dólares americanos | 100 dólares americanos=100 USD
"#,
    );
}

#[test]
fn days_as_people_say_them() {
    // Now is Thursday 26 November 2026.
    check(
        r#"
en | date | end of the month | end of the month=2026-11-30
en | date | by the end of next month | end of next month=2026-12-31
en | date | end of the year | end of the year=2026-12-31
en | date | beginning of next month | beginning of next month=2026-12-01
en | date | tomorrow morning | tomorrow=2026-11-27
en | date | tomorrow night | tomorrow=2026-11-27
en | date | in a fortnight | in a fortnight=2026-12-10
en | date | three days ago | three days ago=2026-11-23
en | date | a week from tomorrow | a week from tomorrow=2026-12-04
en | date | a week on Friday | a week on Friday=2026-12-04
en | date | Friday week | Friday week=2026-12-04
en | date | next year | next year=2027-11-26
en | date | last month | last month=2026-10-26
en | date | last year | last year=2025-11-26
en | date | this weekend | this weekend=2026-11-28
en | date | next weekend | next weekend=2026-12-05
en | date | last Friday | last Friday=2026-11-20
en | date | on Monday | Monday=2026-11-30
en | date | Fri 4 Dec | Fri 4 Dec=2026-12-04
en | date | 4th Dec 2026 | 4th Dec 2026=2026-12-04
en | date | December the fourth | December the fourth=2026-12-04
en | date | the twenty-first of March | twenty-first of March=2027-03-21
en | date | Christmas day | Christmas day=2026-12-25
en | date | New Year's Eve | New Year's Eve=2026-12-31
en | date | born on 12/03/1985 | 12/03/1985=1985-03-12
en | date | 1985-03-12 | 1985-03-12=1985-03-12
en | date | 12 March '85 | 12 March '85=1985-03-12
en | date | March 2027 | March 2027=2027-03-01
en | date | I may go, may I? | 
en | date | may 5 people come | 
en | date | soldiers march on | 
en | date | the sun is out | 
en | date | he sat down | 
en | date | version 3.5.1 | 
en | date | order 2026-1234 | 
en | date | 5/0 and 13/13/2026 | 
en | date | 30th February 2027 | 
en | date | a second opinion | 
es | date | fin de mes | fin de mes=2026-11-30
es | date | a finales de mes | finales de mes=2026-11-30
es | date | a fin de año | fin de año=2026-12-31
es | date | el próximo viernes | próximo viernes=2026-11-27
es | date | el viernes próximo | viernes próximo=2026-11-27
es | date | este fin de semana | este fin de semana=2026-11-28
es | date | el mes pasado | el mes pasado=2026-10-26
es | date | el año que viene | el año que viene=2027-11-26
es | date | el año pasado | el año pasado=2025-11-26
es | date | en dos semanas | en dos semanas=2026-12-10
es | date | dentro de un mes | dentro de un mes=2026-12-26
es | date | anteayer | anteayer=2026-11-24
es | date | el 1 de enero | 1 de enero=2027-01-01
es | date | el veintiuno de marzo de 2027 | veintiuno de marzo de 2027=2027-03-21
es | date | 4 dic 2026 | 4 dic 2026=2026-12-04
es | date | viernes 4 de diciembre | viernes 4 de diciembre=2026-12-04
es | date | 12/03/1985 | 12/03/1985=1985-03-12
es | date | el martes | martes=2026-12-01
es | date | por la mañana | 
es | date | el año | 
es | date | Nochebuena | Nochebuena=2026-12-24
"#,
    );
}

#[test]
fn times_as_people_say_them() {
    check(
        r#"
en | time | 5 o'clock sharp | 5 o'clock=17:00:00
en | time | quarter past eight in the morning | quarter past eight in the morning=08:15:00
en | time | twenty to nine | twenty to nine=08:40:00
en | time | half nine | half nine=09:30:00
en | time | at seven | seven=07:00:00
en | time | nine am | nine am=09:00:00
en | time | 9:05pm | 9:05pm=21:05:00
en | time | 21.05 hours | 
en | time | 1830 hours | 1830 hours=18:30:00
en | time | at 0900 | 0900=09:00:00
en | time | between 2 and 4pm | 4pm=16:00:00
en | time | at eight in the evening | eight in the evening=20:00:00
en | time | at 7 at night | 7 at night=19:00:00
en | time | 12:00 | 12:00=12:00:00
en | time | 00:15 | 00:15=00:15:00
en | time | score was 3:2 | 
en | time | ratio 10:1 | 
en | time | I am tired, 3 am I right | 3 am=03:00:00
es | time | a las ocho y cuarto | ocho y cuarto=08:15:00
es | time | a las 9 de la noche | 9 de la noche=21:00:00
es | time | las doce en punto | doce en punto=12:00:00
es | time | a las tres menos diez | tres menos diez=14:50:00
es | time | a las 17:45 h | 17:45 h=17:45:00
es | time | 9 pm | 9 pm=21:00:00
es | time | a las siete y veinte de la mañana | siete y veinte de la mañana=07:20:00
es | time | a medianoche | medianoche=00:00:00
es | time | las dos tarjetas | 
"#,
    );
}

#[test]
fn days_with_times_and_lengths() {
    check(
        r#"
en | datetime | next Friday at half past three | next Friday at half past three=2026-12-04T15:30:00
en | datetime | half past three next Friday | half past three next Friday=2026-12-04T15:30:00
en | datetime | Friday evening at 8 | Friday evening at 8=2026-11-27T20:00:00
en | datetime | tomorrow morning at 9 | tomorrow morning at 9=2026-11-27T09:00:00
en | datetime | 3rd of December at 14:00 | 3rd of December at 14:00=2026-12-03T14:00:00
en | datetime | at 5pm on the 30th of November | 5pm on the 30th of November=2026-11-30T17:00:00
en | datetime | 2026-12-03 14:00 | 2026-12-03 14:00=2026-12-03T14:00:00
en | datetime | half an hour ago | half an hour ago=2026-11-26T09:45:00
en | datetime | in 90 minutes | in 90 minutes=2026-11-26T11:45:00
en | datetime | two hours ago | two hours ago=2026-11-26T08:15:00
en | duration | for two weeks | two weeks=1209600
en | duration | 3-day trial | 3-day=259200
en | duration | a year and a half | a year and a half=47088000
en | duration | 24 hours | 24 hours=86400
en | duration | one second | one second=1
en | duration | the second one | 
en | duration | a fortnight | a fortnight=1209600
en | duration | three quarters of an hour | three quarters of an hour=2700
en | duration | 45min | 45min=2700
en | duration | 1.5 hours | 1.5 hours=5400
en | duration | several days |
es | datetime | el próximo viernes a las tres y media | próximo viernes a las tres y media=2026-11-27T15:30:00
es | datetime | mañana por la mañana a las 9 | mañana por la mañana a las 9=2026-11-27T09:00:00
es | datetime | hace dos horas | hace dos horas=2026-11-26T08:15:00
es | datetime | el 3 de diciembre a las 14:00 | 3 de diciembre a las 14:00=2026-12-03T14:00:00
es | datetime | esta noche a las 8 | esta noche a las 8=2026-11-26T20:00:00
es | datetime | el lunes a las diez de la mañana | lunes a las diez de la mañana=2026-11-30T10:00:00
es | duration | un año y medio | un año y medio=47088000
es | duration | quince días | quince días=1296000
es | duration | 2 horas y 30 minutos | 2 horas y 30 minutos=9000
es | duration | tres cuartos de hora | tres cuartos de hora=2700
es | duration | un segundo | un segundo=1
es | duration | el segundo plato |
"#,
    );
}

#[test]
fn ways_to_reach_someone() {
    check(
        r#"
en | email | john underscore smith at gmail dot com | john underscore smith at gmail dot com=john_smith@gmail.com
en | email | j dot smith at mail dot co dot uk | j dot smith at mail dot co dot uk=j.smith@mail.co.uk
en | email | a b c at example dot com | a b c at example dot com=abc@example.com
en | email | jane dash doe at example dot org | jane dash doe at example dot org=jane-doe@example.org
en | email | user+tag@sub.example.co.uk, thanks | user+tag@sub.example.co.uk=user+tag@sub.example.co.uk
en | email | I am at home dot | 
en | email | @twitter | 
es | email | maria guion bajo lopez arroba correo punto com | maria guion bajo lopez arroba correo punto com=maria_lopez@correo.com
es | email | escríbeme a ana@ejemplo.es. | ana@ejemplo.es=ana@ejemplo.es
en | phone | 07700 900123 | 07700 900123=07700900123
en | phone | 0044 7700 900123 | 0044 7700 900123=00447700900123
en | phone | +1 (415) 555-0132 | +1 (415) 555-0132=+14155550132
en | phone | (415) 555-0132 | (415) 555-0132=4155550132
en | phone | call me on 020 7946 0958 please | 020 7946 0958=02079460958
en | phone | plus four four seven seven double oh nine double oh one two three | plus four four seven seven double oh nine double oh one two three=+447700900123
en | phone | it costs £1234567 | 
en | phone | on 12/03/1985 | 
en | phone | 192.168.0.1 | 
en | phone | 1,234,567 | 
es | phone | 612 34 56 78 | 612 34 56 78=612345678
es | phone | +34 612 345 678 | +34 612 345 678=+34612345678
es | phone | seis uno dos tres cuatro cinco seis siete ocho | seis uno dos tres cuatro cinco seis siete ocho=612345678
en | url | visit example.com/help today | example.com/help=example.com/help
en | url | HTTP://EXAMPLE.COM | HTTP://EXAMPLE.COM=HTTP://EXAMPLE.COM
en | url | mail me at ann@example.com | 
en | url | end of sentence.Next one | 
en | url | version 2.4.1 | 
es | url | entra en www.ejemplo.es/ayuda, por favor | www.ejemplo.es/ayuda=www.ejemplo.es/ayuda
es | url | ejemplo.es | ejemplo.es=ejemplo.es
"#,
    );
}

#[test]
fn answers_and_names() {
    check(
        r#"
en | yes_no | yes I would like that | yes=true
en | yes_no | no, I wouldn't | no=false
en | yes_no | I don't think so | I don't think so=false
en | yes_no | I think so | I think so=true
en | yes_no | please don't | please don't=false
en | yes_no | yes and no | yes=true
en | yes_no | sure | sure=true
en | yes_no | are you sure | 
en | yes_no | no one called | 
en | yes_no | 👍 | 👍=true
en | name | you can call me Sam | Sam=Sam
en | name | I'm Zoë | Zoë=Zoë
en | name | My name is Dr. Jane Smith | Jane Smith=Jane Smith
en | name | I'm calling about my card | 
en | name | this is ridiculous | 
es | yes_no | creo que no | creo que no=false
es | yes_no | creo que sí | creo que sí=true
es | yes_no | sí, por favor | sí=true
es | yes_no | si llueve me quedo | si=true
es | yes_no | nada de eso | nada de eso=false
es | yes_no | ¡Claro! | Claro=true
es | name | Me llamo Ana María López | Ana María López=Ana María López
es | name | soy de Madrid | 
es | name | mi nombre es juan pérez | juan pérez=Juan Pérez
en | postcode | B as in Bravo, S for Sierra, one, four, X, X as in x-ray | B as in Bravo, S for Sierra, one, four, X, X as in x-ray=BS14XX
en | postcode | bravo sierra one four xray xray | bravo sierra one four xray xray=BS14XX
"#,
    );
}

#[test]
fn sentences_that_only_look_like_another_amount() {
    check(
        r#"
es | money | quiero enviar al menos 50 euros | 50 euros=50 EUR
es | money | más o menos 200 euros | 200 euros=200 EUR
es | money | menos 20 euros | menos 20 euros=-20 EUR
es | money | envía £1,500 a Ana | £1,500=1500 GBP
en | money | send €1.500 | €1.500=1500 EUR
en | money | £1.250m | £1.250m=1250000 GBP
en | money | £1.25 | £1.25=1.25 GBP
en | percent | 0,125% | 0,125%=0.125
es | money | quiero depositar 20 mil 500 pesos | 20 mil 500 pesos=20500 MXN
es | money | 20 mil quinientos pesos | 20 mil quinientos pesos=20500 MXN
es | money | 2 millones 500 mil pesos | 2 millones 500 mil pesos=2500000 MXN
es | money | dos millones 500 mil pesos | dos millones 500 mil pesos=2500000 MXN
en | money | 2 thousand 500 dollars | 2 thousand 500 dollars=2500 USD
en | money | 2 hundred thousand pounds | 2 hundred thousand pounds=200000 GBP
en | number | two thousand three thousand | two thousand=2000; three thousand=3000
en | number | two hundred and three hundred | two hundred=200; three hundred=300
en | number | two hundred and three thousand | two hundred and three thousand=203000
en | money | between two hundred and three hundred pounds | three hundred pounds=300 GBP
en | money | I paid 50 pounds 10 days ago | 50 pounds=50 GBP
en | money | I sent 300 euros 12 March | 300 euros=300 EUR
en | money | 50 pounds 10% off | 50 pounds=50 GBP
en | money | fifty pounds twenty, please | fifty pounds twenty=50.20 GBP
en | money | twenty pounds and fifty pence today | twenty pounds and fifty pence=20.50 GBP
es | money | 50 euros y 30 minutos después | 50 euros=50 EUR
en | money | 50 SGD | 50 SGD=50 SGD
"#,
    );
}

#[test]
fn sentences_that_only_look_like_another_time() {
    check(
        r#"
en | datetime | tomorrow morning at 6 | tomorrow morning at 6=2026-11-27T06:00:00
en | time | tomorrow morning at 6 | 6=06:00:00
en | datetime | my card was used this morning at 5 | this morning at 5=2026-11-26T05:00:00
en | datetime | tomorrow morning at 12 | tomorrow morning at 12=2026-11-27T12:00:00
es | datetime | mañana por la mañana a las 6 | mañana por la mañana a las 6=2026-11-27T06:00:00
es | datetime | esta mañana a las 6:30 | esta mañana a las 6:30=2026-11-26T06:30:00
es | datetime | mañana a las 6 | mañana a las 6=2026-11-27T18:00:00
es | time | a las 8 y 30 de la tarde | 8 y 30 de la tarde=20:30:00
es | time | a las 8 y 15 de la tarde | 8 y 15 de la tarde=20:15:00
es | time | a las 9 menos 10 de la noche | 9 menos 10 de la noche=20:50:00
en | time | it said two to three business days |
en | time | I waited five to ten minutes |
en | time | I was charged £20 after 3 days |
en | time | ten to three | ten to three=14:50:00
en | time | seven minutes past nine | seven minutes past nine=09:07:00
en | time | a savings account at 4.25% |
en | time | see you at 4.25 | 4.25=16:25:00
en | date | that one may be fraudulent |
en | date | the second may be wrong |
en | date | the second of may | second of may=2027-05-02
en | date | on 3 May | 3 May=2027-05-03
en | date | transfer on 3 May 2000 pounds | 3 May=2027-05-03
es | date | el 3 de mayo 2000 euros | 3 de mayo=2027-05-03
en | date | 3 May 2030 please | 3 May 2030=2030-05-03
en | phone | on 2026-05-03 14:30 |
es | phone | transfiere 1.500.000 pesos |
es | phone | mi número es 612.345.678 | 612.345.678=612345678
"#,
    );
}

#[test]
fn answers_and_names_that_go_on() {
    check(
        r#"
es | yes_no | por supuesto, bloquéala | por supuesto=true
es | yes_no | por supuesto que no | por supuesto que no=false
es | yes_no | bueno, no | no=false
en | yes_no | please do it now | please do=true
en | name | my name is john smith what is my balance | john smith=John Smith
en | name | the name is wrong on my card |
en | name | my name is Will Smith | Will Smith=Will Smith
es | name | me llamo ana garcia quiero saber mi saldo | ana garcia=Ana Garcia
es | name | mi nombre es incorrecto |
"#,
    );
}
