//! What screens are made of: data in, view out. No component fetches anything, none writes an inline style.
//! Pieces that hold others erase their type: deep view types overflow the compiler.

pub mod amount;
pub mod audit_log;
pub mod chart;
pub mod clock;
pub mod dialog;
pub mod facts;
pub mod figures;
pub mod flow;
pub mod form;
pub mod icon;
pub mod keyboard;
pub mod layout;
pub mod marks;
pub mod nav;
pub mod palette;
pub mod payload;
pub mod query;
pub mod sparkline;
pub mod state;
pub mod table;
pub mod tabs;
pub mod theme;
pub mod top_bar;

pub use amount::{Amount, Count, CountLink, MoneyLink, Percent, Sums, counted, money_text};
pub use audit_log::{AuditTable, Chain};
pub use chart::{Chart, Plot, Series};
pub use clock::Due;
pub use dialog::{Dialog, Fold};
pub use facts::{CopyButton, Fact, Facts, Id, Moment, Time, age, write_to_clipboard};
pub use figures::{Figure, Figures};
pub use flow::{FlowBar, FlowLegend, Segment};
pub use form::{Check, Choice, Field, FilterBar, Submit, TextField};
pub use icon::{Icon, Shape, Sprite};
pub use layout::{Layout, Page};
pub use marks::{Badge, Gates, Pill, Place, StageBadge, TieMark, Tone, Verdict};
pub use nav::Brand;
pub use palette::Palette;
pub use payload::Payload;
pub use query::{Query, use_query};
pub use sparkline::Sparkline;
pub use state::{Done, Empty, Failure, Notice};
pub use table::{Column, DataTable, GroupRow, Pager};
pub use tabs::{Tab, Tabs};
pub use theme::Theme;
