//! The grammar of the subset.

use super::{FROM, Refusal};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::cmp::Ordering;

#[derive(Debug)]
pub(super) struct Select {
    /// What is shown, and the name it is shown under.
    pub(super) columns: Vec<(Shown, String)>,
    pub(super) conditions: Vec<Condition>,
    /// The columns of `GROUP BY`; empty: rows, in the order of their keys.
    pub(super) group: Vec<Column>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Column(Column),
    Count,
    Sum(Column),
    Max(Column),
}

#[derive(Debug)]
pub(super) struct Condition {
    pub(super) column: Column,
    pub(super) comparison: Comparison,
    pub(super) literals: Vec<Literal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    In,
}

impl Comparison {
    pub(super) fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal | Self::In => order.is_eq(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
        }
    }
}

#[derive(Debug)]
pub(super) enum Literal {
    Text(String),
    Number(Decimal),
    Date(NaiveDate),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Id,
    TranId,
    ExternalId,
    Type,
    Entity,
    TranDate,
    DueDate,
    LastModified,
    Voided,
    Posting,
    TaxTotal,
    Subsidiary,
    UniqueKey,
    ForeignAmount,
    Symbol,
    PeriodStart,
    PeriodEnd,
    AccountType,
}

impl Column {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "t.id" => Self::Id,
            "t.tranid" => Self::TranId,
            "t.externalid" => Self::ExternalId,
            "t.type" => Self::Type,
            "t.entity" => Self::Entity,
            "t.trandate" => Self::TranDate,
            "t.duedate" => Self::DueDate,
            "t.lastmodifieddate" => Self::LastModified,
            "t.voided" => Self::Voided,
            "t.posting" => Self::Posting,
            "t.taxtotal" => Self::TaxTotal,
            "tl.subsidiary" => Self::Subsidiary,
            "tl.uniquekey" => Self::UniqueKey,
            "tl.foreignamount" => Self::ForeignAmount,
            "c.symbol" => Self::Symbol,
            "p.startdate" => Self::PeriodStart,
            "p.enddate" => Self::PeriodEnd,
            "a.accttype" => Self::AccountType,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// Lower-cased: names and keywords are case-insensitive.
    Word(String),
    Text(String),
    Number(Decimal),
    Sign(String),
}

pub(super) fn select(text: &str) -> Result<Select, Refusal> {
    let mut tokens = Tokens { tokens: tokens(text)?, at: 0 };
    tokens.word("select")?;
    let mut columns = vec![tokens.shown_column()?];
    while tokens.takes(&sign(",")) {
        columns.push(tokens.shown_column()?);
    }
    tokens.word("from")?;
    for token in self::tokens(FROM)? {
        tokens.expect(&token)?;
    }
    tokens.word("where")?;
    let mut conditions = vec![tokens.condition()?];
    while tokens.takes(&word("and")) {
        conditions.push(tokens.condition()?);
    }
    let mut group = Vec::new();
    if tokens.takes(&word("group")) {
        tokens.word("by")?;
        group.push(tokens.column()?);
        while tokens.takes(&sign(",")) {
            group.push(tokens.column()?);
        }
    } else {
        tokens.word("order")?;
        tokens.word("by")?;
        tokens.expect(&word("tl.uniquekey"))?;
    }
    if let Some(token) = tokens.next() {
        return Err(refuse(&token));
    }
    let receivable =
        |c: &Condition| c.column == Column::AccountType && matches!(c.literals.as_slice(), [Literal::Text(t)] if t == "AcctRec");
    if !conditions.iter().any(receivable) {
        return Err(Refusal::request("This subset needs a.accttype = 'AcctRec'."));
    }
    let belongs = |shown: &Shown| match shown {
        Shown::Column(column) => group.is_empty() || group.contains(column),
        Shown::Count | Shown::Sum(_) | Shown::Max(_) => !group.is_empty(),
    };
    if !columns.iter().all(|(shown, _)| belongs(shown)) {
        return Err(Refusal::request("Aggregates and columns that are not in GROUP BY don't go together."));
    }
    Ok(Select { columns, conditions, group })
}

fn word(text: &str) -> Token {
    Token::Word(text.to_owned())
}

fn sign(text: &str) -> Token {
    Token::Sign(text.to_owned())
}

fn refuse(token: &Token) -> Refusal {
    Refusal::request(format!("Invalid or unsupported search. Unexpected: {token:?}"))
}

fn tokens(text: &str) -> Result<Vec<Token>, Refusal> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = |keep: fn(char) -> bool| rest.find(|c| !keep(c)).unwrap_or(rest.len());
        let taken = if first.is_ascii_alphabetic() {
            let end = length(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
            found.push(Token::Word(rest[..end].to_ascii_lowercase()));
            end
        } else if first.is_ascii_digit() {
            let end = length(|c| c.is_ascii_digit() || c == '.');
            found.push(Token::Number(rest[..end].parse().map_err(|_| Refusal::request("Invalid number."))?));
            end
        } else if first == '\'' {
            let (text, end) = quoted(rest)?;
            found.push(Token::Text(text));
            end
        } else {
            let end = if rest.starts_with(">=") || rest.starts_with("<=") { 2 } else { first.len_utf8() };
            found.push(sign(&rest[..end]));
            end
        };
        rest = rest[taken..].trim_start();
    }
    Ok(found)
}

/// A text in single quotes, a doubled quote stands for one; returns it with its length in the source.
fn quoted(source: &str) -> Result<(String, usize), Refusal> {
    let mut text = String::new();
    let mut characters = source.char_indices().skip(1).peekable();
    while let Some((index, character)) = characters.next() {
        if character != '\'' {
            text.push(character);
        } else if characters.next_if(|(_, next)| *next == '\'').is_some() {
            text.push('\'');
        } else {
            return Ok((text, index + 1));
        }
    }
    Err(Refusal::request("Unterminated text."))
}

struct Tokens {
    tokens: Vec<Token>,
    at: usize,
}

impl Tokens {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn takes(&mut self, wanted: &Token) -> bool {
        let is_it = self.tokens.get(self.at) == Some(wanted);
        self.at += usize::from(is_it);
        is_it
    }

    fn expect(&mut self, wanted: &Token) -> Result<(), Refusal> {
        match self.next() {
            Some(token) if token == *wanted => Ok(()),
            Some(token) => Err(refuse(&token)),
            None => Err(Refusal::request("The search ends too early.")),
        }
    }

    fn word(&mut self, wanted: &str) -> Result<(), Refusal> {
        self.expect(&word(wanted))
    }

    fn any_word(&mut self) -> Result<String, Refusal> {
        match self.next() {
            Some(Token::Word(word)) => Ok(word),
            Some(token) => Err(refuse(&token)),
            None => Err(Refusal::request("The search ends too early.")),
        }
    }

    fn column(&mut self) -> Result<Column, Refusal> {
        let name = self.any_word()?;
        Column::named(&name).ok_or_else(|| Refusal::request(format!("Unknown identifier: {name}")))
    }

    /// `column`, `TO_CHAR(column, format)`, `COUNT(*)`, `SUM(column)` or `MAX(column)`; then `AS name`.
    fn shown_column(&mut self) -> Result<(Shown, String), Refusal> {
        let shown = if self.takes(&word("count")) {
            self.in_brackets(|tokens| tokens.expect(&sign("*")))?;
            Shown::Count
        } else if self.takes(&word("sum")) {
            Shown::Sum(self.in_brackets(Self::column)?)
        } else if self.takes(&word("max")) {
            Shown::Max(self.in_brackets(Self::column)?)
        } else if self.takes(&word("to_char")) {
            Shown::Column(self.in_brackets(|tokens| {
                let column = tokens.column()?;
                tokens.expect(&sign(","))?;
                let format = if column == Column::LastModified { "YYYY-MM-DD HH24:MI:SS" } else { "YYYY-MM-DD" };
                tokens.expect(&Token::Text(format.to_owned()))?;
                Ok(column)
            })?)
        } else {
            Shown::Column(self.column()?)
        };
        self.word("as")?;
        Ok((shown, self.any_word()?))
    }

    fn in_brackets<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, Refusal>) -> Result<T, Refusal> {
        self.expect(&sign("("))?;
        let inner = inner(self)?;
        self.expect(&sign(")"))?;
        Ok(inner)
    }

    fn condition(&mut self) -> Result<Condition, Refusal> {
        let column = self.column()?;
        if self.takes(&word("in")) {
            self.expect(&sign("("))?;
            let mut literals = vec![self.literal()?];
            while self.takes(&sign(",")) {
                literals.push(self.literal()?);
            }
            self.expect(&sign(")"))?;
            return Ok(Condition { column, comparison: Comparison::In, literals });
        }
        let comparison = match self.next() {
            Some(Token::Sign(text)) => match text.as_str() {
                "=" => Comparison::Equal,
                ">" => Comparison::Greater,
                ">=" => Comparison::GreaterOrEqual,
                "<" => Comparison::Less,
                "<=" => Comparison::LessOrEqual,
                _ => return Err(refuse(&Token::Sign(text))),
            },
            Some(token) => return Err(refuse(&token)),
            None => return Err(Refusal::request("The search ends too early.")),
        };
        Ok(Condition { column, comparison, literals: vec![self.literal()?] })
    }

    fn literal(&mut self) -> Result<Literal, Refusal> {
        if self.takes(&word("to_date")) {
            self.expect(&sign("("))?;
            let date = self.next();
            self.expect(&sign(","))?;
            self.expect(&Token::Text("YYYY-MM-DD".to_owned()))?;
            self.expect(&sign(")"))?;
            return match date {
                Some(Token::Text(date)) => date.parse().map(Literal::Date).map_err(|_| Refusal::request("Invalid date.")),
                _ => Err(Refusal::request("TO_DATE needs a text.")),
            };
        }
        match self.next() {
            Some(Token::Text(text)) => Ok(Literal::Text(text)),
            Some(Token::Number(number)) => Ok(Literal::Number(number)),
            Some(token) => Err(refuse(&token)),
            None => Err(Refusal::request("The search ends too early.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(select_list: &str, conditions: &str) -> Result<Select, Refusal> {
        select(&format!("SELECT {select_list} FROM {FROM} WHERE a.accttype = 'AcctRec' AND {conditions} ORDER BY tl.uniquekey"))
    }

    #[test]
    fn the_documented_subset_is_understood() {
        let select = parsed("t.id AS id, TO_CHAR(t.trandate, 'YYYY-MM-DD') AS trandate", "t.externalid IN ('a', 'it''s')").unwrap();
        let column = |column, name: &str| (Shown::Column(column), name.to_owned());
        assert_eq!(select.columns, [column(Column::Id, "id"), column(Column::TranDate, "trandate")]);
        assert!(matches!(&select.conditions[1].literals[1], Literal::Text(text) if text == "it's"));
        assert!(parsed("t.id AS id", "p.startdate >= TO_DATE('2026-10-01', 'YYYY-MM-DD')").is_ok());
    }

    #[test]
    fn totals_by_group_are_understood() {
        let list = "t.type AS type, COUNT(*) AS lines, SUM(tl.foreignamount) AS total";
        let text = format!("SELECT {list} FROM {FROM} WHERE a.accttype = 'AcctRec' GROUP BY t.type");
        let select = select(&text).unwrap();
        assert_eq!(select.columns[1..], [(Shown::Count, "lines".to_owned()), (Shown::Sum(Column::ForeignAmount), "total".to_owned())]);
        assert_eq!(select.group, [Column::Type]);
    }

    #[test]
    fn everything_else_is_refused() {
        for (list, conditions) in [
            ("*", "t.id = 1"),
            ("t.id AS id", "t.id = 1 OR t.id = 2"),
            ("t.id AS id", "t.memo = 'x'"),
            ("COUNT(*) AS n", "t.id = 1"),
            ("t.id AS id, COUNT(*) AS n", "t.id = 1 GROUP BY t.type"),
            ("t.id AS id", "t.externalid = 'open"),
        ] {
            assert!(parsed(list, conditions).is_err(), "{list} {conditions}");
        }
        assert!(select("SELECT t.id AS id FROM transaction t WHERE t.id = 1 ORDER BY t.id").is_err());
        assert!(
            select(&format!("SELECT t.id AS id FROM {FROM} WHERE t.id = 1 ORDER BY tl.uniquekey")).is_err(),
            "without the account type"
        );
    }
}
