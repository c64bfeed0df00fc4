//! Money and counts as accountants write them: negatives in parentheses, zero as a dash, "n/a" where there is nothing.

use domain::{
    money::{Money, grouped},
    view::StageMoney,
};
use leptos::{either::EitherOf3, prelude::*};
use rust_decimal::Decimal;

/// An amount; the exact figure with its currency is in the title and in `data`, for machines and for Excel.
/// `code` shows the currency behind it; inside a table the column or the row says it.
#[component]
pub fn Amount(#[prop(into)] value: Option<Decimal>, #[prop(into)] currency: String, #[prop(optional)] code: bool) -> impl IntoView {
    let Some(value) = value else { return EitherOf3::A(view! { <span class="na">"n/a"</span> }) };
    let value = in_digits_of(&currency, value);
    let (exact, title) = (value.to_string(), format!("{} {currency}", grouped(value)));
    let unit = code.then(|| view! { " "<span class="code">{currency}</span> });
    if value.is_zero() {
        return EitherOf3::B(view! { <data class="amount zero" value=exact title=title>"–"{unit}</data> });
    }
    let negative = value.is_sign_negative();
    let digits = grouped(value.abs());
    let text = if negative { format!("({digits})") } else { digits };
    EitherOf3::C(view! {
        <data class=if negative { "amount neg" } else { "amount" } value=exact title=title>
            {negative.then(|| view! { <span class="vh">"minus "</span> })}
            {text}
            {unit}
        </data>
    })
}

/// An amount as words, for the text of a button: `148,220.15 EUR`.
pub fn money_text(value: Decimal, currency: &str) -> String {
    let value = in_digits_of(currency, value);
    let digits = grouped(value.abs());
    if value.is_sign_negative() && !value.is_zero() { format!("({digits}) {currency}") } else { format!("{digits} {currency}") }
}

/// An amount as a field holds it, without separators: `148220.15`.
pub fn plain(value: Decimal, currency: &str) -> String {
    in_digits_of(currency, value).to_string()
}

/// An amount that a person typed: `1234.50`, or `1,234.50` as the screens show it. A comma anywhere else is not guessed at.
pub fn typed(text: &str) -> Option<Decimal> {
    let text = text.trim();
    let value: Decimal = text.replace(',', "").parse().ok()?;
    (!text.contains(',') || grouped(value) == text).then_some(value)
}

/// `10.5000` USD is shown as `10.50`; what has more digits than its currency is shown with all of them, never rounded.
fn in_digits_of(currency: &str, value: Decimal) -> Decimal {
    currency.parse().and_then(|currency| Money::new(value, currency)).map_or(value, Money::amount)
}

/// How many; zero is a dash.
#[component]
pub fn Count(#[prop(into)] value: Option<i64>) -> impl IntoView {
    match value {
        None => EitherOf3::A(view! { <span class="na">"n/a"</span> }),
        Some(0) => EitherOf3::B(view! { <data class="amount zero" value="0" title="0">"–"</data> }),
        Some(count) => EitherOf3::C(view! { <data class="amount" value=count.to_string()>{grouped(count.into())}</data> }),
    }
}

/// An amount that leads to what is behind it; nothing is behind a zero.
#[component]
pub fn MoneyLink(value: Decimal, #[prop(into)] currency: String, #[prop(into)] href: String) -> AnyView {
    if value.is_zero() {
        return view! { <Amount value currency/> }.into_any();
    }
    view! { <a href=href><Amount value currency/></a> }.into_any()
}

/// A count that leads to its documents; nothing behind a zero.
#[component]
pub fn CountLink(value: i64, #[prop(into)] href: String) -> AnyView {
    if value == 0 { view! { <Count value/> }.into_any() } else { view! { <a href=href><Count value/></a> }.into_any() }
}

/// One amount per currency, one below the other: currencies are never added.
#[component]
pub fn Sums(money: Vec<StageMoney>) -> AnyView {
    let sums = money.into_iter().map(|sum| view! { <span><Amount value=sum.amount currency=sum.currency code=true/></span> });
    view! { <span class="sums">{sums.collect_view()}</span> }.into_any()
}

/// `1 break`, `12 breaks`.
pub fn counted(number: i64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{} {noun}s", grouped(number.into())) }
}

/// A share of a whole with one decimal; "n/a" of nothing.
#[component]
pub fn Percent(part: i64, whole: i64) -> impl IntoView {
    view! { <span class="amount">{percent(part, whole)}</span> }
}

/// 6525 of 6720 is `97.0 %`. Rounds towards zero, so that 100.0 % means all of them.
pub fn percent(part: i64, whole: i64) -> String {
    if whole <= 0 {
        return "n/a".to_owned();
    }
    let per_mille = i128::from(part) * 1000 / i128::from(whole);
    format!("{}.{} %", per_mille / 10, per_mille.abs() % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(amount: &str, currency: &str) -> String {
        let value: Decimal = amount.parse().unwrap();
        view! { <Amount value=value currency=currency/> }.to_html()
    }

    #[test]
    fn a_negative_stands_in_parentheses_and_is_read_out() {
        let html = html("-1234.5", "USD");
        assert!(html.contains("(1,234.50)") && html.contains("minus ") && html.contains("value=\"-1234.50\""), "{html}");
        assert!(!html.contains(">-"), "{html}");
    }

    #[test]
    fn a_typed_amount_is_read_as_it_is_shown_and_a_strange_comma_is_not_guessed_at() {
        assert_eq!(typed(" 1,234.50 "), Some("1234.50".parse().unwrap()));
        assert_eq!(typed("1234.5"), Some("1234.5".parse().unwrap()));
        for bad in ["12,50", "", "1.2.3", "1,23,4.50"] {
            assert_eq!(typed(bad), None, "{bad}");
        }
    }

    #[test]
    fn zero_is_a_dash_and_nothing_is_not_zero() {
        assert!(html("0", "JPY").contains("–"));
        let nothing = view! { <Amount value=None currency="EUR"/> }.to_html();
        assert!(nothing.contains("n/a") && !nothing.contains("–"), "{nothing}");
    }

    #[test]
    fn every_digit_of_the_currency_is_shown() {
        assert!(html("1.5", "KWD").contains("1.500") && html("48412900", "JPY").contains("48,412,900<"));
        assert!(html("10.5000", "USD").contains(">10.50<") && html("0.005", "USD").contains("0.005"));
    }

    #[test]
    fn all_but_one_is_not_a_hundred_percent() {
        assert_eq!(percent(99_999, 100_000), "99.9 %");
        assert_eq!(percent(6_525, 6_720), "97.0 %");
        assert_eq!(percent(5, 0), "n/a");
    }

    #[test]
    fn nothing_is_behind_a_zero() {
        let html = view! { <CountLink value=0 href="/documents"/> }.to_html();
        assert!(html.contains("–") && !html.contains("href"), "{html}");
    }
}
