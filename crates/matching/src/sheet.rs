//! A rule table as people read and write it: every number under a name, as text, with what it means. A change that would make the
//! rules contradict themselves, or decide alone what only a person may, is refused with the entry, the rule and the value.

use crate::{
    parameters::FIELDS,
    rules::{Rule, RuleCode, RuleTable},
};
use domain::rules::{RuleEntry, RuleGroup};

/// Why a table can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}, not {value:?}")]
pub struct SheetFault {
    /// The name of the entry.
    pub entry: String,
    pub rule: String,
    pub value: String,
}

/// Points of one rule, at most: more than every other sign together would be.
const POINTS_MAX: i32 = 100;

impl RuleTable {
    /// Every number of the table, points first.
    pub fn entries(&self) -> Vec<RuleEntry> {
        let points = RuleCode::ALL.iter().map(|code| RuleEntry {
            name: code.name(),
            group: RuleGroup::Points,
            label: words(&code.name()),
            means: self.rules.iter().find(|rule| rule.code == *code).map_or_else(String::new, |rule| rule.description.clone()),
            value: self.points(*code).to_string(),
            forbids: code.forbids_confirmation(),
        });
        let parameters = FIELDS.iter().map(|field| RuleEntry {
            name: field.name.to_owned(),
            group: field.group,
            label: field.label.to_owned(),
            means: field.means.to_owned(),
            value: (field.read)(&self.parameters),
            forbids: false,
        });
        points.chain(parameters).collect()
    }

    /// The next version: this one with other values under some names.
    ///
    /// # Errors
    /// The first entry that is none, whose value can't be read or is out of its range, or that contradicts another.
    pub fn changed(&self, version: u32, changes: &[(String, String)]) -> Result<Self, SheetFault> {
        let mut table = Self { version, name: format!("Version {version}"), ..self.clone() };
        for (name, value) in changes {
            table.set(name, value.trim()).map_err(|rule| SheetFault { entry: name.clone(), rule, value: value.trim().to_owned() })?;
        }
        table.check()?;
        Ok(table)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        if let Some(field) = FIELDS.iter().find(|field| field.name == name) {
            return (field.write)(&mut self.parameters, value);
        }
        let code = RuleCode::ALL.iter().copied().find(|code| code.name() == name).ok_or("is the name of no entry")?;
        let points = points(code, value)?;
        match self.rules.iter_mut().find(|rule| rule.code == code) {
            Some(rule) => rule.points = points,
            None => self.rules.extend(standard(code).map(|rule| Rule { points, ..rule })),
        }
        Ok(())
    }

    /// What entries may not say together.
    fn check(&self) -> Result<(), SheetFault> {
        let parameters = &self.parameters;
        let fault = |entry: &str, rule: String, value: i32| Err(SheetFault { entry: entry.to_owned(), rule, value: value.to_string() });
        let highest = parameters.confirm_threshold - parameters.minimum_margin;
        if parameters.suggest_threshold > highest {
            // a runner-up that is not kept could tie with the best and nobody would know
            let rule = format!("has to be at most {highest}: what the margin looks at has to be kept");
            return fault("suggest_threshold", rule, parameters.suggest_threshold);
        }
        Ok(())
    }
}

/// A rule speaks for or against, whatever its points.
fn points(code: RuleCode, value: &str) -> Result<i32, String> {
    let speaks_for = standard(code).is_some_and(|rule| rule.points > 0);
    let (low, high) = if speaks_for { (0, POINTS_MAX) } else { (-POINTS_MAX, 0) };
    let side = if speaks_for { "speaks for a proposal" } else { "speaks against a proposal" };
    let points = value.parse().ok().filter(|points| (low..=high).contains(points));
    points.ok_or_else(|| format!("{side} with {low} to {high} points"))
}

fn standard(code: RuleCode) -> Option<Rule> {
    RuleTable::standard().rules.into_iter().find(|rule| rule.code == code)
}

/// `amount_exact` as `Amount exact`.
fn words(name: &str) -> String {
    let mut letters = name.replace('_', " ").chars().collect::<Vec<_>>().into_iter();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(name: &str, value: &str) -> Result<RuleTable, SheetFault> {
        RuleTable::standard().changed(2, &[(name.to_owned(), value.to_owned())])
    }

    fn refusal(name: &str, value: &str) -> String {
        let fault = changed(name, value).unwrap_err();
        assert_eq!((fault.entry.as_str(), fault.value.as_str()), (name, value), "it names entry and value");
        fault.rule
    }

    #[test]
    fn a_table_written_as_it_reads_is_the_same() {
        let table = RuleTable::standard();
        let all: Vec<_> = table.entries().into_iter().map(|entry| (entry.name, entry.value)).collect();
        assert_eq!(RuleTable { version: 1, name: "Standard".into(), ..table.changed(7, &all).unwrap() }, table);
        let names: std::collections::BTreeSet<_> = all.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), all.len(), "each name once");
        assert!(table.entries().iter().all(|entry| !entry.means.is_empty() && !entry.label.is_empty()));
    }

    #[test]
    fn the_name_of_a_rule_is_the_one_in_json() {
        for code in RuleCode::ALL {
            assert_eq!(serde_json::to_string(code).unwrap(), format!("\"{}\"", code.name()));
        }
    }

    #[test]
    fn a_change_is_taken_over_and_nothing_else() {
        let table = changed("amount_exact", "40").unwrap();
        assert_eq!((table.version, table.points(RuleCode::AmountExact)), (2, 40));
        assert_eq!(table.points(RuleCode::Reference), RuleTable::standard().points(RuleCode::Reference));
        let table = changed("tolerance", "USD 1.00; JPY 5").unwrap();
        assert_eq!(table.parameters.tolerance.iter().map(|band| band.high).collect::<Vec<_>>(), [100, 5]);
        assert_eq!(changed("withholding", "DE 15.825 26.375").unwrap().parameters.withholding_per_million["DE"], [158_250, 263_750]);
        assert_eq!(changed("discounts", "2.5 % within 8 days").unwrap().parameters.discounts[0].per_million, 25_000);
    }

    #[test]
    fn what_can_not_be_is_refused_with_the_rule() {
        for (name, value, rule) in [
            ("amount_exact", "-1", "speaks for a proposal with 0 to 100 points"),
            ("another_payer", "3", "speaks against a proposal with -100 to 0 points"),
            ("amount_exact", "many", "speaks for a proposal"),
            ("minimum_margin", "0", "is a whole number from 1 to 100"),
            ("proposals_max", "1", "is a whole number from 2 to 10"),
            ("confirm_tolerated", "yes", "a difference is written off by a person"),
            ("confirm_without_reference", "maybe", "is yes or no"),
            ("suggest_threshold", "71", "has to be at most 70"),
            ("tolerance", "USD 0.505", "USD 0.505"),
            ("tolerance", "USD 1; USD 2", "names USD twice"),
            ("fees", "JPY 900 to 110", "JPY 900 to 110"),
            ("withholding", "DE 101", "a rate lies above 0 and below 100 percent"),
            ("discounts", "2 %", "2 % within 14 days"),
            ("lately_days", "366", "is a whole number from 0 to 365"),
            ("nothing", "1", "is the name of no entry"),
        ] {
            let said = refusal(name, value);
            assert!(said.contains(rule), "{name} {value}: {said}");
        }
    }
}
