//! Acts that one person prepares and another one decides on.

use crate::{
    access::{Grant, Role, conflicts},
    correction::Correction,
    id::{ApprovalId, DocumentId, EntityId, GrantRequestId, UserId},
    text_enum::text_enum,
};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

text_enum! {
    /// What is to be done about a document, or about a rule table.
    pub enum ApprovalAct {
        /// Closed without an ERP document.
        Resolve = "resolve",
        /// Of unknown outcome: people say that the ERP does not hold it, and it is sent again.
        SendAgain = "send_again",
        /// Of unknown outcome: people say that the ERP holds it, under a number.
        TakeNumber = "take_number",
        Reverse = "reverse",
        Credit = "credit",
        Repost = "repost",
        /// What a payment is short of, or what a lost dispute left owed, is given up.
        WriteOff = "write_off",
        /// Money goes back to a customer.
        Refund = "refund",
        /// Money of a customer is another's from now on.
        Transfer = "transfer",
        /// A rule table of cash application takes the place of the one in force.
        PutRulesInForce = "put_rules_in_force",
    }
}

impl ApprovalAct {
    pub fn label(self) -> &'static str {
        match self {
            Self::Resolve => "Will not be posted",
            Self::SendAgain => "Not in the ERP: send again",
            Self::TakeNumber => "In the ERP: take its number",
            Self::Reverse => Correction::Reverse.label(),
            Self::Credit => Correction::Credit.label(),
            Self::Repost => Correction::Repost.label(),
            Self::WriteOff => "Write off",
            Self::Refund => "Give money back",
            Self::Transfer => "Transfer money",
            Self::PutRulesInForce => "Put a rule table in force",
        }
    }

    /// The correction that it is.
    pub fn correction(self) -> Option<Correction> {
        match self {
            Self::Reverse => Some(Correction::Reverse),
            Self::Credit => Some(Correction::Credit),
            Self::Repost => Some(Correction::Repost),
            Self::Resolve | Self::SendAgain | Self::TakeNumber | Self::WriteOff | Self::Refund | Self::Transfer | Self::PutRulesInForce => {
                None
            }
        }
    }
}

/// An act that waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalView {
    pub approval_id: ApprovalId,
    pub document_id: DocumentId,
    pub number: String,
    pub entity_code: String,
    pub currency: String,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    pub act: ApprovalAct,
    /// What exactly would be done, in words.
    pub plan: String,
    pub reason: String,
    pub requested_by: String,
    pub requested_at: DateTime<Utc>,
}

/// A role that waits for a second administrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRequest {
    pub request_id: GrantRequestId,
    pub user_id: UserId,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub entity_id: EntityId,
    pub entity_code: String,
    /// What the person holds in that entity already.
    pub held: Vec<Role>,
    /// Hash of the person, the role and what is held, in hexadecimal digits: a decision is bound to it.
    pub shown: String,
    pub requested_by: String,
    pub requested_at: DateTime<Utc>,
}

impl GrantRequest {
    pub fn grant(&self) -> Grant {
        Grant { role: self.role, entity_id: self.entity_id }
    }

    /// Roles that one person would hold together and should not.
    pub fn conflicts(&self) -> Vec<String> {
        let roles = self.held.iter().copied().chain([self.role]);
        let grants: Vec<Grant> = roles.map(|role| Grant { role, entity_id: self.entity_id }).collect();
        conflicts(&grants, self.entity_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_that_waits_shows_what_it_would_be_in_conflict_with() {
        let mut request = GrantRequest {
            request_id: GrantRequestId(uuid::Uuid::from_u128(1)),
            user_id: UserId(uuid::Uuid::from_u128(2)),
            email: "ben@lumen.example".into(),
            name: "Ben".into(),
            role: Role::Approver,
            entity_id: EntityId(uuid::Uuid::from_u128(3)),
            entity_code: "US".into(),
            held: vec![],
            shown: String::new(),
            requested_by: "ana@lumen.example".into(),
            requested_at: DateTime::UNIX_EPOCH,
        };
        assert!(request.conflicts().is_empty());
        request.held.push(Role::Controller);
        assert_eq!(request.conflicts(), ["Controller prepares what Approver approves"]);
    }
}
