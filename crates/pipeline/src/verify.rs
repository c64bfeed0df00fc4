//! `tieout verify`: everything that must be equal is compared, from raw rows, in one snapshot of the running cluster.

use store::{
    Conn, Pool, Result,
    access::audit,
    proof::{self, Compared, Unanchored},
};

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    pub rows: i64,
    pub first_difference: Option<String>,
}

#[derive(Debug)]
pub struct Report {
    pub checks: Vec<Check>,
    /// A chain in the same database proves accident, not intent: these heads are kept nowhere else.
    pub unanchored: Vec<Unanchored>,
}

impl Report {
    pub fn ties_out(&self) -> bool {
        self.checks.iter().all(|check| check.first_difference.is_none())
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for Check { name, rows, first_difference } in &self.checks {
            match first_difference {
                None => writeln!(f, "ok      {name} ({rows} rows)")?,
                Some(difference) => writeln!(f, "DIFFERS {name}: {difference}")?,
            }
        }
        for Unanchored { chain, rows, since } in &self.unanchored {
            writeln!(f, "note    {chain}: {rows} rows, unanchored since {}", since.format("%Y-%m-%d %H:%M:%S UTC"))?;
        }
        let differing = self.checks.iter().filter(|check| check.first_difference.is_some()).count();
        match differing {
            0 => write!(f, "everything ties out: {} checks", self.checks.len()),
            _ => write!(f, "{differing} of {} checks differ", self.checks.len()),
        }
    }
}

/// Compares everything. Reads only, in one repeatable-read snapshot, so that it may run beside the workers.
pub async fn verify(pool: &Pool) -> Result<Report> {
    let mut tx = pool.begin().await?;
    proof::take_snapshot(&mut tx).await?;
    let conn: &mut Conn = &mut tx;
    let mut checks = Vec::new();
    let mut found =
        |name, compared: Compared| checks.push(Check { name, rows: compared.rows, first_difference: compared.first_difference });
    found("manifests against documents", proof::manifest(conn).await?);
    found("batches hold what came", proof::batch_count(conn).await?);
    found("documents against their lines", proof::lines(conn).await?);
    found("content hashes", proof::content(conn).await?);
    found("stages against last movements", proof::stages(conn).await?);
    found("movements are whole", proof::movements(conn).await?);
    found("movements are legal", proof::legal_moves(conn).await?);
    found("stage totals against movements", proof::stage_totals(conn).await?);
    found("stage totals against documents", proof::stage_totals_of_documents(conn).await?);
    found("period totals against stage totals", proof::period_totals(conn).await?);
    found("postings against stages", proof::postings(conn).await?);
    found("leases against postings", proof::leases(conn).await?);
    found("exception totals against exceptions", proof::exception_totals(conn).await?);
    found("causes by day against exceptions", proof::cause_flow(conn).await?);
    found("exceptions by clock against exceptions", proof::exception_clock(conn).await?);
    found("bank lines against payments and payouts", proof::payments(conn).await?);
    found("refunds against money and accounts", proof::refunds(conn).await?);
    found("transfers against documents and each other", proof::transfers(conn).await?);
    found("gateway movements against documents", proof::movements_at_gateways(conn).await?);
    found("payouts against movements and bank lines", proof::payouts(conn).await?);
    found("gateway totals against gateway movements", proof::gateway_totals(conn).await?);
    found("open items against documents", proof::open_items(conn).await?);
    found("applications against open items", proof::applications(conn).await?);
    found("allocations against documents", proof::allocations(conn).await?);
    found("open totals against open items", proof::open_totals(conn).await?);
    found("write-off totals against write-offs", proof::write_off_totals(conn).await?);
    found("transfer totals against transfers", proof::transfer_totals(conn).await?);
    found("roll-forward against what is open", proof::roll_forward(conn).await?);
    found("rule tables", proof::rule_tables(conn).await?);
    found("seals", proof::seal_chains(conn).await?);
    found("outcomes against seals", proof::outcomes(conn).await?);
    found("audit log", audit_log(conn).await?);
    let unanchored = proof::unanchored(conn).await?;
    tx.rollback().await?;
    Ok(Report { checks, unanchored })
}

async fn audit_log(conn: &mut Conn) -> Result<Compared> {
    Ok(match audit::verify_chain(conn).await? {
        Ok(head) => Compared { rows: head.map_or(0, |head| head.sequence), first_difference: None },
        Err(broken) => Compared { rows: 0, first_difference: Some(broken.to_string()) },
    })
}
