//! What each type finds, in English and Spanish: language, type, text, what is found.

use super::check;

#[test]
fn lists() {
    check(
        r#"
en | account | from my Savings Account please | Savings Account=savings
en | account | savings to current | savings=savings; current=current
en | account | checkings | checkings=current
en | account | my savngs | savngs=savings
en | account | my savings acount | savings acount=savings
en | account | currents affairs account | currents=current
en | account | undercurrent |
en | town | near st ives | st ives=saint_ives
en | town | near St. Ives | St. Ives=saint_ives
en | town | saint ives, Leeds | saint ives=saint_ives; Leeds=leeds
en | town | Mancehster | Mancehster=manchester
es | account | la hucha de MANANA, ¿vale? | hucha de MANANA=savings
es | account | más: cuenta de ahorros | cuenta de ahorros=savings
es | account | ahorros | ahorros=savings
es | account | savings | savings=savings
es | account | easy saver |
es | town | en Leeds | Leeds=leeds
"#,
    );
}

#[test]
fn patterns() {
    check(
        r#"
en | last4 | my card ending 4281 was stolen | 4281=4281
en | last4 | four eight two one | four eight two one=4821
en | last4 | it's a four, eight, two, one | four, eight, two, one=4821
en | last4 | double four oh one | double four oh one=4401
en | last4 | forty eight twenty one | forty eight twenty one=4821
en | last4 | 48 21 | 48 21=4821
en | last4 | four eight two one five |
es | last4 | cuatro ocho dos uno | cuatro ocho dos uno=4821
es | last4 | cuarenta y ocho veintiuno | cuarenta y ocho veintiuno=4821
en | postcode | it's bs1 4xx now | bs1 4xx=bs1 4xx
en | postcode | b s one four x x | b s one four x x=BS14XX
en | code | X1 x2 | X1=X1
"#,
    );
}

#[test]
fn numbers() {
    check(
        r#"
en | number | 3kg box | 3=3
en | number | it's 40cm | 40=40
en | number | flat 3b | 
en | number | 20 | 20=20
en | number | 1,234.50 | 1,234.50=1234.50
en | number | 1,234,567 | 1,234,567=1234567
en | number | 1.234,50 | 1.234,50=1234.50
en | number | 3.5.2026 |
en | number | a couple of them | a couple of=2
en | number | two hundred and fifty-three thousand and six | two hundred and fifty-three thousand and six=253006
en | number | a million | a million=1000000
en | number | twenty-one | twenty-one=21
en | number | two point five | two point five=2.5
en | number | two and a half | two and a half=2.5
en | number | two and three | two=2; three=3
en | number | 5k or 20 thousand | 5k=5000; 20 thousand=20000
en | number | -5 and minus six | -5=-5; minus six=-6
en | number | BS1 at 15:30 on the 3rd |
en | number | four eight two one | four eight two one=4821
es | number | 1.234,50 | 1.234,50=1234.50
es | number | 1.234 | 1.234=1234
es | number | doscientos cincuenta y tres mil seis | doscientos cincuenta y tres mil seis=253006
es | number | mil | mil=1000
es | number | dos millones | dos millones=2000000
es | number | un par | un par=2
es | number | una tarjeta |
es | number | dos coma cinco | dos coma cinco=2.5
es | number | veintidós | veintidós=22
"#,
    );
}

#[test]
fn ordinals_and_percentages() {
    check(
        r#"
en | ordinal | the second one | second=2
en | ordinal | twenty-first or 22nd | twenty-first=21; 22nd=22
en | ordinal | the thirtieth | thirtieth=30
es | ordinal | la tercera o el 2º | tercera=3; 2º=2
es | ordinal | el primer día | primer=1
es | ordinal | cuart |
en | percent | 3.5% or five per cent | 3.5%=3.5; five per cent=5
es | percent | un 3,5 % o cinco por ciento | 3,5 %=3.5; cinco por ciento=5
"#,
    );
}

#[test]
fn money() {
    check(
        r#"
en | money | send £20 now | £20=20 GBP
en | money | £1,234.50 | £1,234.50=1234.50 GBP
en | money | 20 quid | 20 quid=20 GBP
en | money | twenty pounds fifty | twenty pounds fifty=20.50 GBP
en | money | twenty pounds and five pence | twenty pounds and five pence=20.05 GBP
en | money | 20 pounds and 30 euros | 20 pounds=20 GBP; 30 euros=30 EUR
en | money | 20 euros | 20 euros=20 EUR
en | money | 20€, EUR 30, 40 usd | 20€=20 EUR; EUR 30=30 EUR; 40 usd=40 USD
en | money | a hundred pounds | a hundred pounds=100 GBP
en | money | a pound and 50p, 50p | a pound and 50p=1.50 GBP; 50p=0.50 GBP
en | money | a tenner or two grand | a tenner=10 GBP; two grand=2000 GBP
en | money | $5 | $5=5 USD
en | money | -£5 | -£5=-5 GBP
en | money | card 4821 £20 | £20=20 GBP
en | money | £5k | £5k=5000 GBP
en | money | 20 |
es | money | 1.234,50 € | 1.234,50 €=1234.50 EUR
es | money | veinte euros con cincuenta | veinte euros con cincuenta=20.50 EUR
es | money | veinte libras | veinte libras=20 GBP
es | money | un millón de pesos | un millón de pesos=1000000 MXN
es | money | un euro | un euro=1 EUR
es | money | cinco dólares | cinco dólares=5 USD
"#,
    );
}

#[test]
fn dates() {
    // Now is Thursday 26 November 2026.
    check(
        r#"
en | date | today or tomorrow | today=2026-11-26; tomorrow=2026-11-27
en | date | the day after tomorrow | the day after tomorrow=2026-11-28
en | date | yesterday | yesterday=2026-11-25
en | date | friday | friday=2026-11-27
en | date | Friday's no good | Friday's=2026-11-27
en | date | next friday’s fine | next friday’s=2026-12-04
en | date | next Friday | next Friday=2026-12-04
en | date | this thursday | this thursday=2026-11-26
en | date | next Thursday | next Thursday=2026-12-03
en | date | last monday | last monday=2026-11-23
en | date | friday next week | friday next week=2026-12-04
en | date | 3rd of May | 3rd of May=2027-05-03
en | date | 3 January 2020 | 3 January 2020=2020-01-03
en | date | on the 3rd of May | 3rd of May=2027-05-03
es | date | el 3/5 | 3/5=2027-05-03
en | date | May 3rd, 2028 | May 3rd, 2028=2028-05-03
en | date | the third of december | third of december=2026-12-03
en | date | Sunday, 3 May | Sunday, 3 May=2027-05-03
en | date | 3/5 | 3/5=2027-05-03
en | date | 3/5/26 | 3/5/26=2026-05-03
en | date | 12/25/2026 | 12/25/2026=2026-12-25
en | date | 3.5.2026 or 3-5-2026 | 3.5.2026=2026-05-03; 3-5-2026=2026-05-03
en | date | 2026-05-03 | 2026-05-03=2026-05-03
en | date | in two weeks | in two weeks=2026-12-10
en | date | a month ago | a month ago=2026-10-26
en | date | in 3 days' time | in 3 days=2026-11-29
en | date | next week | next week=2026-12-03
en | date | on the 30th | 30th=2026-11-30
en | date | 29 February | 29 February=2028-02-29
en | date | 31 February, 24/7, the first one, I may |
es | date | mañana | mañana=2026-11-27
es | date | mañana por la mañana | mañana=2026-11-27
es | date | pasado mañana | pasado mañana=2026-11-28
es | date | el viernes | viernes=2026-11-27
es | date | el viernes que viene | viernes que viene=2026-11-27
es | date | el lunes pasado | lunes pasado=2026-11-23
es | date | el 3 de mayo | 3 de mayo=2027-05-03
es | date | el primero de mayo de 2028 | primero de mayo de 2028=2028-05-01
es | date | el día 30 | 30=2026-11-30
es | date | dentro de dos semanas | dentro de dos semanas=2026-12-10
es | date | hace tres días | hace tres días=2026-11-23
es | date | la semana que viene | la semana que viene=2026-12-03
"#,
    );
}

#[test]
fn times() {
    check(
        r#"
en | time | 3pm | 3pm=15:00:00
en | time | at 10 am | 10 am=10:00:00
en | time | 3.30 p.m. | 3.30 p.m.=15:30:00
en | time | half past two | half past two=14:30:00
en | time | half past eleven | half past eleven=11:30:00
en | time | quarter to three | quarter to three=14:45:00
en | time | ten past nine in the evening | ten past nine in the evening=21:10:00
en | time | 15:30 | 15:30=15:30:00
en | time | 2:30 or 02:30 | 2:30=14:30:00; 02:30=02:30:00
en | time | noon | noon=12:00:00
en | time | midnight | midnight=00:00:00
en | time | three o'clock | three o'clock=15:00:00
en | time | at three thirty | three thirty=15:30:00
en | time | ten thirty | ten thirty=10:30:00
en | time | eight tonight | eight tonight=20:00:00
en | time | 12 am | 12 am=00:00:00
en | time | at 20 pounds, 25:70, 3 cards |
es | time | a las tres y media | tres y media=15:30:00
es | time | a las 15:30 | 15:30=15:30:00
es | time | las cinco menos cuarto de la tarde | cinco menos cuarto de la tarde=16:45:00
es | time | a la una | una=13:00:00
es | time | a las nueve de la noche | nueve de la noche=21:00:00
es | time | las diez de la mañana | diez de la mañana=10:00:00
es | time | mediodía | mediodía=12:00:00
es | time | 15h30 | 15h30=15:30:00
es | time | las tres tarjetas |
"#,
    );
}

#[test]
fn days_with_a_time() {
    check(
        r#"
en | datetime | tomorrow at 3pm | tomorrow at 3pm=2026-11-27T15:00:00
en | datetime | 3pm on Friday | 3pm on Friday=2026-11-27T15:00:00
en | datetime | tonight at 8 | tonight at 8=2026-11-26T20:00:00
en | datetime | 2026-05-03T15:30:00 | 2026-05-03T15:30:00=2026-05-03T15:30:00
en | datetime | in 2 hours | in 2 hours=2026-11-26T12:15:00
en | datetime | tomorrow, or rather not at 3pm |
es | datetime | mañana a las tres y media | mañana a las tres y media=2026-11-27T15:30:00
es | datetime | el viernes a las 10 | viernes a las 10=2026-11-27T10:00:00
es | datetime | dentro de media hora | dentro de media hora=2026-11-26T10:45:00
"#,
    );
}

#[test]
fn durations() {
    check(
        r#"
en | duration | 2 hours | 2 hours=7200
en | duration | an hour and a half | an hour and a half=5400
en | duration | two and a half hours | two and a half hours=9000
en | duration | half an hour | half an hour=1800
en | duration | 2h 30m | 2h 30m=9000
en | duration | 1 hour and 20 minutes | 1 hour and 20 minutes=4800
en | duration | a couple of days | a couple of days=172800
en | duration | six months | six months=15552000
es | duration | dos horas | dos horas=7200
es | duration | una hora y media | una hora y media=5400
es | duration | media hora | media hora=1800
es | duration | tres años | tres años=94608000
es | duration | un cuarto de hora | cuarto de hora=900
"#,
    );
}

#[test]
fn contacts() {
    check(
        r#"
en | email | It's Alex.Morgan@Example.com. | Alex.Morgan@Example.com=alex.morgan@example.com
en | email | alex dot morgan at example dot com | alex dot morgan at example dot com=alex.morgan@example.com
es | email | ana arroba ejemplo punto es | ana arroba ejemplo punto es=ana@ejemplo.es
en | email | look at example.com |
en | phone | +44 20 7946 0958 | +44 20 7946 0958=+442079460958
en | phone | (020) 7946-0958 | (020) 7946-0958=02079460958
en | phone | 2026-05-03, 4821, 1234567890123456, A1234567 |
en | phone | oh two oh seven nine four six oh nine five eight | oh two oh seven nine four six oh nine five eight=02079460958
en | url | see https://example.com/a?b=c, or www.example.org. | https://example.com/a?b=c=https://example.com/a?b=c; www.example.org=www.example.org
"#,
    );
}

#[test]
fn yes_and_no() {
    check(
        r#"
en | yes_no | yes | yes=true
en | yes_no | Yep! | Yep=true
en | yes_no | yes please | yes please=true
en | yes_no | sure, go ahead | sure=true; go ahead=true
en | yes_no | that's right | that's right=true
en | yes_no | That’s right. | That’s right=true
en | yes_no | no | no=false
en | yes_no | nope | nope=false
en | yes_no | not really | not really=false
en | yes_no | um, no thanks | no thanks=false
en | yes_no | the blue one, yes | yes=true
en | yes_no | no idea |
en | yes_no | not sure |
en | yes_no | I have no card |
en | yes_no | perhaps later or so |
es | yes_no | sí | sí=true
es | yes_no | Claro que sí | Claro que sí=true
es | yes_no | vale | vale=true
es | yes_no | no | no=false
es | yes_no | no, gracias | no=false
es | yes_no | no lo sé |
es | yes_no | no puedo entrar |
"#,
    );
}

#[test]
fn names() {
    check(
        r#"
en | name | my name is Alex Morgan and I lost my card | Alex Morgan=Alex Morgan
en | name | hi, it's Alex Morgan | Alex Morgan=Alex Morgan
en | name | My name's Siobhán O'Brien-Smith. | Siobhán O'Brien-Smith=Siobhán O'Brien-Smith
en | name | my name is alex morgan | alex morgan=Alex Morgan
en | name | this is Ludwig van Beethoven | Ludwig van Beethoven=Ludwig van Beethoven
en | name | it's broken |
en | name | I'm Sorry |
en | name | Alex Morgan | Alex Morgan=Alex Morgan
es | name | soy Ana de la Torre | Ana de la Torre=Ana de la Torre
es | name | me llamo José García | José García=José García
es | name | soy cliente |
"#,
    );
}
