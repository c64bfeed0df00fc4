//! What goes wrong with a transfer, in the proportions of the rule book.

use super::{Trouble, company::Payer, dice::Dice};

/// Per mille of transfers.
const NO_REFERENCE: u64 = 110;
const WRONG_REFERENCE: u64 = 30;
const THIRD_PARTY: u64 = 40;
const WRONG_ENTITY: u64 = 5;
const DOUBLED: u64 = 4;
const OVERPAID: u64 = 4;
const SHORT: u64 = 30;
/// Reasons of the short ones: withholding tax, fee, dispute, error.
const SHORT_REASONS: [u64; 4] = [400, 300, 200, 100];
/// Cross-border transfers and those in Japan lose a fee on the way.
const FEE_LOST: u64 = 60;

/// Rates by the customer's country, per million: what its law has payers of services keep back.
const WITHHOLDING: [(&str, &[i64]); 14] = [
    ("US", &[240_000, 300_000]),
    ("CA", &[150_000]),
    ("DE", &[158_250]),
    ("GB", &[200_000]),
    ("CH", &[350_000]),
    ("FR", &[250_000]),
    ("NL", &[250_000]),
    ("IE", &[200_000]),
    ("SG", &[100_000, 150_000, 170_000]),
    ("ID", &[200_000]),
    ("IN", &[20_000, 100_000]),
    ("TH", &[30_000, 150_000]),
    ("MY", &[100_000]),
    ("JP", &[102_100, 204_200]),
];

pub(super) fn of_transfer(dice: &mut Dice, payer: &Payer) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    troubles.extend(dice.share(&[NO_REFERENCE, WRONG_REFERENCE]).map(|at| [Trouble::NoReference, Trouble::WrongReference][at]));
    troubles.extend(dice.per_mille(THIRD_PARTY).then_some(Trouble::ThirdParty));
    troubles.extend(dice.per_mille(WRONG_ENTITY).then_some(Trouble::WrongEntity));
    troubles.extend(of_amount(dice, payer));
    troubles
}

fn of_amount(dice: &mut Dice, payer: &Payer) -> Option<Trouble> {
    let loses_fees = payer.is_abroad() || payer.customer.country == "JP";
    let shorts = [Trouble::ShortByWithholding, Trouble::ShortByFee, Trouble::ShortByDispute, Trouble::ShortByError];
    match dice.share(&[DOUBLED, OVERPAID, SHORT, if loses_fees { FEE_LOST } else { 0 }])? {
        0 => Some(Trouble::Doubled),
        1 => Some(Trouble::Overpaid),
        2 => dice.share(&SHORT_REASONS).map(|reason| shorts[reason]),
        _ => Some(Trouble::ShortByFee),
    }
}

/// What a bank keeps: 12 to 35 of the currency, half of them whole; in Japan 110 to 880 yen in steps of a transfer fee with tax.
pub(super) fn fee(dice: &mut Dice, currency: &str) -> i64 {
    match currency {
        "JPY" => 110 * dice.between(1, 8),
        _ if dice.per_mille(500) => 100 * dice.between(12, 35),
        _ => dice.between(1200, 3500),
    }
}

/// What the payer keeps back of each item, per million.
pub(super) fn withholding(dice: &mut Dice, country: &str) -> i64 {
    let rates = WITHHOLDING.iter().find(|(known, _)| *known == country).map_or(&[100_000][..], |(_, rates)| rates);
    *dice.pick(rates)
}
