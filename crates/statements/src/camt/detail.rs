//! `TxDtls`: one payment of an entry.

use super::{
    path::{Tag, Tag::*},
    statement::{amount, date, is_debit},
};
use crate::{
    currency::CurrencyCode,
    fault::Fault,
    model::{Line, ReferredDocument, given},
    reference::StructuredReference,
};
use rust_decimal::Decimal;

#[derive(Default)]
pub(super) struct Detail {
    pub line: u64,
    /// `Amt`, else `AmtDtls/TxAmt`, else `AmtDtls/InstdAmt`, in that order of trust.
    amounts: [Option<(Decimal, CurrencyCode)>; 3],
    pub negative: Option<bool>,
    refs: Refs,
    debtor: Party,
    creditor: Party,
    code: Code,
    text: Vec<String>,
    references: Vec<StructuredReference>,
    documents: Vec<ReferredDocument>,
    additional: Option<String>,
    return_reason: Option<String>,
}

#[derive(Default)]
struct Refs {
    servicer: Option<String>,
    payment: Option<String>,
    instruction: Option<String>,
    end_to_end: Option<String>,
    mandate: Option<String>,
}

#[derive(Default)]
pub(super) struct Party {
    name: Option<String>,
    account: Option<String>,
    bank: Option<String>,
    ultimate: Option<String>,
}

impl Party {
    fn is_known(&self) -> bool {
        self.name.is_some() || self.account.is_some()
    }
}

/// `BkTxCd`, of an entry or a detail.
#[derive(Default)]
pub(super) struct Code {
    domain: Option<String>,
    family: Option<String>,
    sub_family: Option<String>,
    pub proprietary: Option<String>,
}

impl Code {
    /// A part ends; `path` from below `BkTxCd`.
    pub(super) fn end(&mut self, path: &[Tag], text: &str) {
        let place = match path {
            [Domn, Cd] => &mut self.domain,
            [Domn, Fmly, Cd] => &mut self.family,
            [Domn, Fmly, SubFmlyCd] => &mut self.sub_family,
            [Prtry, Cd] => &mut self.proprietary,
            _ => return,
        };
        *place = given(text.to_owned());
    }

    /// `PMNT-RCDT-ESCT`.
    pub(super) fn iso(&self) -> Option<String> {
        Some(format!("{}-{}-{}", self.domain.as_ref()?, self.family.as_deref().unwrap_or(""), self.sub_family.as_deref().unwrap_or("")))
    }
}

impl Detail {
    pub(super) fn new(line: u64) -> Self {
        Self { line, ..Self::default() }
    }

    pub(super) fn start(&mut self, path: &[Tag]) {
        if let [RmtInf, Strd, RfrdDocInf] = path {
            self.documents.push(ReferredDocument { number: String::new(), date: None, amount: None });
        }
    }

    /// An element ends with its text; `path` from below `TxDtls`.
    pub(super) fn end(&mut self, path: &[Tag], text: &str, currency: Option<CurrencyCode>, line: u64) -> Result<(), Fault> {
        match path {
            [Amt] => self.amounts[0] = Some(amount(text, currency, line, "TxDtls/Amt")?),
            [AmtDtls, TxAmt, Amt] => self.amounts[1] = Some(amount(text, currency, line, "TxDtls/AmtDtls/TxAmt/Amt")?),
            [AmtDtls, InstdAmt, Amt] => self.amounts[2] = Some(amount(text, currency, line, "TxDtls/AmtDtls/InstdAmt/Amt")?),
            [CdtDbtInd] => self.negative = Some(is_debit(text, line, "TxDtls/CdtDbtInd")?),
            [Refs, rest @ ..] => self.reference(rest, text),
            [BkTxCd, rest @ ..] => self.code.end(rest, text),
            [RltdPties | RltdAgts, rest @ ..] => self.party(rest, text),
            [RmtInf, rest @ ..] => self.remittance(rest, text, currency, line)?,
            [RtrInf, Rsn, Cd | Prtry] => self.return_reason = given(text.to_owned()),
            [AddtlTxInf] => self.additional = given(text.to_owned()),
            _ => {}
        }
        Ok(())
    }

    fn reference(&mut self, path: &[Tag], text: &str) {
        let place = match path {
            [AcctSvcrRef] => &mut self.refs.servicer,
            [PmtInfId] => &mut self.refs.payment,
            [InstrId] => &mut self.refs.instruction,
            [EndToEndId] => &mut self.refs.end_to_end,
            [MndtId] => &mut self.refs.mandate,
            _ => return,
        };
        *place = given(text.to_owned());
    }

    /// From version 8 on a party may stand in `Pty`.
    fn party(&mut self, path: &[Tag], text: &str) {
        let place = match path {
            [Dbtr, Nm] | [Dbtr, Pty, Nm] => &mut self.debtor.name,
            [Cdtr, Nm] | [Cdtr, Pty, Nm] => &mut self.creditor.name,
            [UltmtDbtr, Nm] | [UltmtDbtr, Pty, Nm] => &mut self.debtor.ultimate,
            [UltmtCdtr, Nm] | [UltmtCdtr, Pty, Nm] => &mut self.creditor.ultimate,
            [DbtrAcct, Id, IBAN] | [DbtrAcct, Id, Othr, Id] => &mut self.debtor.account,
            [CdtrAcct, Id, IBAN] | [CdtrAcct, Id, Othr, Id] => &mut self.creditor.account,
            [DbtrAgt, FinInstnId, BIC | BICFI] => &mut self.debtor.bank,
            [CdtrAgt, FinInstnId, BIC | BICFI] => &mut self.creditor.bank,
            _ => return,
        };
        *place = given(text.to_owned());
    }

    fn remittance(&mut self, path: &[Tag], text: &str, currency: Option<CurrencyCode>, line: u64) -> Result<(), Fault> {
        match (path, self.documents.last_mut()) {
            ([Ustrd] | [Strd, AddtlRmtInf], _) => self.text.extend(given(text.to_owned())),
            ([Strd, CdtrRefInf, Ref], _) => self.references.extend(given(text.to_owned()).map(|text| StructuredReference::new(&text))),
            ([Strd, RfrdDocInf, Nb], Some(document)) => text.clone_into(&mut document.number),
            ([Strd, RfrdDocInf, RltdDt] | [Strd, RfrdDocInf, RltdDt, Dt], Some(document)) if !text.is_empty() => {
                document.date = Some(date(text, line, "RfrdDocInf/RltdDt")?);
            }
            ([Strd, RfrdDocAmt, RmtdAmt], Some(document)) => {
                document.amount = Some(amount(text, currency, line, "RfrdDocAmt/RmtdAmt")?.0);
            }
            ([Strd, RfrdDocAmt, DuePyblAmt], Some(document)) if document.amount.is_none() => {
                document.amount = Some(amount(text, currency, line, "RfrdDocAmt/DuePyblAmt")?.0);
            }
            _ => {}
        }
        Ok(())
    }

    /// In the currency of its entry.
    pub(super) fn amount(&self, currency: CurrencyCode) -> Option<Decimal> {
        self.amounts.iter().flatten().find(|(_, own)| *own == currency).map(|(amount, _)| *amount)
    }

    /// Writes what it knows over what the entry says of all its payments. `own` is the account of the statement.
    pub(super) fn describe(self, line: &mut Line, own: Option<&str>) {
        line.bank_reference = self.refs.servicer.or(line.bank_reference.take());
        line.customer_reference = self.refs.instruction.or(self.refs.payment);
        line.end_to_end_id = self.refs.end_to_end;
        line.mandate = self.refs.mandate;
        line.transaction_code = self.code.iso().or(line.transaction_code.take());
        line.business_code = self.code.proprietary.or(line.business_code.take());
        line.posting_text = self.additional.or(line.posting_text.take());
        line.return_reason = self.return_reason;
        line.text = self.text.join("\n");
        line.structured_references = self.references;
        for reference in StructuredReference::find(&line.text) {
            if !line.structured_references.contains(&reference) {
                line.structured_references.push(reference);
            }
        }
        line.documents = self.documents;
        line.documents.retain(|document| !document.number.is_empty());
        // parties keep their parts when an entry is taken back
        let credit = line.amount.is_sign_negative() == line.reversal;
        let (expected, other) = if credit { (self.debtor, self.creditor) } else { (self.creditor, self.debtor) };
        let foreign = other.account.is_some() && other.account.as_deref() != own;
        let party = if !expected.is_known() && foreign { other } else { expected };
        line.counterparty_name = party.name;
        line.counterparty_account = party.account;
        line.counterparty_bank = party.bank;
        line.ultimate_party = party.ultimate;
    }
}
