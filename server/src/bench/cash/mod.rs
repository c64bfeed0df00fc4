//! Cash: reading bank statements, matching receipts with open items in memory, and applying them with their database.

mod applying;
mod matching;
mod reading;

use super::{Report, Sizes};
use std::collections::BTreeMap;

pub async fn run(sizes: Sizes) -> anyhow::Result<Report> {
    let mut report = Report { name: "cash", figures: BTreeMap::new(), ratios: BTreeMap::new() };
    reading::run(sizes.lines, &mut report).await?;
    matching::run(&mut report)?;
    applying::run(sizes.bank_lines, &mut report).await?;
    Ok(report)
}
