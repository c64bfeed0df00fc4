//! What a receipt says: which items it names, and how surely.

use crate::{
    book::{Book, Debtor, Place},
    model::{Receipt, Reference, ReferenceKind},
    normalise::{creditor_reference, fold, glue, misread, one_slip, qr_reference, tail, without_zeros},
    payer::{Payer, named_in},
    rules::{Parameters, RuleCode},
};

/// Words that one of our numbers can be broken into, at most.
const NUMBER_WORDS_MAX: usize = 5;
/// A range of more numbers than this is a misreading.
const RANGE_MAX: u64 = 200;
/// Digits that a number needs before a slip in it can be told from another number.
const SLIP_DIGITS_MIN: usize = 4;
/// Open items of a family that a slip is looked for among, at most.
const SLIP_ITEMS_MAX: usize = 2_000;

/// An item that the receipt names, and how.
#[derive(Debug, Clone)]
pub(crate) struct Citation {
    pub(crate) item: Place,
    pub(crate) rule: RuleCode,
    /// As it is written.
    pub(crate) written: String,
    /// What the advice gives to it.
    pub(crate) paid: Option<i64>,
    /// An item of the payer with the same amount that a slip in what is written could mean as well.
    pub(crate) instead: Option<Place>,
}

#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) payer: Payer,
    pub(crate) families: Vec<Debtor>,
    pub(crate) citations: Vec<Citation>,
    /// Numbers that could be ours and fit nothing.
    pub(crate) unknown: Vec<String>,
    /// The customer's own number, which may stand where another one was meant.
    pub(crate) code: Option<String>,
}

/// Letters and digits of a folded text, with what stands before them.
#[derive(Debug, Clone, Copy)]
struct Word<'a> {
    before: &'a str,
    text: &'a str,
}

impl Word<'_> {
    fn is_number(&self) -> bool {
        self.text.bytes().all(|sign| sign.is_ascii_digit())
    }

    fn ends_in_digit(&self) -> bool {
        self.text.ends_with(|sign: char| sign.is_ascii_digit())
    }
}

fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(from) = rest.find(|sign: char| sign.is_ascii_alphanumeric()) {
        let (before, word) = rest.split_at(from);
        let end = word.find(|sign: char| !sign.is_ascii_alphanumeric()).unwrap_or(word.len());
        words.push(Word { before, text: &word[..end] });
        rest = &word[end..];
    }
    words
}

pub(crate) fn read(book: &Book, parameters: &Parameters, receipt: &Receipt) -> Reading {
    let text = without_dates(&fold(&receipt.remittance_text));
    let words = words(&text);
    let mut payer = Payer::of(book, receipt, (0..words.len()).filter_map(|at| code_at(book, &words[at..])).map(|(debtor, _)| debtor));
    let mut families = payer.families(book);
    let entity = book.entity(receipt.entity);
    let mut reader = Reader { book, parameters, entity, families: &families, citations: Vec::new(), unknown: Vec::new(), code: None };
    for reference in &receipt.references {
        reader.reference(reference);
    }
    for line in &receipt.advice {
        reader.advised(&line.number, line.paid.map(|paid| paid.minor));
    }
    reader.scan(&words);
    let Reader { citations, unknown, code, .. } = reader;
    if citations.is_empty() && payer.named.is_empty() && receipt.customer.is_none() {
        // paid on behalf of somebody, who is all that the text names
        payer.named = named_in(book, &receipt.remittance_text);
        families = payer.families(book);
    }
    Reading { payer, families, citations, unknown, code }
}

/// Dates look like numbers; they are blanked out. Day, month and year parted by one sign, in any order.
fn without_dates(text: &str) -> String {
    let mut blank = text.as_bytes().to_vec();
    let is_part = |signs: &[u8]| matches!(signs.len(), 1 | 2 | 4) && signs.iter().all(u8::is_ascii_digit);
    let mut starts = vec![0];
    starts.extend((1..blank.len()).filter(|at| !blank[at - 1].is_ascii_alphanumeric() && blank[*at].is_ascii_digit()));
    for from in starts {
        let end = from + blank[from..].iter().take_while(|sign| sign.is_ascii_digit() || matches!(sign, b'.' | b'/' | b'-')).count();
        let separator = blank[from..end].iter().copied().find(|sign| !sign.is_ascii_digit());
        let Some(separator) = separator else { continue };
        let parts: Vec<&[u8]> = blank[from..end].split(|sign| *sign == separator).filter(|part| !part.is_empty()).collect();
        let years = parts.iter().filter(|part| part.len() == 4 && part.starts_with(b"20")).count();
        if parts.len() == 3 && years == 1 && parts.iter().all(|part| is_part(part)) {
            blank[from..end].fill(b' ');
        }
    }
    String::from_utf8(blank).unwrap_or_else(|_| text.to_owned())
}

struct Reader<'a> {
    book: &'a Book,
    parameters: &'a Parameters,
    entity: Option<u8>,
    families: &'a [Debtor],
    citations: Vec<Citation>,
    unknown: Vec<String>,
    code: Option<String>,
}

impl Reader<'_> {
    fn cite(&mut self, item: Place, rule: RuleCode, written: &str, paid: Option<i64>) {
        if !self.citations.iter().any(|citation| citation.item == item) {
            let is_sure = matches!(rule, RuleCode::GatewayReference | RuleCode::Reference | RuleCode::ReferenceInRange);
            let instead = if is_sure { None } else { self.instead(item, written) };
            self.citations.push(Citation { item, rule, written: written.to_owned(), paid, instead });
        }
    }

    /// Of equal amounts the sum does not tell which one was meant.
    fn instead(&self, item: Place, written: &str) -> Option<Place> {
        let glued = glue(written);
        let (found, digits) = (self.book.item(item), tail(&glued).trim_start_matches('0'));
        let may_be_meant = |place: &Place| {
            let other = self.book.item(*place);
            let number = glue(self.book.number(*place));
            *place != item
                && (other.open, other.currency, other.entity, other.kind) == (found.open, found.currency, found.entity, found.kind)
                && one_slip(tail(&number).trim_start_matches('0'), digits).is_some()
        };
        self.book.of_family(found.family).iter().copied().find(may_be_meant)
    }

    fn reference(&mut self, reference: &Reference) {
        let value = &reference.value;
        match reference.kind {
            ReferenceKind::Gateway => self.whole(&glue(value), RuleCode::GatewayReference, value, None),
            ReferenceKind::Creditor => creditor_reference(value).is_some_and(|body| self.whole(&body, RuleCode::Reference, value, None)),
            ReferenceKind::Qr => qr_reference(value).is_some_and(|body| self.ending(&body, value, None)),
            ReferenceKind::EndToEnd | ReferenceKind::Token => self.whole(&glue(value), RuleCode::Reference, value, None),
        };
    }

    fn advised(&mut self, number: &str, paid: Option<i64>) {
        let glued = glue(number);
        if self.own_code(&words(&glued)).is_some() {
            return;
        }
        let found = self.whole(&glued, RuleCode::Reference, number, paid)
            || self.ending(&glued, number, paid)
            || self.slipped(&glued, number, paid);
        if !found {
            self.unknown.push(number.to_owned());
        }
    }

    /// A number with its prefix.
    fn whole(&mut self, glued: &str, rule: RuleCode, written: &str, paid: Option<i64>) -> bool {
        let has_prefix = !glued.bytes().all(|sign| sign.is_ascii_digit()) || rule == RuleCode::GatewayReference;
        let found = has_prefix.then(|| self.best(self.book.numbered(glued))).flatten();
        if let Some(item) = found {
            let is_printed = rule == RuleCode::GatewayReference || glue(self.book.number(item)) == glued;
            self.cite(item, if is_printed { rule } else { RuleCode::ReferenceTail }, written, paid);
        }
        found.is_some()
    }

    /// Of several items of one number: the receipt's entity first, then the payer's, then what is open, then invoices.
    fn best(&self, places: impl Iterator<Item = Place>) -> Option<Place> {
        places.min_by_key(|place| {
            let item = self.book.item(*place);
            let is_ours = Some(item.entity) == self.entity;
            (!is_ours, !self.families.contains(&item.family), item.open == 0, item.sign() < 0, *place)
        })
    }

    /// The end of a number, of an item of the payer; of anybody's if he is not known and the number is long enough.
    fn ending(&mut self, glued: &str, written: &str, paid: Option<i64>) -> bool {
        let (digits, Some(entity)) = (tail(glued), self.entity) else { return false };
        if digits.trim_start_matches('0').is_empty() {
            return false;
        }
        let is_wild = self.families.is_empty() && digits.len() >= self.parameters.tail_digits_min;
        let book = self.book;
        let fits = |place: &Place| {
            let item = book.item(*place);
            (is_wild || self.families.contains(&item.family)) && without_zeros(&glue(book.number(*place))).ends_with(&without_zeros(glued))
        };
        let found = self.best(book.ending(entity, digits).filter(fits));
        if let Some(item) = found {
            self.cite(item, RuleCode::ReferenceTail, written, paid);
        }
        found.is_some()
    }

    /// One slip away from a number of the payer's open items, and of only one of them.
    fn slipped(&mut self, glued: &str, written: &str, paid: Option<i64>) -> bool {
        let digits = tail(glued);
        let book = self.book;
        let open: Vec<Place> = self
            .families
            .iter()
            .flat_map(|family| book.of_family(*family))
            .copied()
            .filter(|place| book.item(*place).open > 0 && Some(book.item(*place).entity) == self.entity)
            .take(SLIP_ITEMS_MAX)
            .collect();
        let read = misread(glued);
        let near = |place: &Place| {
            let number = glue(book.number(*place));
            let meant = tail(&number);
            (read != glued && digits.len() < tail(&read).len() && meant == tail(&read))
                || (digits.len() >= SLIP_DIGITS_MIN && one_slip(meant, digits).is_some())
                || (digits.len() < meant.len()
                    && one_slip(meant.trim_start_matches('0'), digits).is_some()
                    && digits.len() >= SLIP_DIGITS_MIN)
        };
        let mut candidates = open.into_iter().filter(near);
        match (candidates.next(), candidates.next()) {
            (Some(item), None) => {
                self.cite(item, RuleCode::ReferenceSlip, written, paid);
                true
            }
            _ => false,
        }
    }

    /// Finds numbers in running text, the surest first at each word.
    fn scan(&mut self, words: &[Word<'_>]) {
        let mut at = 0;
        while at < words.len() {
            let rest = &words[at..];
            let taken = self.printed(rest).or_else(|| self.own_code(rest)).or_else(|| self.shortened(rest)).or_else(|| self.slip(rest));
            at += match taken {
                Some(taken) => taken + self.range(rest, taken),
                None => 1,
            };
        }
    }

    /// A number with its prefix, in one word or several. As printed goes before one that lost its zeros.
    fn printed(&mut self, words: &[Word<'_>]) -> Option<usize> {
        if words[0].is_number() {
            return None;
        }
        let mut without = None;
        let mut joined = String::new();
        for (count, word) in (1..=NUMBER_WORDS_MAX).zip(words) {
            joined.push_str(word.text);
            if !word.ends_in_digit() {
                continue;
            }
            let Some(item) = self.best(self.book.numbered(&joined)) else { continue };
            if glue(self.book.number(item)) == joined {
                self.cite(item, RuleCode::Reference, &joined, None);
                if !self.is_payers(item) {
                    // somebody else's number may be a slip in one of the payer's
                    self.slipped(&joined, &joined, None);
                }
                return Some(count);
            }
            if self.is_payers(item) {
                without = without.or(Some((item, count, joined.clone())));
            }
        }
        let (item, count, joined) = without?;
        self.cite(item, RuleCode::ReferenceTail, &joined, None);
        Some(count)
    }

    /// The number of the payer himself, which is no invoice's.
    fn own_code(&mut self, words: &[Word<'_>]) -> Option<usize> {
        let (debtor, taken) = code_at(self.book, words)?;
        let is_own = self.families.contains(&self.book.family(debtor));
        is_own.then(|| {
            self.code = Some(self.book.customers[debtor as usize].code.clone());
            taken
        })
    }

    /// A number that lost its prefix or its zeros, of an item of the payer. A space may have come into it.
    fn shortened(&mut self, words: &[Word<'_>]) -> Option<usize> {
        let first = &words[0];
        if !first.ends_in_digit() {
            // a remnant of the prefix stands apart: DE-004512
            let second = words.get(1).filter(|word| first.text.len() <= 3 && word.is_number())?;
            let joined = format!("{}{}", first.text, second.text);
            return self.ending(&joined, &joined, None).then_some(2);
        }
        if self.ending(first.text, first.text, None) {
            return Some(1);
        }
        let second = words.get(1).filter(|word| word.is_number() && word.before.trim().is_empty())?;
        let joined = format!("{}{}", first.text, second.text);
        self.ending(&joined, &joined, None).then_some(2)
    }

    /// What looks like a number of ours and is none: perhaps a slip.
    fn slip(&mut self, words: &[Word<'_>]) -> Option<usize> {
        let (taken, written) = match words {
            [first, ..] if first.ends_in_digit() && tail(first.text).len() >= SLIP_DIGITS_MIN => (1, first.text.to_owned()),
            _ => return None,
        };
        if words.get(1).is_some_and(is_decimals) {
            return None;
        }
        if self.slipped(&written, &written, None) {
            return Some(taken);
        }
        self.unknown.push(written);
        None
    }

    /// `… bis 004519` after a number: what lies between, of the payer's items. Returns how many words it took.
    fn range(&mut self, words: &[Word<'_>], taken: usize) -> usize {
        let Some(first) = self.citations.last().map(|citation| citation.item) else { return 0 };
        let Some((last, more)) = range_end(&words[taken..]) else { return 0 };
        let number = glue(self.book.number(first));
        let (from, width) = (tail(&number), tail(&number).len());
        let prefix = &number[..number.len() - width];
        let (Ok(from), Ok(until)) = (from.parse::<u64>(), last.parse::<u64>()) else { return 0 };
        if until <= from || until - from > RANGE_MAX {
            return 0;
        }
        for ordinal in from + 1..=until {
            let glued = format!("{prefix}{ordinal:0width$}");
            if let Some(item) = self.best(self.book.numbered(&glued)).filter(|item| self.is_payers(*item)) {
                self.cite(item, RuleCode::ReferenceInRange, &glued, None);
            }
        }
        more
    }

    fn is_payers(&self, item: Place) -> bool {
        self.families.is_empty() || self.families.contains(&self.book.item(item).family)
    }
}

/// A customer's number in one word or two, and how many.
fn code_at(book: &Book, words: &[Word<'_>]) -> Option<(Debtor, usize)> {
    let first = words.first()?;
    let apart = || {
        let digits = words.get(1).filter(|word| word.is_number() && !first.ends_in_digit())?;
        book.by_code(&format!("{}{}", first.text, digits.text)).map(|debtor| (debtor, 2))
    };
    book.by_code(first.text).map(|debtor| (debtor, 1)).or_else(apart)
}

/// The rest of an amount: two digits after a point or a comma.
fn is_decimals(word: &Word<'_>) -> bool {
    matches!(word.before, "." | ",") && word.text.len() == 2 && word.is_number()
}

/// Words and signs between the first and the last number of a range.
const UNTIL: [&str; 7] = ["BIS", "TO", "THRU", "THROUGH", "UNTIL", "A", "TM"];

/// The digits at the end of a range, and how many words it took to get there.
fn range_end<'a>(words: &[Word<'a>]) -> Option<(&'a str, usize)> {
    match words {
        [last, ..] if last.is_number() && matches!(last.before.trim(), "-" | "~" | "–" | "—" | "...") => Some((last.text, 1)),
        [until, last, ..] if UNTIL.contains(&until.text) && last.is_number() => Some((last.text, 2)),
        [t, m, last, ..] if t.text == "T" && m.text == "M" && last.is_number() => Some((last.text, 3)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_no_number() {
        for text in ["RE 12 V. 30.03.2026", "12 2026-03-30", "12 DD 03/30/2026 ", "12 2026/3/1"] {
            let blank = without_dates(text);
            let numbers: Vec<&str> = words(&blank).iter().filter(|word| word.is_number()).map(|word| word.text).collect();
            assert_eq!(numbers, ["12"], "{text}");
        }
        assert_eq!(without_dates("INV-DE-004512 133/183"), "INV-DE-004512 133/183");
    }

    #[test]
    fn a_range_has_a_word_or_a_sign_between_its_ends() {
        for text in ["BIS 000019", "- 000019", "T/M 000019", "THRU 000019", "~000019"] {
            assert_eq!(range_end(&words(text)).map(|(last, _)| last), Some("000019"), "{text}");
        }
        assert_eq!(range_end(&words(", 000019")), None);
    }
}
