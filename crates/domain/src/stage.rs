//! The state machine: where a document may be, and where it may go from there.
//!
//! Every document sits in exactly one stage. A change of stage is a movement, an append-only row; stage totals are
//! the running sum of the movements. Only `store::movements::transition` makes one, and it asks this file.

use crate::text_enum::text_enum;

text_enum! {
    /// Where a document is on its way to the ERP.
    pub enum Stage {
        /// Imported, every rule kept; waits to be mapped.
        Finalized = "finalized",
        /// Waits for another document or a decision.
        Held = "held",
        /// Came in breaking a rule; kept, never sent, corrected at the source.
        Rejected = "rejected",
        /// Mapped; waits for a slot of its connection, or for its not-before time.
        Queued = "queued",
        /// Claimed by a worker under a lease.
        InFlight = "in_flight",
        /// Sent, outcome not known; never sendable until a probe decides.
        Unknown = "unknown",
        /// Proved absent from the ERP; a person is needed.
        Exception = "exception",
        /// The ERP answered with its document number.
        Posted = "posted",
        /// Read back and equal.
        Confirmed = "confirmed",
        /// The ERP holds something that differs; never sendable again.
        Mismatch = "mismatch",
        /// Closed by people outside the ERP path, with reason, evidence and approval.
        Resolved = "resolved",
        /// Taken back before issue.
        Voided = "voided",
        /// Replaced by a newer version.
        Superseded = "superseded",
    }
}

text_enum! {
    /// Which kind of paper it is. The kind says on which side of AR it stands; amounts are never negative.
    pub enum DocumentKind {
        Invoice = "invoice",
        CreditMemo = "credit_memo",
        /// Money received from a customer. Its lines say which account of ours it came to.
        Payment = "payment",
        /// Money that we gave back. It consumes a credit, never an open invoice; its lines say which account it left.
        Refund = "refund",
        /// A payment that the payer's bank took back after it was credited: a returned direct debit.
        ReturnedPayment = "returned_payment",
        /// A payment that the payer disputes, taken back through the card scheme.
        Chargeback = "chargeback",
        /// Money of a customer that is another's from now on, in the same entity or in another one. It consumes a payment; its line says which
        /// account of ours stands between both.
        Transfer = "transfer",
        /// Gives one credit (a payment or credit memo) to what it settles. Zero-sum: its lines are the allocations.
        CashApplication = "cash_application",
        /// Takes a cash application back; its lines are those of the application.
        ApplicationReversal = "application_reversal",
    }
}

text_enum! {
    /// Which way documents come: from billing, or of money that came in.
    #[derive(Default)]
    pub enum Family {
        #[default]
        Billing = "billing",
        Cash = "cash",
    }
}

impl Family {
    pub fn contains(self, kind: DocumentKind) -> bool {
        (self == Self::Billing) == matches!(kind, DocumentKind::Invoice | DocumentKind::CreditMemo)
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Billing => "Invoices and credit memos",
            Self::Cash => "Payments and applications",
        }
    }

    pub fn kinds(self) -> Vec<DocumentKind> {
        DocumentKind::ALL.iter().copied().filter(|kind| self.contains(*kind)).collect()
    }
}

text_enum! {
    /// A side of the AR control account.
    pub enum Side {
        Debit = "debit",
        Credit = "credit",
    }
}

impl DocumentKind {
    /// An invoice debits AR, and so does money that went back; credit memos and payments credit it; an application moves nothing into or
    /// out of it.
    pub fn side(self) -> Option<Side> {
        match self {
            Self::Invoice | Self::Refund | Self::ReturnedPayment | Self::Chargeback | Self::Transfer => Some(Side::Debit),
            Self::CreditMemo | Self::Payment => Some(Side::Credit),
            Self::CashApplication | Self::ApplicationReversal => None,
        }
    }

    /// Whether it says which credit settles what.
    pub fn is_application(self) -> bool {
        self.side().is_none()
    }

    /// Money that a customer had paid and that is not with us for him any more.
    pub const MONEY_BACK: [Self; 4] = [Self::Refund, Self::ReturnedPayment, Self::Chargeback, Self::Transfer];

    pub fn is_money_back(self) -> bool {
        Self::MONEY_BACK.contains(&self)
    }

    /// Whether money left one of our accounts, or came to it.
    pub fn is_money(self) -> bool {
        self == Self::Payment || self.is_money_back()
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Invoice => "Invoice",
            Self::CreditMemo => "Credit memo",
            Self::Payment => "Payment",
            Self::Refund => "Refund",
            Self::ReturnedPayment => "Returned payment",
            Self::Chargeback => "Chargeback",
            Self::Transfer => "Transfer",
            Self::CashApplication => "Cash application",
            Self::ApplicationReversal => "Application reversal",
        }
    }
}

text_enum! {
    /// Stages that one figure adds up.
    pub enum StageGroup {
        /// Came in and counts: neither refused at the door nor taken back.
        Issued = "issued",
        /// Issued; the ERP has not answered for good, and nobody has to act.
        OnItsWay = "on_its_way",
        /// Issued, and neither read back equal nor closed by people.
        NotConfirmed = "not_confirmed",
    }
}

impl StageGroup {
    pub fn contains(self, stage: Stage) -> bool {
        match self {
            Self::Issued => stage.is_issued(),
            Self::OnItsWay => matches!(stage, Stage::Finalized | Stage::Held | Stage::Queued | Stage::InFlight | Stage::Unknown),
            Self::NotConfirmed => stage.awaits_confirmation(),
        }
    }

    pub fn stages(self) -> Vec<Stage> {
        Stage::ALL.iter().copied().filter(|stage| self.contains(*stage)).collect()
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::OnItsWay => "on its way",
            Self::NotConfirmed => "not yet confirmed",
        }
    }
}

/// A move that the state machine does not know, with the state that was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a document that is {from} can't become {to}")]
pub struct IllegalMove {
    pub from: Stage,
    pub to: Stage,
}

impl Stage {
    /// Where a document may first appear.
    pub fn is_entry(self) -> bool {
        matches!(self, Self::Finalized | Self::Rejected)
    }

    /// Where a document may go from here.
    pub fn successors(self) -> &'static [Self] {
        use Stage::*;
        match self {
            Finalized => &[Queued, Held, Exception, Voided, Superseded],
            Held => &[Finalized, Voided, Superseded],
            Rejected => &[Superseded],
            Queued => &[InFlight, Held, Exception, Posted],
            InFlight => &[Posted, Unknown, Exception, Queued],
            Unknown => &[Posted, Queued, Mismatch],
            Exception => &[Queued, Posted, Resolved, Superseded],
            Posted => &[Confirmed, Mismatch],
            Confirmed => &[Mismatch],
            Mismatch => &[Confirmed, Resolved],
            Resolved | Voided | Superseded => &[],
        }
    }

    /// From where a document may come here.
    pub fn predecessors(self) -> Vec<Self> {
        Self::ALL.iter().copied().filter(|from| from.successors().contains(&self)).collect()
    }

    pub fn check_move(self, to: Self) -> Result<(), IllegalMove> {
        if self.successors().contains(&to) { Ok(()) } else { Err(IllegalMove { from: self, to }) }
    }

    /// Nothing is expected to happen any more: an outcome seal may be set.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Confirmed | Self::Resolved | Self::Voided | Self::Superseded | Self::Rejected)
    }

    /// The ERP holds a document for it, or may hold one: never send again.
    pub fn may_be_in_erp(self) -> bool {
        matches!(self, Self::InFlight | Self::Unknown | Self::Posted | Self::Confirmed | Self::Mismatch)
    }

    /// A person has to act.
    pub fn needs_a_person(self) -> bool {
        matches!(self, Self::Exception | Self::Mismatch | Self::Rejected | Self::Held)
    }

    /// The word on screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::InFlight => "in flight",
            other => other.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Stage::*, *};

    /// The table of DESIGN §1, written out a second time on purpose.
    const TABLE: &[(Stage, &[Stage])] = &[
        (Finalized, &[Queued, Held, Exception, Voided, Superseded]),
        (Held, &[Finalized, Voided, Superseded]),
        (Rejected, &[Superseded]),
        (Queued, &[InFlight, Held, Exception, Posted]),
        (InFlight, &[Posted, Unknown, Exception, Queued]),
        (Unknown, &[Posted, Queued, Mismatch]),
        (Exception, &[Queued, Posted, Resolved, Superseded]),
        (Posted, &[Confirmed, Mismatch]),
        (Confirmed, &[Mismatch]),
        (Mismatch, &[Confirmed, Resolved]),
        (Resolved, &[]),
        (Voided, &[]),
        (Superseded, &[]),
    ];

    #[test]
    fn the_state_machine_is_the_table_of_the_design() {
        assert_eq!(TABLE.len(), Stage::ALL.len());
        for (from, allowed) in TABLE {
            for to in Stage::ALL {
                assert_eq!(from.check_move(*to).is_ok(), allowed.contains(to), "{from} → {to}");
            }
        }
    }

    #[test]
    fn what_may_be_in_the_erp_is_never_queued_without_proof() {
        for stage in Stage::ALL.iter().filter(|s| s.may_be_in_erp() && !matches!(s, InFlight | Unknown)) {
            assert!(stage.check_move(Queued).is_err(), "{stage} must not be sendable again");
        }
    }

    #[test]
    fn what_is_on_its_way_is_not_confirmed_and_what_is_not_confirmed_was_issued() {
        for stage in Stage::ALL {
            assert!(!StageGroup::OnItsWay.contains(*stage) || StageGroup::NotConfirmed.contains(*stage), "{stage}");
            assert!(!StageGroup::NotConfirmed.contains(*stage) || StageGroup::Issued.contains(*stage), "{stage}");
            assert!(stage.as_str().parse::<StageGroup>().is_err(), "one word is one thing in a filter: {stage}");
        }
    }

    #[test]
    fn predecessors_mirror_successors() {
        for to in Stage::ALL {
            for from in to.predecessors() {
                assert!(from.check_move(*to).is_ok());
            }
        }
        assert_eq!(InFlight.predecessors(), vec![Queued]);
    }
}
