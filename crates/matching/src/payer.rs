//! Who may have paid, by gateway, account, name and text.

use crate::{
    book::{Book, Debtor},
    model::{CustomerId, Receipt},
    normalise::name_key,
};

/// Words of a name in a text, at most.
const NAME_WORDS_MAX: usize = 5;

/// Who may have paid, by what is known of him.
#[derive(Debug, Default)]
pub(crate) struct Payer {
    pub(crate) gateway: Option<Debtor>,
    pub(crate) account: Vec<Debtor>,
    pub(crate) name: Vec<Debtor>,
    pub(crate) named: Vec<Debtor>,
}

impl Payer {
    /// Families in the order of how well they are known.
    pub(crate) fn families(&self, book: &Book) -> Vec<Debtor> {
        let mut families = Vec::new();
        let all = self.gateway.iter().chain(&self.account).chain(&self.name).chain(&self.named);
        for family in all.map(|debtor| book.family(*debtor)) {
            if !families.contains(&family) {
                families.push(family);
            }
        }
        families
    }

    /// `named` are customers whose number stands in the text.
    pub(crate) fn of(book: &Book, receipt: &Receipt, named: impl Iterator<Item = Debtor>) -> Self {
        if let Some(customer) = receipt.customer {
            return Self { gateway: book.debtor(customer), ..Self::default() };
        }
        let account = receipt.payer_account.as_deref().map_or(&[][..], |account| book.by_account(account)).to_vec();
        let name = book.by_name(&receipt.payer_name);
        let mut named: Vec<Debtor> = named.collect();
        if account.is_empty() && name.is_empty() {
            named.extend(named_in(book, &receipt.remittance_text));
        }
        Self { gateway: None, account, name, named }
    }
}

/// Customers whose whole name stands in the text; the longest name at each place.
pub(crate) fn named_in(book: &Book, text: &str) -> Vec<Debtor> {
    let key = name_key(text);
    let words: Vec<&str> = key.split(' ').filter(|word| !word.is_empty()).collect();
    for length in (2..=NAME_WORDS_MAX.min(words.len())).rev() {
        for window in words.windows(length) {
            let known = book.by_name_key(&window.join(" "));
            if !known.is_empty() {
                return known.to_vec();
            }
        }
    }
    Vec::new()
}

/// Who surely paid, whatever he pays for: the one whom the gateway names, who is known to pay from the account, or who alone has the
/// name that the bank gives. `None`: nobody, or more than one.
pub fn payer_of(book: &Book, receipt: &Receipt) -> Option<CustomerId> {
    let payer = Payer::of(book, receipt, std::iter::empty());
    let known = [payer.gateway.as_slice(), &payer.account, &payer.name, &payer.named];
    match known.into_iter().find(|debtors| !debtors.is_empty())? {
        [one] => Some(book.customers[*one as usize].id),
        _ => None,
    }
}
