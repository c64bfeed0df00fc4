//! Icons: one hidden sprite per page, referred to by name. Shapes carry the meaning, colour only repeats it.

use leptos::prelude::*;

macro_rules! shapes {
    ($($(#[$meta:meta])* $name:ident $id:literal $path:literal;)+) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Shape { $($(#[$meta])* $name),+ }

        impl Shape {
            const ALL: &'static [Self] = &[$(Self::$name),+];

            fn id(self) -> &'static str {
                match self { $(Self::$name => $id),+ }
            }

            /// On a grid of 14 × 14.
            fn path(self) -> &'static str {
                match self { $(Self::$name => $path),+ }
            }
        }
    };
}

shapes! {
    Ties "i-ties" "M2 7.5 5.5 11 12 3.5";
    Timing "i-timing" "M7 2a5 5 0 1 0 .01 0M7 4v3.2l2 1.6";
    Off "i-off" "M2 5h10M2 9h10M9.5 2l-5 10";
    Dash "i-dash" "M3 7h8";
    /// Ticked twice: read back and equal.
    TwiceTicked "i-twice" "M1 8l2.6 2.8L8.5 4.5M6.8 10.2l.6.6 5.6-6.3";
    Arrow "i-arrow" "M2 7h9M7.5 3.5 11 7l-3.5 3.5";
    Ring "i-ring" "M7 2.5a4.5 4.5 0 1 0 .01 0";
    Dots "i-dots" "M2.5 7h.01M7 7h.01M11.5 7h.01M7 1.5h.01M7 12.5h.01";
    Again "i-again" "M11.5 5A5 5 0 1 0 12 8M11.8 1.8V5H8.6";
    Pause "i-pause" "M5 3v8M9 3v8";
    Question "i-question" "M4.5 5a2.5 2.5 0 1 1 3.6 2.2C7.3 7.6 7 8 7 9M7 11.6v.01";
    Alert "i-alert" "M7 1.8 13 12.2H1zM7 5.8v3M7 10.4v.01";
    Cross "i-cross" "M3 3l8 8M11 3l-8 8";
    Flag "i-flag" "M3 13V2M3 2.5h8L9 5.5l2 3H3";
    Layers "i-layers" "M4 4.5h8v8H4zM2 9.5v-8h8";
    Down "i-down" "M2 4.5 7 10l5-5.5";
    Left "i-left" "M9 2 4 7l5 5";
    Right "i-right" "M5 2l5 5-5 5";
    Menu "i-menu" "M1.5 3.5h11M1.5 7h11M1.5 10.5h11";
    Sun "i-sun" "M7 4.3a2.7 2.7 0 1 0 .01 0M7 .8v1.4M7 11.8v1.4M.8 7h1.4M11.8 7h1.4M2.6 2.6l1 1M10.4 10.4l1 1M11.4 2.6l-1 1M3.6 10.4l-1 1";
    Moon "i-moon" "M11.8 8.6A5.2 5.2 0 0 1 5.4 2.2a5.2 5.2 0 1 0 6.4 6.4z";
    Screen "i-screen" "M1.5 2.5h11v7h-11zM5 12.2h4";
    Copy "i-copy" "M5 5h7v7H5zM9 2H2v7";
    Bell "i-bell" "M2.5 10.5h9L10 8.8V6a3 3 0 0 0-6 0v2.8zM6 12.5h2";
    Find "i-find" "M6 2a4 4 0 1 0 .01 0M9 9l3.5 3.5";
    File "i-file" "M7 1.5v7.5M3.8 6 7 9.2 10.2 6M2 12.2h10";
}

/// A shape; decoration unless the text beside it is missing, so it is hidden from assistive technology.
#[component]
pub fn Icon(shape: Shape) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 14 14" aria-hidden="true">
            <use href=format!("#{}", shape.id())></use>
        </svg>
    }
}

/// All shapes and the hatch patterns of the flow bar, once per page.
#[component]
pub fn Sprite() -> impl IntoView {
    let shapes = Shape::ALL.iter().map(|shape| view! { <symbol id=shape.id() viewBox="0 0 14 14"><path d=shape.path()></path></symbol> });
    view! {
        <svg class="sprite" aria-hidden="true" focusable="false">
            <defs>
                {shapes.collect_view()}
                <pattern id="hatch-retry" class="hatch-retry" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                    <path d="M1.5 0v5" stroke-width="3"></path>
                </pattern>
                <pattern id="hatch-unknown" class="hatch-unknown" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">
                    <path d="M1 0v4" stroke-width="2"></path>
                </pattern>
                <pattern id="hatch-mismatch" class="hatch-mismatch" width="5" height="5" patternUnits="userSpaceOnUse">
                    <path d="M0 1.5h5" stroke-width="3"></path>
                </pattern>
                <pattern id="hatch-held" class="hatch-held" width="4" height="4" patternUnits="userSpaceOnUse">
                    <path d="M0 0h2.6v2.6H0z"></path>
                </pattern>
            </defs>
        </svg>
    }
}
