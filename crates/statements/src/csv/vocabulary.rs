//! What banks call their columns, in lower case. A name counts when it is one of these, or else when it contains one of them.

/// What a column may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    BookingDate,
    ValueDate,
    Amount,
    Debit,
    Credit,
    Mark,
    Currency,
    Balance,
    OwnAccount,
    EndToEnd,
    Mandate,
    CustomerReference,
    BankReference,
    Name,
    Bank,
    Account,
    PostingText,
    Text,
}

/// English, German, French, Dutch, Spanish, Italian, Polish; the narrower meaning first.
pub(super) const WORDS: [(Meaning, &[&str]); 18] = [
    (
        Meaning::ValueDate,
        &["value date", "valutadatum", "wertstellung", "valuta", "date de valeur", "rentedatum", "fecha valor", "data valuta"],
    ),
    (
        Meaning::BookingDate,
        &["booking date", "posting date", "transaction date", "buchungstag", "buchungsdatum", "datum", "date", "fecha", "data"],
    ),
    (Meaning::Debit, &["debit", "soll", "belastung", "débit", "withdrawal", "paid out", "money out", "cargo", "addebiti"]),
    (Meaning::Credit, &["credit", "haben", "gutschrift", "crédit", "deposit", "paid in", "money in", "abono", "accrediti"]),
    (Meaning::Mark, &["debit/credit", "credit/debit", "af bij", "soll/haben", "s/h", "d/c", "c/d", "dr/cr"]),
    (Meaning::Balance, &["balance", "saldo", "kontostand", "solde", "saldo na trn"]),
    (Meaning::Currency, &["currency", "währung", "waehrung", "devise", "munt", "moneda", "waluta", "ccy"]),
    (Meaning::Amount, &["amount", "betrag", "umsatz", "montant", "bedrag", "importe", "importo", "kwota"]),
    (
        Meaning::OwnAccount,
        &["auftragskonto", "own account", "account number", "iban auftragskonto", "kontonummer", "rekening", "iban/bban"],
    ),
    (Meaning::EndToEnd, &["end-to-end", "end to end", "endtoend", "end-to-end-referenz", "kundenreferenz (end-to-end)"]),
    (Meaning::Mandate, &["mandate", "mandatsreferenz", "machtigingskenmerk", "mandat"]),
    (Meaning::CustomerReference, &["customer reference", "kundenreferenz", "your reference", "betalingskenmerk"]),
    (
        Meaning::BankReference,
        &["bank reference", "transaction id", "transaction reference", "reference", "referenz", "référence", "volgnr"],
    ),
    (Meaning::Bank, &["bic", "swift", "sort code", "blz", "kreditinstitut"]),
    (
        Meaning::Account,
        &["counterparty account", "counterparty iban", "kontonummer/iban", "iban", "tegenrekening", "beneficiary account", "konto"],
    ),
    (
        Meaning::Name,
        &[
            "beguenstigter",
            "begünstigter",
            "zahlungspflichtiger",
            "zahlungsempfänger",
            "empfänger",
            "auftraggeber",
            "counterparty",
            "payee",
            "payer",
            "naam",
            "name",
            "nombre",
            "nom",
        ],
    ),
    (Meaning::PostingText, &["buchungstext", "transaction type", "booking text", "type", "mutatiesoort", "umsatzart"]),
    (
        Meaning::Text,
        &[
            "verwendungszweck",
            "purpose",
            "remittance",
            "description",
            "details",
            "omschrijving",
            "libellé",
            "libelle",
            "communication",
            "concepto",
            "causale",
            "tytuł",
            "memo",
            "narrative",
        ],
    ),
];

/// Exact names before names that contain a word.
pub(super) fn meaning(header: &str) -> Option<Meaning> {
    let header = header.trim().to_lowercase();
    let exact = WORDS.iter().find(|(_, words)| words.contains(&header.as_str()));
    let found = exact.or_else(|| WORDS.iter().find(|(_, words)| words.iter().any(|word| word.len() > 3 && header.contains(word))));
    found.map(|(meaning, _)| *meaning)
}
