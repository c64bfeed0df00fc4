//! The clock of everything open: what is late, what will be, and how old it is.

use crate::components::{Count, Figure, Figures, Query, Tone};
use domain::{
    money::grouped,
    sla::{AGES, SlaView},
};
use leptos::prelude::*;

/// How the forecast is reckoned, for whoever points at it.
const RECKONED: &str = "Open past their time by then, if closing goes on as in the last seven days: what was closed in them per working hour of \
    the entity, times the working hours until then, first due first, and nothing new comes.";

/// Figures that lead to their exceptions, and how many are how old.
#[component]
pub fn Clock(sla: SlaView, query: Query) -> AnyView {
    let to = move |hours: &str| query.without("due").with("due", hours).href();
    let rate = format!("{} closed in {} working hours", grouped(sla.closed.into()), sla.hours.round_dp(0).normalize());
    let breached = if sla.breached > 0 { Tone::Off } else { Tone::Ties };
    let ages = AGES.iter().zip(sla.ages).map(|((_, label), count)| view! { <li>{*label}" "<b><Count value=count/></b></li> });
    let ages = ages.collect_view();
    view! {
        <div class="clock">
            <Figures>
                <Figure label="Past their time" href=to("0") tone=breached note="breached and open" definition="Whatever the filter shows: everything open in the entities">
                    <Count value=sla.breached/>
                </Figure>
                <Figure label="Due today" href=to("24") note=format!("{} by the end of the week", grouped(sla.due_this_week.into())) definition="By midnight on each entity's calendar; the link shows the next 24 hours">
                    <Count value=sla.due_today/>
                </Figure>
                <Figure label="Late tonight, foreseen" href=to("24") note=rate.clone() definition=RECKONED><Count value=sla.late_today/></Figure>
                <Figure label="Late on Sunday, foreseen" href=to("168") note="at the same rate" definition=RECKONED><Count value=sla.late_this_week/></Figure>
            </Figures>
            <ul class="ages" aria-label="Open for">{ages}</ul>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_says_what_is_late_and_leads_to_it() {
        let sla = SlaView { breached: 12, late_today: 7, closed: 80, hours: 40.into(), ages: [1, 2, 3, 4, 5], ..SlaView::default() };
        let html = view! { <Clock sla query=Query::new("/exceptions", &[("entity", "DE"), ("due", "4")])/> }.to_html();
        assert!(html.contains("href=\"/exceptions?entity=DE&amp;due=0\"") && html.contains("80 closed in 40 working hours"), "{html}");
    }
}
