//! Cash: reading bank statements, and matching receipts with open items.

mod matching;
mod reading;

use super::{Report, Sizes};
use std::collections::BTreeMap;

pub async fn run(sizes: Sizes) -> anyhow::Result<Report> {
    let mut report = Report { name: "cash", figures: BTreeMap::new(), ratios: BTreeMap::new() };
    reading::run(sizes.lines, &mut report).await?;
    matching::run(&mut report)?;
    Ok(report)
}
