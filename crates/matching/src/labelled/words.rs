//! What payers write, in the words of their countries and the habits of their banks.

use super::{
    Trouble,
    company::{Habit, Payer},
    dice::Dice,
    plan::Payment,
};
use crate::model::{AdviceLine, ItemKind, OpenItem, Reference, ReferenceKind};
use chrono::NaiveDate;

pub(super) struct Wording {
    pub(super) references: Vec<Reference>,
    pub(super) text: String,
    pub(super) advice: Vec<AdviceLine>,
}

/// Unstructured remittance information of a credit transfer: four lines of 35.
const TEXT_MAX: usize = 140;
/// Names of a bank's older formats end here.
const NAME_MAX: usize = 27;
/// German banks that pass the text on in lines of 27 characters, with a space at each end.
const BROKEN_LINES: u64 = 100;
const LINE: usize = 27;

struct Phrases {
    /// Before one number, before many.
    invoice: &'static [&'static str],
    dated: &'static str,
    customer: &'static str,
    advice: &'static [&'static str],
    nothing: &'static [&'static str],
    behalf: &'static str,
    until: &'static [&'static str],
    date: &'static str,
}

const GERMAN: Phrases = Phrases {
    invoice: &["", "Rechnung ", "RG ", "Re.Nr. ", "RE-NR: ", "Rechn. ", "Beleg "],
    dated: " v. ",
    customer: "Kd.-Nr. ",
    advice: &["Zahlungsavis", "Avis Nr. ", "siehe Avis vom "],
    nothing: &["Zahlung", "Lumen Analytics", "Danke", "Abrechnung Software", "offene Posten lt. Aufstellung", "Rechnung laut Vertrag"],
    behalf: "i.A. ",
    until: &[" bis ", " - ", "-"],
    date: "%d.%m.%Y",
};
const FRENCH: Phrases = Phrases {
    invoice: &["", "FACTURE ", "Fact. ", "facture n° "],
    dated: " du ",
    customer: "Client ",
    advice: &["AVIS DE PAIEMENT ", "Bordereau "],
    nothing: &["VIREMENT", "Reglement factures", "Lumen Analytics"],
    behalf: "pour le compte de ",
    until: &[" à ", " - "],
    date: "%d/%m/%Y",
};
const DUTCH: Phrases = Phrases {
    invoice: &["", "factuur ", "Factuurnr. ", "fact "],
    dated: " d.d. ",
    customer: "klantnr ",
    advice: &["Betaalspecificatie ", "zie specificatie "],
    nothing: &["betaling", "facturen", "Lumen"],
    behalf: "namens ",
    until: &[" t/m ", " - "],
    date: "%d-%m-%Y",
};
const JAPANESE: Phrases = Phrases {
    invoice: &["", "請求書 ", "請求書番号", "ｾｲｷﾕｳｼﾖ "],
    dated: " ",
    customer: "ｺｷﾔｸ ",
    advice: &["支払通知書 ", "ｼﾊﾗｲﾂｳﾁ "],
    nothing: &["ﾘﾖｳﾘﾖｳ", "ｿﾌﾄｳｴｱ", "振込"],
    behalf: "代理 ",
    until: &["～", "-"],
    date: "%Y/%m/%d",
};
const ENGLISH: Phrases = Phrases {
    invoice: &["", "", "Invoice ", "INVOICES ", "inv ", "Payment of inv# ", "PMT INV ", "REF "],
    dated: " dd ",
    customer: "Cust ",
    advice: &["Remittance advice ", "SEE REMITTANCE ", "PMT RUN "],
    nothing: &["payment", "THANK YOU", "LUMEN ANALYTICS", "services", "wire transfer", "INVOICES AS PER STATEMENT", "vendor payment"],
    behalf: "o/b/o ",
    until: &[" to ", " - ", "-", " thru "],
    date: "%m/%d/%Y",
};

fn phrases(country: &str) -> &'static Phrases {
    match country {
        "DE" | "CH" => &GERMAN,
        "FR" => &FRENCH,
        "NL" => &DUTCH,
        "JP" => &JAPANESE,
        _ => &ENGLISH,
    }
}

pub(super) fn write(dice: &mut Dice, payer: &Payer, payment: &Payment, items: &[OpenItem], troubles: &[Trouble]) -> Wording {
    let phrases = phrases(&payer.customer.country);
    let paid: Vec<&OpenItem> = payment.items.iter().map(|place| &items[*place]).collect();
    let mut wording = if troubles.contains(&Trouble::NoReference) {
        Wording { references: Vec::new(), text: nothing(dice, phrases, payer, payment.date), advice: Vec::new() }
    } else {
        let mut numbers: Vec<String> = paid.iter().map(|item| item.number.clone()).collect();
        if troubles.contains(&Trouble::WrongReference) {
            spoil(dice, &mut numbers, &paid, payer, of_payer(items, payment.items[0]));
        }
        cite(dice, phrases, payer, payment, &paid, &numbers)
    };
    if troubles.contains(&Trouble::ThirdParty) && dice.per_mille(500) {
        wording.text = format!("{}{} {}", phrases.behalf, payer.customer.name, wording.text);
    }
    finish(dice, payer, payment.date, &mut wording);
    wording
}

/// Words without a number of ours; a few with numbers that are none.
fn nothing(dice: &mut Dice, phrases: &Phrases, payer: &Payer, date: NaiveDate) -> String {
    let words = *dice.pick(phrases.nothing);
    match dice.index(6) {
        0 => format!("{words} {}", date.format(phrases.date)),
        1 => format!("{words} {}{}", phrases.customer, payer.customer.code),
        2 => format!("{words} PO {}", dice.digits(8)),
        3 => String::new(),
        _ => words.to_owned(),
    }
}

fn cite(dice: &mut Dice, phrases: &Phrases, payer: &Payer, payment: &Payment, paid: &[&OpenItem], numbers: &[String]) -> Wording {
    let before = *dice.pick(phrases.invoice);
    let written: Vec<String> = match payer.habit {
        Habit::Ranges => ranges(dice, phrases, numbers),
        Habit::WithDates => numbers
            .iter()
            .zip(paid)
            .map(|(number, item)| format!("{number}{}{}", phrases.dated, item.issued_on.format(phrases.date)))
            .collect(),
        Habit::WithAmounts => numbers.iter().zip(paid).map(|(number, item)| format!("{number} {}", item.open.decimal())).collect(),
        habit => numbers.iter().map(|number| habitual(habit, number)).collect(),
    };
    let separator = *dice.pick(&[", ", ",", " ", " / ", "; ", "+"]);
    let mut text = format!("{before}{}", written.join(separator));
    if payer.habit == Habit::WithCustomerNumber {
        text = format!("{}{} {text}", phrases.customer, payer.customer.code);
    }
    if payer.habit == Habit::CreditorReference && numbers.len() == 1 {
        let reference = Reference { kind: ReferenceKind::Creditor, value: creditor_reference(&numbers[0]) };
        return Wording { references: vec![reference], text: String::new(), advice: Vec::new() };
    }
    if text.chars().count() <= TEXT_MAX {
        return Wording { references: Vec::new(), text, advice: Vec::new() };
    }
    let text = format!("{}{}", dice.pick(phrases.advice), payment.date.format(phrases.date));
    let with_amounts = dice.per_mille(500);
    let advice = numbers.iter().zip(paid).map(|(number, item)| advice_line(payer.habit, number, item, with_amounts)).collect();
    Wording { references: Vec::new(), text, advice }
}

fn habitual(habit: Habit, number: &str) -> String {
    let after_prefix = number.split_once('-').map_or(number, |(_, rest)| rest);
    let digits = number.rsplit('-').next().unwrap_or(number);
    match habit {
        Habit::Spaced => number.replace('-', " "),
        Habit::Glued => number.replace('-', ""),
        Habit::Lowercase => number.to_lowercase(),
        Habit::WithoutPrefix => after_prefix.to_owned(),
        Habit::OnlyDigits => digits.to_owned(),
        Habit::OnlyDigitsWithoutZeros => digits.trim_start_matches('0').to_owned(),
        Habit::AsPrinted | Habit::WithDates | Habit::WithCustomerNumber | Habit::WithAmounts | Habit::Ranges | Habit::CreditorReference => {
            number.to_owned()
        }
    }
}

fn advice_line(habit: Habit, number: &str, item: &OpenItem, with_amounts: bool) -> AdviceLine {
    let sign = if item.kind == ItemKind::CreditMemo { -1 } else { 1 };
    AdviceLine { number: habitual(habit, number), paid: with_amounts.then(|| item.open.with(sign * item.open.minor)) }
}

/// Three or more consecutive numbers as first and last.
fn ranges(dice: &mut Dice, phrases: &Phrases, numbers: &[String]) -> Vec<String> {
    let ordinal = |number: &String| number.rsplit('-').next().and_then(|digits| digits.parse::<i64>().ok()).unwrap_or(0);
    let mut sorted = numbers.to_vec();
    sorted.sort();
    let consecutive = |pair: &[String]| pair[0].get(..7) == pair[1].get(..7) && ordinal(&pair[1]) == ordinal(&pair[0]) + 1;
    let mut written = Vec::new();
    let until = *dice.pick(phrases.until);
    for run in sorted.chunk_by(|a, b| consecutive(&[a.clone(), b.clone()])) {
        match run {
            [first, .., last] if run.len() > 2 => {
                written.push(format!("{first}{until}{}", last.rsplit('-').next().unwrap_or(last)));
            }
            _ => written.extend(run.iter().cloned()),
        }
    }
    written
}

/// One number is not what was meant: a slip of a digit, a number that was paid before, or something else altogether.
fn spoil(dice: &mut Dice, numbers: &mut [String], paid: &[&OpenItem], payer: &Payer, items: &[OpenItem]) {
    let at = dice.index(numbers.len());
    let meant = paid[at];
    let wrong = match dice.index(6) {
        0 | 1 => slip(dice, &meant.number),
        2 => swapped(dice, &meant.number),
        3 => earlier(meant, paid, items).unwrap_or_else(|| payer.customer.code.clone()),
        4 => format!("PO {}", dice.digits(8)),
        _ => dropped(dice, &meant.number),
    };
    let names_another = items
        .iter()
        .any(|other| other.number == wrong && other.customer == meant.customer && other.id != meant.id && other.open == meant.open);
    // what the payer designates is what he pays
    numbers[at] = if names_another { payer.customer.code.clone() } else { wrong };
}

/// The plan makes items payer by payer.
fn of_payer(items: &[OpenItem], place: usize) -> &[OpenItem] {
    let customer = items[place].customer;
    let from = items[..place].iter().rposition(|item| item.customer != customer).map_or(0, |before| before + 1);
    let until = items[place..].iter().position(|item| item.customer != customer).map_or(items.len(), |after| place + after);
    &items[from..until]
}

fn digit_places(number: &str) -> Vec<usize> {
    let from = number.rfind('-').map_or(0, |at| at + 1);
    (from..number.len()).collect()
}

fn slip(dice: &mut Dice, number: &str) -> String {
    let at = *dice.pick(&digit_places(number));
    let mut digits = number.as_bytes().to_vec();
    digits[at] = b'0' + (digits[at] - b'0' + u8::try_from(dice.between(1, 9)).unwrap_or(1)) % 10;
    String::from_utf8(digits).unwrap_or_default()
}

fn swapped(dice: &mut Dice, number: &str) -> String {
    let digits = number.as_bytes();
    let places: Vec<usize> = digit_places(number).windows(2).map(|pair| pair[0]).filter(|at| digits[*at] != digits[at + 1]).collect();
    if places.is_empty() {
        return slip(dice, number);
    }
    let at = *dice.pick(&places);
    let mut digits = digits.to_vec();
    digits.swap(at, at + 1);
    String::from_utf8(digits).unwrap_or_default()
}

fn dropped(dice: &mut Dice, number: &str) -> String {
    let at = *dice.pick(&digit_places(number));
    format!("{}{}", &number[..at], &number[at + 1..])
}

/// The customer's invoice before the oldest of these.
fn earlier(meant: &OpenItem, paid: &[&OpenItem], items: &[OpenItem]) -> Option<String> {
    let of_customer = items.iter().filter(|item| item.customer == meant.customer && item.kind == ItemKind::Invoice);
    let first = paid.iter().map(|item| item.issued_on).min()?;
    of_customer.filter(|item| item.issued_on < first).max_by_key(|item| item.issued_on).map(|item| item.number.clone())
}

/// ISO 11649: `RF`, check digits so that the rest is 1 modulo 97, and the number without separators.
fn creditor_reference(number: &str) -> String {
    let body: String = number.chars().filter(char::is_ascii_alphanumeric).collect();
    let remainder = format!("{body}RF00").chars().fold(0, |rest: u32, sign| {
        let value = sign.to_digit(36).unwrap_or(0);
        (rest * if value > 9 { 100 } else { 10 } + value) % 97
    });
    format!("RF{:02}{body}", 98 - remainder)
}

/// The bank's part: end-to-end ids, upper case, lines that break within a number.
fn finish(dice: &mut Dice, payer: &Payer, date: NaiveDate, wording: &mut Wording) {
    let end_to_end = match dice.index(4) {
        0 => Some("NOTPROVIDED".to_owned()),
        1 => Some(format!("{}{}", date.format("%Y%m%d"), dice.digits(6))),
        _ => None,
    };
    wording.references.extend(end_to_end.map(|value| Reference { kind: ReferenceKind::EndToEnd, value }));
    if dice.per_mille(300) {
        wording.text = wording.text.to_uppercase();
    }
    if payer.customer.country == "DE" && dice.per_mille(BROKEN_LINES) {
        let signs: Vec<char> = wording.text.chars().collect();
        wording.text = signs.chunks(LINE).map(|line| line.iter().collect::<String>()).collect::<Vec<_>>().join(" ");
    }
}

/// A name as it comes over the wire: upper case, without umlauts, cut off.
pub(super) fn bank_name(dice: &mut Dice, name: &str) -> String {
    let folded = |name: &str| {
        name.chars()
            .map(|sign| match sign {
                'ä' => "ae".to_owned(),
                'ö' | 'ø' => "oe".to_owned(),
                'ü' => "ue".to_owned(),
                'ß' => "ss".to_owned(),
                'Ø' => "OE".to_owned(),
                '&' => "+".to_owned(),
                other => other.to_string(),
            })
            .collect::<String>()
            .to_uppercase()
    };
    match dice.index(5) {
        0 => folded(name),
        1 => folded(name).chars().take(NAME_MAX).collect(),
        2 => name.to_uppercase(),
        _ => name.to_owned(),
    }
}
