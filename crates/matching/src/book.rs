//! Open items and customers in memory, indexed by what a receipt may say about them.
//!
//! One book may hold several legal entities; a receipt looks into its own, and into the others only for what was sent to the
//! wrong account. Items are handed about by their place; open amounts fall as decisions are applied.

use crate::{
    decision::Proposal,
    model::{Alias, Customer, CustomerId, ItemId, ItemKind, OpenItem},
    normalise::{account_key, glue, name_key, tail, without_zeros},
};
use chrono::NaiveDate;
use domain::{id::EntityId, money::Currency};
use rustc_hash::{FxBuildHasher, FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};

/// Place of an item in its book.
pub(crate) type Place = u32;
/// Place of a customer in its book.
pub(crate) type Debtor = u32;
const NOBODY: u32 = u32::MAX;
/// A name that a bank cut off keeps at least so many signs.
const CUT_NAME_MIN: usize = 20;

/// An open item, small enough that a million of them stay together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) id: ItemId,
    /// What is left of it; never negative, a credit memo too.
    pub(crate) open: i64,
    pub(crate) debtor: Debtor,
    /// Root of the customer's family.
    pub(crate) family: Debtor,
    number: u32,
    number_length: u8,
    pub(crate) entity: u8,
    pub(crate) currency: Currency,
    pub(crate) kind: ItemKind,
    pub(crate) disputed: bool,
    pub(crate) issued_on: NaiveDate,
    pub(crate) due_on: NaiveDate,
}

impl Entry {
    pub(crate) fn sign(&self) -> i64 {
        if self.kind == ItemKind::CreditMemo { -1 } else { 1 }
    }

    /// What the customer owes for it.
    pub(crate) fn owed(&self) -> i64 {
        self.sign() * self.open
    }
}

/// Items that share a key, as a chain through their places.
#[derive(Debug, Clone)]
struct Chains {
    heads: FxHashMap<u64, Place>,
    next: Vec<Place>,
}

impl Chains {
    fn with_capacity(items: usize) -> Self {
        Self { heads: FxHashMap::with_capacity_and_hasher(items, FxBuildHasher), next: Vec::with_capacity(items) }
    }

    /// Places are pushed in order, one after the other.
    fn push(&mut self, key: u64) {
        let place = u32::try_from(self.next.len()).unwrap_or(NOBODY);
        self.next.push(self.heads.insert(key, place).unwrap_or(NOBODY));
    }

    fn of(&self, key: u64) -> impl Iterator<Item = Place> {
        let first = self.heads.get(&key).copied().unwrap_or(NOBODY);
        std::iter::successors((first != NOBODY).then_some(first), |place| {
            let next = self.next[*place as usize];
            (next != NOBODY).then_some(next)
        })
    }
}

/// An open item refers to a customer or an amount that the book can't hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    #[error("item {number}: its customer {customer:?} is not among the customers")]
    UnknownCustomer { number: String, customer: CustomerId },
    #[error("item {number}: open {open} is not between 0 and its total {total}, in one currency")]
    Open { number: String, open: String, total: String },
    #[error("more than 255 entities or 4 billion items")]
    TooLarge,
}

#[derive(Debug, Clone)]
pub struct Book {
    entities: Vec<EntityId>,
    pub(crate) items: Vec<Entry>,
    numbers: String,
    by_id: FxHashMap<ItemId, Place>,
    by_number: Chains,
    by_tail: Chains,
    by_amount: Chains,
    /// Items whose open amount changed, under their new amount.
    reopened: FxHashMap<u64, Vec<Place>>,
    /// Places by family, each family in the order of due dates; `family_from[root]..family_from[root + 1]`.
    by_family: Vec<Place>,
    family_from: Vec<u32>,
    pub(crate) customers: Vec<Customer>,
    families: Vec<Debtor>,
    customer_of: FxHashMap<CustomerId, Debtor>,
    accounts: FxHashMap<String, Vec<Debtor>>,
    names: FxHashMap<String, Vec<Debtor>>,
    /// The same names in order, for those that were cut off.
    sorted_names: Vec<(String, Debtor)>,
    codes: FxHashMap<String, Debtor>,
}

fn key(parts: impl Hash) -> u64 {
    let mut hasher = FxHasher::default();
    parts.hash(&mut hasher);
    hasher.finish()
}

fn amount_key(entity: u8, currency: Currency, open: i64) -> u64 {
    key((entity, currency, open))
}

fn tail_key(entity: u8, digits: &str) -> u64 {
    key((entity, digits.trim_start_matches('0')))
}

impl Book {
    /// Indexes what is open. Items that are paid already may be among them (open 0): they are how a double payment is known.
    pub fn build(customers: &[Customer], items: &[OpenItem]) -> Result<Self, BookError> {
        let mut book = Self::of_customers(customers);
        let count = items.len();
        u32::try_from(count).ok().filter(|count| *count < NOBODY).ok_or(BookError::TooLarge)?;
        book.items.reserve(count);
        book.by_id.reserve(count);
        (book.by_number, book.by_tail, book.by_amount) =
            (Chains::with_capacity(count), Chains::with_capacity(count), Chains::with_capacity(count));
        for (item, place) in items.iter().zip(0..) {
            book.push(item, place)?;
        }
        book.sort_families();
        Ok(book)
    }

    fn of_customers(customers: &[Customer]) -> Self {
        let customer_of: FxHashMap<CustomerId, Debtor> = customers.iter().map(|customer| customer.id).zip(0..).collect();
        let families = (0..).zip(customers).map(|(debtor, _)| root(customers, &customer_of, debtor)).collect();
        let mut book = Self {
            entities: Vec::new(),
            items: Vec::new(),
            numbers: String::new(),
            by_id: FxHashMap::default(),
            by_number: Chains::with_capacity(0),
            by_tail: Chains::with_capacity(0),
            by_amount: Chains::with_capacity(0),
            reopened: FxHashMap::default(),
            by_family: Vec::new(),
            family_from: Vec::new(),
            customers: customers.to_vec(),
            families,
            customer_of,
            accounts: FxHashMap::default(),
            names: FxHashMap::default(),
            sorted_names: Vec::new(),
            codes: FxHashMap::default(),
        };
        for (debtor, customer) in (0..).zip(customers) {
            book.codes.insert(glue(&customer.code), debtor);
            let name = Alias::Name(customer.name.clone());
            let accounts = customer.accounts.iter().cloned().map(Alias::Account);
            for alias in accounts.chain(customer.aliases.iter().cloned()).chain([name]) {
                book.know(debtor, &alias);
            }
        }
        book.sorted_names.sort_unstable();
        book
    }

    fn know(&mut self, debtor: Debtor, alias: &Alias) {
        let known = match alias {
            Alias::Account(account) => self.accounts.entry(account_key(account)).or_default(),
            Alias::Name(name) => {
                let key = name_key(name);
                self.sorted_names.push((key.clone(), debtor));
                self.names.entry(key).or_default()
            }
        };
        if !known.contains(&debtor) {
            known.push(debtor);
        }
    }

    /// A payer's account or name that a confirmed decision taught. `false`: the customer is not in this book.
    pub fn learn(&mut self, customer: CustomerId, alias: &Alias) -> bool {
        let Some(debtor) = self.customer_of.get(&customer).copied() else { return false };
        self.know(debtor, alias);
        self.sorted_names.sort_unstable();
        true
    }

    fn push(&mut self, item: &OpenItem, place: Place) -> Result<(), BookError> {
        let Some(debtor) = self.customer_of.get(&item.customer).copied() else {
            return Err(BookError::UnknownCustomer { number: item.number.clone(), customer: item.customer });
        };
        if item.open.currency != item.total.currency || item.open.minor < 0 || item.open.minor > item.total.minor {
            let (open, total) = (item.open.to_string(), item.total.to_string());
            return Err(BookError::Open { number: item.number.clone(), open, total });
        }
        let entity = self.entity_of(item.entity)?;
        let glued = glue(&item.number);
        self.by_number.push(key(without_zeros(&glued)));
        self.by_tail.push(tail_key(entity, tail(&glued)));
        self.by_amount.push(amount_key(entity, item.open.currency, item.open.minor));
        self.by_id.insert(item.id, place);
        let number = u32::try_from(self.numbers.len()).map_err(|_| BookError::TooLarge)?;
        self.numbers.push_str(&item.number);
        self.items.push(Entry {
            id: item.id,
            open: item.open.minor,
            debtor,
            family: self.families[debtor as usize],
            number,
            number_length: u8::try_from(item.number.len()).map_err(|_| BookError::TooLarge)?,
            entity,
            currency: item.open.currency,
            kind: item.kind,
            disputed: item.disputed,
            issued_on: item.issued_on,
            due_on: item.due_on,
        });
        Ok(())
    }

    fn entity_of(&mut self, entity: EntityId) -> Result<u8, BookError> {
        let place = self.entities.iter().position(|known| *known == entity).unwrap_or_else(|| {
            self.entities.push(entity);
            self.entities.len() - 1
        });
        u8::try_from(place).map_err(|_| BookError::TooLarge)
    }

    /// Groups by counting, then sorts within each family.
    fn sort_families(&mut self) {
        let mut from = vec![0u32; self.customers.len() + 1];
        for item in &self.items {
            from[item.family as usize + 1] += 1;
        }
        for at in 1..from.len() {
            from[at] += from[at - 1];
        }
        let mut free = from.clone();
        let mut places = vec![0; self.items.len()];
        for (item, place) in self.items.iter().zip(0..) {
            let at = &mut free[item.family as usize];
            places[*at as usize] = place;
            *at += 1;
        }
        for family in from.windows(2) {
            places[family[0] as usize..family[1] as usize].sort_by_key(|place| {
                let item = &self.items[*place as usize];
                (item.due_on, item.issued_on, *place)
            });
        }
        (self.by_family, self.family_from) = (places, from);
    }

    pub(crate) fn item(&self, place: Place) -> &Entry {
        &self.items[place as usize]
    }

    pub(crate) fn number(&self, place: Place) -> &str {
        let item = self.item(place);
        let from = item.number as usize;
        &self.numbers[from..from + usize::from(item.number_length)]
    }

    pub(crate) fn entity(&self, entity: EntityId) -> Option<u8> {
        self.entities.iter().position(|known| *known == entity).and_then(|place| u8::try_from(place).ok())
    }

    pub(crate) fn entity_id(&self, entity: u8) -> EntityId {
        self.entities[usize::from(entity)]
    }

    pub(crate) fn place(&self, item: ItemId) -> Option<Place> {
        self.by_id.get(&item).copied()
    }

    pub(crate) fn debtor(&self, customer: CustomerId) -> Option<Debtor> {
        self.customer_of.get(&customer).copied()
    }

    pub(crate) fn family(&self, debtor: Debtor) -> Debtor {
        self.families[debtor as usize]
    }

    /// Items whose number is this one, with or without leading zeros, in any entity, open or not.
    pub(crate) fn numbered(&self, glued: &str) -> impl Iterator<Item = Place> {
        let wanted = without_zeros(glued);
        let chain = self.by_number.of(key(&wanted));
        chain.filter(move |place| without_zeros(&glue(self.number(*place))) == wanted)
    }

    /// Items of an entity whose number ends with these digits.
    pub(crate) fn ending(&self, entity: u8, digits: &str) -> impl Iterator<Item = Place> {
        let wanted = digits.trim_start_matches('0').to_owned();
        let chain = self.by_tail.of(tail_key(entity, digits)).filter(move |place| self.item(*place).entity == entity);
        chain.filter(move |place| tail(&glue(self.number(*place))).trim_start_matches('0') == wanted)
    }

    /// Open items of an entity with exactly this open amount.
    pub(crate) fn amounting(&self, entity: u8, currency: Currency, open: i64) -> impl Iterator<Item = Place> {
        let key = amount_key(entity, currency, open);
        let fits = move |place: &Place| {
            let item = self.item(*place);
            item.open == open && open > 0 && item.entity == entity && item.currency == currency
        };
        self.by_amount.of(key).chain(self.reopened.get(&key).into_iter().flatten().copied()).filter(fits)
    }

    /// How many customers there are; their places are the numbers below.
    pub(crate) fn debtors(&self) -> Debtor {
        u32::try_from(self.customers.len()).unwrap_or(u32::MAX)
    }

    /// All items of a family, by due date.
    pub(crate) fn of_family(&self, family: Debtor) -> &[Place] {
        let family = family as usize;
        &self.by_family[self.family_from[family] as usize..self.family_from[family + 1] as usize]
    }

    pub(crate) fn by_account(&self, account: &str) -> &[Debtor] {
        self.accounts.get(&account_key(account)).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn by_code(&self, code: &str) -> Option<Debtor> {
        self.codes.get(code).copied()
    }

    pub(crate) fn by_name_key(&self, key: &str) -> &[Debtor] {
        self.names.get(key).map_or(&[], Vec::as_slice)
    }

    /// Customers of this name, or whose name begins like this one where it was cut off.
    pub(crate) fn by_name(&self, name: &str) -> Vec<Debtor> {
        let key = name_key(name);
        let exact = self.by_name_key(&key);
        if !exact.is_empty() || name.chars().count() < CUT_NAME_MIN {
            return exact.to_vec();
        }
        // the last word may be half a legal form
        let shorter = key.rsplit_once(' ').map_or("", |(shorter, _)| shorter);
        let shorter = self.by_name_key(shorter);
        if !shorter.is_empty() {
            return shorter.to_vec();
        }
        let from = self.sorted_names.partition_point(|(known, _)| known.as_str() < key.as_str());
        self.sorted_names[from..].iter().take_while(|(known, _)| known.starts_with(&key)).map(|(_, debtor)| *debtor).collect()
    }

    /// Takes the allocations of a proposal out of what is open. `false`: not all of it is open any more, and nothing is taken.
    pub fn apply(&mut self, proposal: &Proposal) -> bool {
        let taken: Option<Vec<(Place, i64)>> = proposal
            .allocations
            .iter()
            .map(|allocation| {
                let place = self.place(allocation.item)?;
                let item = self.item(place);
                let part = item.sign() * allocation.amount.minor;
                (part > 0 && part <= item.open && item.currency == allocation.amount.currency).then_some((place, part))
            })
            .collect();
        let Some(taken) = taken else { return false };
        for (place, part) in taken {
            let item = &mut self.items[place as usize];
            item.open -= part;
            if item.open > 0 {
                self.reopened.entry(amount_key(item.entity, item.currency, item.open)).or_default().push(place);
            }
        }
        true
    }

    /// What is open of an item, in minor units; `None`: not in this book.
    pub fn open(&self, item: ItemId) -> Option<i64> {
        self.place(item).map(|place| self.item(place).open)
    }
}

/// The topmost parent; a circle ends where it began.
fn root(customers: &[Customer], customer_of: &FxHashMap<CustomerId, Debtor>, of: Debtor) -> Debtor {
    let mut root = of;
    for _ in 0..customers.len().min(16) {
        match customers[root as usize].parent.and_then(|parent| customer_of.get(&parent)) {
            Some(parent) if *parent != of => root = *parent,
            _ => return root,
        }
    }
    root
}
