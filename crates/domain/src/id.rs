//! Typed identifiers: a document id can't be handed over where an entity id is asked for.
//! They are UUIDv7, made only on the server (the browser half has no source of randomness).

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        #[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(transparent))]
        pub struct $name(pub uuid::Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { self.0.fmt(f) }
        }
        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> { text.parse().map(Self) }
        }
    )+};
}

ids! {
    /// A legal entity: one set of books.
    EntityId,
    /// A canonical document (one version of it).
    DocumentId,
    /// A batch of documents as it was handed over.
    BatchId,
    /// One account at one ERP.
    ConnectionId,
    /// One try to send a posting.
    AttemptId,
    /// A person.
    UserId,
    /// An open or closed exception.
    ExceptionId,
    /// A proposed or active mapping row.
    MappingId,
    /// A difference found by a checkpoint.
    BreakId,
    /// One run of a checkpoint.
    CheckpointRunId,
    /// A request for a second person's decision.
    ApprovalId,
    /// A role that waits for a second administrator.
    GrantRequestId,
    /// A unit of background work.
    JobId,
    /// A frozen set of documents to be replayed.
    ReplaySetId,
    /// One act on many exceptions.
    BulkEditId,
    /// A filter that was given a name.
    ViewId,
    /// An account of ours at a bank, in one currency.
    BankAccountId,
    /// A statement of a bank account.
    StatementId,
    /// An account of ours at a payment gateway.
    GatewayAccountId,
    /// A version of the rules of cash application.
    RuleTableId,
    /// One run of a rule table over an entity's history.
    BacktestId,
    /// What ties together everything caused by one act.
    CorrelationId,
}
