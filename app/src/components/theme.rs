//! Day, night, or as the system says. The choice is a cookie that the server reads, so no page flashes.

use super::icon::{Icon, Shape};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    Light,
    Dark,
    #[default]
    System,
}

impl Theme {
    const ALL: [Self; 3] = [Self::Light, Self::Dark, Self::System];
    const COOKIE: &'static str = "theme";

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
            Self::System => "system",
        }
    }

    fn shape(self) -> Shape {
        match self {
            Self::Light => Shape::Sun,
            Self::Dark => Shape::Moon,
            Self::System => Shape::Screen,
        }
    }

    /// From a `Cookie` header; whatever is not a theme is the system's.
    pub fn from_cookies(header: &str) -> Self {
        let value = header
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == Self::COOKIE)
            .map(|(_, value)| value);
        Self::ALL.into_iter().find(|theme| Some(theme.as_str()) == value).unwrap_or_default()
    }

    /// A `Set-Cookie` header that lasts a year. It is no secret and grants nothing.
    pub fn to_cookie(self) -> String {
        format!("{}={}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly", Self::COOKIE, self.as_str())
    }
}

/// Three buttons of one form; the answer brings the reader back to the page.
#[component]
pub fn ThemeSwitch() -> AnyView {
    let current = use_context::<Theme>().unwrap_or_default();
    let buttons = Theme::ALL.into_iter().map(|theme| {
        let label = format!("Theme: {}", theme.as_str());
        view! {
            <button type="submit" name="theme" value=theme.as_str() aria-pressed=(theme == current).to_string() aria-label=label.clone() title=label>
                <Icon shape=theme.shape()/>
            </button>
        }
    });
    let buttons = buttons.collect_view();
    view! { <form method="post" action=super::layout::SET_THEME><div class="theme" role="group" aria-label="Theme">{buttons}</div></form> }
        .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_theme_is_found_among_other_cookies() {
        assert_eq!(Theme::from_cookies("id=abc; theme=dark; x=theme=light"), Theme::Dark);
        assert_eq!(Theme::from_cookies("mytheme=dark"), Theme::System);
        assert_eq!(Theme::from_cookies("theme=\"><script>"), Theme::System);
    }

    #[test]
    fn what_is_set_is_read_back() {
        for theme in Theme::ALL {
            assert_eq!(Theme::from_cookies(&theme.to_cookie()), theme);
        }
    }
}
