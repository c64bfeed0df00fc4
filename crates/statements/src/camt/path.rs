//! Elements that are read, and where they stand.

use std::borrow::Cow;

macro_rules! tags {
    ($($name:ident)+) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(clippy::upper_case_acronyms, reason = "elements have the names of ISO 20022")]
        pub(super) enum Tag {
            $($name,)+
            /// Any that is not read.
            Other,
        }

        impl Tag {
            pub(super) fn of(name: &str) -> Self {
                match name {
                    $(stringify!($name) => Self::$name,)+
                    _ => Self::Other,
                }
            }

            fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                    Self::Other => "…",
                }
            }
        }
    };
}

// the frequent ones first: names are compared in this order
tags! {
    Amt Dt Cd Id Nm Ntry TxDtls NtryDtls CdtDbtInd Sts BookgDt ValDt BkTxCd Domn Fmly SubFmlyCd Prtry Refs EndToEndId AcctSvcrRef
    RltdPties Dbtr Cdtr DbtrAcct CdtrAcct IBAN Othr RltdAgts DbtrAgt CdtrAgt FinInstnId BIC BICFI RmtInf Ustrd Strd CdtrRefInf Tp
    CdOrPrtry Ref RvslInd NtryRef Pty AmtDtls TxAmt InstdAmt InstrId PmtInfId TxId MndtId MsgId UltmtDbtr UltmtCdtr AddtlTxInf
    AddtlNtryInf RfrdDocInf Nb RltdDt RfrdDocAmt RmtdAmt DuePyblAmt AddtlRmtInf RtrInf Rsn DtTm Btch NbOfTxs
    Document BkToCstmrStmt Stmt ElctrncSeqNb LglSeqNb StmtPgntn PgNb Acct Ccy Bal SubTp AddtlStmtInf
}

impl Tag {
    pub(super) fn has_currency(self) -> bool {
        matches!(self, Self::Amt | Self::RmtdAmt | Self::DuePyblAmt)
    }
}

/// `Stmt/Ntry/Amt`: without what every path begins with.
pub(super) fn written(path: &[Tag]) -> Cow<'static, str> {
    let names: Vec<&str> = path.iter().skip(2).map(|tag| tag.name()).collect();
    if names.is_empty() { "Document".into() } else { names.join("/").into() }
}
