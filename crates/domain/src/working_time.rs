//! When people of an entity work, as screens show it. The reckoning is in `calendar`.

use crate::{text_enum::text_enum, view::EntityView};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Weekday};
use serde::{Deserialize, Serialize};

text_enum! {
    /// A day of the week, as it is written: mon.
    pub enum WorkingDay {
        Mon = "mon",
        Tue = "tue",
        Wed = "wed",
        Thu = "thu",
        Fri = "fri",
        Sat = "sat",
        Sun = "sun",
    }
}

impl WorkingDay {
    /// 1 is Monday.
    pub fn number(self) -> i16 {
        self as i16 + 1
    }

    pub fn of_number(number: i16) -> Option<Self> {
        Self::ALL.iter().copied().find(|day| day.number() == number)
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Mon => "Monday",
            Self::Tue => "Tuesday",
            Self::Wed => "Wednesday",
            Self::Thu => "Thursday",
            Self::Fri => "Friday",
            Self::Sat => "Saturday",
            Self::Sun => "Sunday",
        }
    }
}

impl From<Weekday> for WorkingDay {
    fn from(day: Weekday) -> Self {
        match day {
            Weekday::Mon => Self::Mon,
            Weekday::Tue => Self::Tue,
            Weekday::Wed => Self::Wed,
            Weekday::Thu => Self::Thu,
            Weekday::Fri => Self::Fri,
            Weekday::Sat => Self::Sat,
            Weekday::Sun => Self::Sun,
        }
    }
}

/// Whether the clock of exceptions runs, and until when; in the time of the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClockState {
    Open {
        until: NaiveDateTime,
    },
    /// Without an end where nobody ever works.
    Closed {
        until: Option<NaiveDateTime>,
    },
}

impl std::fmt::Display for ClockState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Open { until } => write!(f, "open until {}", until.format("%H:%M")),
            Self::Closed { until: Some(until) } => write!(f, "closed until {}", until.format("%a %-d %b, %H:%M")),
            Self::Closed { until: None } => write!(f, "closed, no working time ahead"),
        }
    }
}

/// A day on which nobody works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holiday {
    pub day: NaiveDate,
    pub name: String,
}

/// The working time of an entity, and what its clock says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarView {
    pub entity: EntityView,
    pub days: Vec<WorkingDay>,
    pub opens_at: NaiveTime,
    pub closes_at: NaiveTime,
    /// By day.
    pub holidays: Vec<Holiday>,
    pub clock: ClockState,
    /// Which day it is there.
    pub today: NaiveDate,
}
