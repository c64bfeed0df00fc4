//! The site map: what stands in the side navigation, in which group, and who sees it.

use super::{
    icon::{Icon, Shape},
    theme::ThemeSwitch,
};
use domain::{access::Action, view::CallerView};
use leptos::prelude::*;

struct Entry {
    label: &'static str,
    href: &'static str,
    /// Shown to those who may do one of these; to everybody when it needs nothing.
    needs: &'static [Action],
}

impl Entry {
    fn is_for(&self, caller: &CallerView) -> bool {
        self.needs.is_empty() || self.needs.iter().any(|action| caller.actions.contains(action))
    }
}

struct Group {
    title: &'static str,
    entries: &'static [Entry],
}

const NAV: &[Group] = &[
    Group { title: "Overview", entries: &[Entry { label: "Home", href: "/", needs: &[] }] },
    Group { title: "Close", entries: &[Entry { label: "Reconciliation", href: "/reconciliation", needs: &[Action::ReadFinance] }] },
    Group {
        title: "Operate",
        entries: &[
            Entry { label: "Batches", href: "/batches", needs: &[Action::ReadFinance] },
            Entry { label: "Documents", href: "/documents", needs: &[Action::ReadFinance] },
            Entry { label: "Exceptions", href: "/exceptions", needs: &[Action::ReadFinance] },
            Entry { label: "Cash", href: "/cash", needs: &[Action::ReadFinance] },
            Entry { label: "Replays", href: "/replays", needs: &[Action::ReadFinance] },
            Entry { label: "Approvals", href: "/approvals", needs: &[Action::Approve, Action::ManageUsers] },
        ],
    },
    Group {
        title: "System",
        entries: &[
            Entry { label: "Connections", href: "/connections", needs: &[Action::ReadConnections] },
            Entry { label: "Mappings", href: "/mappings", needs: &[Action::ReadFinance] },
            Entry { label: "Jobs", href: "/jobs", needs: &[Action::ReadJobs] },
            Entry { label: "Working time", href: "/calendars", needs: &[Action::ReadFinance, Action::ManageEntities] },
            Entry { label: "Audit", href: "/audit", needs: &[Action::ReadAudit] },
            Entry { label: "Users", href: "/users", needs: &[Action::ReadUsers] },
        ],
    },
];

/// Pages below those of the navigation, which are gone to by name.
const BELOW: &[Entry] = &[
    Entry { label: "Apply cash", href: "/cash/workbench", needs: &[Action::ReadFinance] },
    Entry { label: "Receivables", href: "/cash/receivables", needs: &[Action::ReadFinance] },
    Entry { label: "Collection", href: "/cash/collections", needs: &[Action::ReadFinance] },
    Entry { label: "Open items", href: "/cash/items", needs: &[Action::ReadFinance] },
    Entry { label: "Daily cash proof", href: "/cash/daily", needs: &[Action::ReadFinance] },
    Entry { label: "Bank accounts", href: "/cash/accounts", needs: &[Action::ReadFinance] },
    Entry { label: "Rules of cash application", href: "/cash/rules", needs: &[Action::ReadFinance] },
];

/// Label and address of every page that the caller may see.
pub fn pages(caller: &CallerView, carried: &str) -> Vec<(String, String)> {
    let all = NAV.iter().flat_map(|group| group.entries).chain(BELOW);
    all.filter(|entry| entry.is_for(caller)).map(|entry| (entry.label.to_owned(), format!("{}{carried}", entry.href))).collect()
}

#[component]
pub fn Brand() -> impl IntoView {
    view! {
        <span class="brand">
            <svg viewBox="0 0 22 22" aria-hidden="true">
                <rect width="22" height="22" rx="5"></rect>
                <path d="M5 7.5h12M5 14.5h12M7 11.2 10 14l5.5-7.5"></path>
            </svg>
            "Tieout"
        </span>
    }
}

/// Entity and period travel along, everything else belongs to the page that is left.
#[component]
fn NavList(caller: CallerView, path: String, carried: String) -> AnyView {
    let link = |entry: &Entry| {
        let here = path == entry.href || entry.href != "/" && path.starts_with(&format!("{}/", entry.href));
        view! { <a href=format!("{}{carried}", entry.href) aria-current=here.then_some("page")>{entry.label}</a> }
    };
    let groups = NAV.iter().filter_map(|group| {
        let entries: Vec<_> = group.entries.iter().filter(|entry| entry.is_for(&caller)).map(link).collect();
        (!entries.is_empty()).then(|| view! { <h2>{group.title}</h2>{entries} })
    });
    view! { <nav class="nav" aria-label="Main">{groups.collect_view()}</nav> }.into_any()
}

/// The way to the inbox, with how many notices were not read; for those who may have some.
#[component]
fn Bell(caller: CallerView) -> AnyView {
    if !caller.actions.contains(&Action::ReadFinance) {
        return ().into_any();
    }
    let count = match caller.unread {
        0 => None,
        count @ ..100 => Some(count.to_string()),
        _ => Some("99+".to_owned()),
    };
    let label = format!("Inbox, {} unread", count.as_deref().unwrap_or("nothing"));
    view! { <a class="bell" href="/inbox" aria-label=label><Icon shape=Shape::Bell/>{count.map(|count| view! { <b>{count}</b> })}</a> }
        .into_any()
}

/// Who is signed in, the theme, and the way out.
#[component]
fn Account(caller: CallerView) -> AnyView {
    let roles: Vec<&str> = caller.roles.iter().map(|role| role.label()).collect();
    view! {
        <div class="account">
            <div class="who"><b>{caller.name}</b><small>{roles.join(", ")}</small></div>
            <ThemeSwitch/>
            <form method="post" action=super::layout::SIGN_OUT><button type="submit">"Sign out"</button></form>
        </div>
    }
    .into_any()
}

/// The navigation, at the side and, on a phone, folded under a bar.
#[component]
pub fn Navigation(caller: CallerView, #[prop(into)] path: String, #[prop(into)] carried: String) -> AnyView {
    view! {
        <aside class="side" aria-label="Navigation and account">
            <div class="head"><a href="/" aria-label="Tieout, home"><Brand/></a><Bell caller=caller.clone()/></div>
            <NavList caller=caller.clone() path=path.clone() carried=carried.clone()/>
            <Account caller=caller.clone()/>
        </aside>
        <header class="phone-bar">
            <Bell caller=caller.clone()/>
            <details>
                <summary><Brand/><Icon shape=Shape::Menu/><span class="vh">"Menu"</span></summary>
                <div class="sheet"><NavList caller=caller.clone() path carried/><Account caller/></div>
            </details>
        </header>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::super::layout::tests::caller;
    use super::*;
    use domain::access::Role;

    fn html(role: Role) -> String {
        view! { <Navigation caller=caller(role) path="/batches/1" carried="?entity=DE"/> }.to_html()
    }

    #[test]
    fn the_bell_says_how_many_are_unread_to_those_who_read() {
        assert!(html(Role::Controller).contains("aria-label=\"Inbox, 3 unread\""));
        assert!(!html(Role::Admin).contains("/inbox"), "an admin reads no finance rows");
    }

    #[test]
    fn only_what_the_role_may_see_is_offered() {
        let (admin, executive) = (html(Role::Admin), html(Role::Executive));
        assert!(admin.contains("/users") && admin.contains("/approvals") && !admin.contains("/exceptions"), "{admin}");
        assert!(executive.contains("/exceptions") && !executive.contains("/users"), "{executive}");
    }

    #[test]
    fn the_entry_of_a_page_below_is_current_and_links_carry_entity_and_period() {
        let html = html(Role::Executive);
        assert!(html.contains("href=\"/batches?entity=DE\" aria-current=\"page\""), "{html}");
        assert_eq!(html.matches("aria-current").count(), 2, "once at the side, once on a phone: {html}");
    }
}
