//! Charts: drawn on the server as SVG whose colours are classes, so that they follow the theme; the same figures stand
//! in a table below. Pixels are integers here too: the drawing is made in whole steps of the smallest useful unit.

use super::dialog::Fold;
use domain::money::grouped;
use leptos::prelude::*;
use rust_decimal::Decimal;
#[cfg(any(feature = "ssr", test))]
use rust_decimal::prelude::ToPrimitive;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plot {
    Line,
    Area,
    /// Stacked; the series of one label add up.
    Bars,
}

/// At most four series: more can't be told apart.
#[derive(Debug, Clone)]
pub struct Series {
    pub name: String,
    pub values: Vec<Decimal>,
}

/// `unit` names what is counted, one currency at most. Two drawings, for a desk and for a phone: text keeps its size.
#[component]
pub fn Chart(
    #[prop(into)] title: String,
    #[prop(into)] note: String,
    #[prop(into)] unit: String,
    plot: Plot,
    labels: Vec<String>,
    series: Vec<Series>,
) -> AnyView {
    let summary = format!("{title}, {note}; the figures are in the table below");
    let keys: Vec<_> = (1..).zip(&series).map(|(number, series)| key(plot, number, series.name.clone())).collect();
    let (large, small) = (draw(plot, &labels, &series, (1100, 240)), draw(plot, &labels, &series, (340, 220)));
    let label = summary.clone();
    view! {
        <figure class="chart">
            <figcaption><h2>{title.clone()}</h2><small>{note}</small><span class="key">{keys}</span></figcaption>
            <div class="plot large" role="img" aria-label=summary inner_html=large></div>
            <div class="plot small" role="img" aria-label=label inner_html=small></div>
            <Fold summary="The figures as a table"><Twin title unit labels series/></Fold>
        </figure>
    }
    .into_any()
}

fn key(plot: Plot, number: u8, name: String) -> impl IntoView {
    let mark = if plot == Plot::Bars {
        view! { <rect y="3" width="18" height="8" class=format!("fill-{number}")></rect> }.into_any()
    } else {
        view! { <path d="M0 7h18" stroke-width="2" class=format!("stroke-{number}")></path> }.into_any()
    };
    view! { <span><svg class="icon" viewBox="0 0 18 14" aria-hidden="true">{mark}</svg>" "{name}</span> }
}

#[component]
fn Twin(title: String, unit: String, labels: Vec<String>, series: Vec<Series>) -> AnyView {
    let heads = series.iter().map(|series| view! { <th scope="col" class="num">{series.name.clone()}</th> }).collect_view();
    let rows = labels.into_iter().enumerate().map(|(index, label)| {
        let cells = series
            .iter()
            .map(|series| view! { <td class="num">{series.values.get(index).map_or("n/a".to_owned(), |value| grouped(*value))}</td> });
        view! { <tr><th scope="row">{label}</th>{cells.collect_view()}</tr> }
    });
    let rows = rows.collect_view();
    view! {
        <div class="table"><div class="table-box"><table>
            <caption class="vh">{title}", "{unit.clone()}</caption>
            <thead><tr><th scope="col"><small>{unit}</small></th>{heads}</tr></thead>
            <tbody>{rows}</tbody>
        </table></div></div>
    }
    .into_any()
}

#[cfg(any(feature = "ssr", test))]
/// The unit of the drawing: whole units where there are thousands, hundredths below.
fn scale_of(series: &[Series]) -> i64 {
    let largest = series.iter().flat_map(|series| &series.values).map(Decimal::abs).max().unwrap_or_default();
    if largest >= Decimal::ONE_THOUSAND { 1 } else { 100 }
}

#[cfg(any(feature = "ssr", test))]
fn steps(value: Decimal, scale: i64) -> i64 {
    value.checked_mul(scale.into()).and_then(|value| value.round().to_i64()).unwrap_or_default()
}

#[cfg(any(feature = "ssr", test))]
/// Every how many labels one is written, so that they don't touch.
fn label_stride(labels: usize, width: u32) -> usize {
    let room = usize::try_from(width / 76).unwrap_or(1).max(1);
    labels.div_ceil(room).max(1)
}

#[cfg(not(feature = "ssr"))]
fn draw(_: Plot, _: &[String], _: &[Series], _: (u32, u32)) -> String {
    String::new()
}

#[cfg(feature = "ssr")]
fn draw(plot: Plot, labels: &[String], series: &[Series], size: (u32, u32)) -> String {
    let mut svg = String::new();
    if let Err(error) = render::render(&mut svg, plot, labels, series, size) {
        tracing::error!(%error, "a chart could not be drawn");
        return String::new();
    }
    render::themed(svg)
}

#[cfg(feature = "ssr")]
mod render {
    use super::{Plot, Series, label_stride, scale_of, steps};
    use domain::money::grouped;
    use plotters::{
        prelude::*,
        style::text_anchor::{HPos, Pos, VPos},
    };
    use rust_decimal::Decimal;
    use std::error::Error;

    /// Colours that stand for a class until `themed` puts it in; no drawing contains them otherwise.
    const GRID: RGBColor = RGBColor(254, 1, 0);
    const TEXT: RGBColor = RGBColor(254, 2, 0);
    const SERIES_MAX: u8 = 4;

    fn line(number: u8) -> RGBColor {
        RGBColor(253, 1, number.min(SERIES_MAX))
    }

    fn area(number: u8) -> RGBColor {
        RGBColor(253, 2, number.min(SERIES_MAX))
    }

    /// Replaces the stand-in colours by classes.
    pub(super) fn themed(mut svg: String) -> String {
        svg = svg.replace(r##"stroke="#FE0100""##, r#"class="grid""#).replace(r##"fill="#FE0200""##, r#"class="label""#);
        for number in 1..=SERIES_MAX {
            svg = svg
                .replace(&format!(r##"stroke="#FD01{number:02X}""##), &format!(r#"class="stroke-{number}""#))
                .replace(&format!(r##"fill="#FD01{number:02X}""##), &format!(r#"class="fill-{number}""#))
                .replace(&format!(r##"fill="#FD02{number:02X}""##), &format!(r#"class="area-{number}""#));
        }
        svg
    }

    /// Distance between two labels on the horizontal axis.
    const STEP: i64 = 100;

    fn position(index: usize) -> i64 {
        i64::try_from(index).unwrap_or_default() * STEP
    }

    /// Lowest and highest point of the drawing; zero is always in it.
    fn bounds(plot: Plot, labels: usize, series: &[Series], scale: i64) -> (i64, i64) {
        let value = |series: &Series, index: usize| series.values.get(index).map_or(0, |value| steps(*value, scale));
        let tops: Vec<i64> = match plot {
            Plot::Bars => (0..labels).map(|index| series.iter().map(|series| value(series, index)).sum()).collect(),
            Plot::Line | Plot::Area => series.iter().flat_map(|series| series.values.iter().map(|value| steps(*value, scale))).collect(),
        };
        let (low, high) = (tops.iter().copied().min().unwrap_or(0).min(0), tops.iter().copied().max().unwrap_or(0).max(0));
        (low, (high + high / 20).max(low + 1))
    }

    pub(super) fn render(
        out: &mut String,
        plot: Plot,
        labels: &[String],
        series: &[Series],
        size: (u32, u32),
    ) -> Result<(), Box<dyn Error>> {
        let scale = scale_of(series);
        let (low, high) = bounds(plot, labels.len(), series, scale);
        let root = SVGBackend::with_string(out, size).into_drawing_area();
        let right = position(labels.len().saturating_sub(1)) + STEP / 2;
        let mut chart = ChartBuilder::on(&root)
            .margin_top(6)
            .margin_right(4)
            .x_label_area_size(22)
            .y_label_area_size(if size.0 > 600 { 84 } else { 74 })
            .build_cartesian_2d(-STEP / 2..right, low..high)?;
        let font = ("sans-serif", 11).into_font().color(&TEXT);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .disable_x_axis()
            .axis_style(GRID)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .y_labels(5)
            .y_label_style(font.clone())
            .y_label_formatter(&|value| grouped(Decimal::from(*value) / Decimal::from(scale)))
            .draw()?;
        for (number, (index, one)) in (1..).zip(series.iter().enumerate()) {
            let points: Vec<(i64, i64)> = one.values.iter().enumerate().map(|(at, value)| (position(at), steps(*value, scale))).collect();
            match plot {
                Plot::Line => drop(chart.draw_series(LineSeries::new(points, line(number).stroke_width(2)))?),
                Plot::Area => drop(chart.draw_series(AreaSeries::new(points, 0, area(number)).border_style(line(number).stroke_width(2)))?),
                Plot::Bars => {
                    let below = |at: usize| {
                        series[..index].iter().map(|series| series.values.get(at).map_or(0, |value| steps(*value, scale))).sum::<i64>()
                    };
                    let bars = points.iter().enumerate().map(|(at, (x, y))| {
                        Rectangle::new([(x - STEP * 3 / 10, below(at)), (x + STEP * 3 / 10, below(at) + y)], line(number).filled())
                    });
                    chart.draw_series(bars)?;
                }
            }
        }
        let style = font.pos(Pos::new(HPos::Center, VPos::Top));
        let stride = label_stride(labels.len(), size.0);
        let texts = labels.iter().enumerate().step_by(stride);
        chart.draw_series(
            texts.map(|(at, label)| EmptyElement::at((position(at), low)) + Text::new(label.clone(), (0, 8), style.clone())),
        )?;
        root.present()?;
        drop(chart);
        drop(root);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[&str]) -> Series {
        Series { name: "Posted".to_owned(), values: values.iter().map(|value| value.parse().unwrap()).collect() }
    }

    #[test]
    fn a_drawing_has_no_colour_of_its_own_and_no_inline_style() {
        let labels: Vec<String> = ["Mon", "Tue", "Wed"].map(str::to_owned).to_vec();
        for plot in [Plot::Line, Plot::Area, Plot::Bars] {
            let svg = draw(plot, &labels, &[series(&["1", "2.5", "0"]), series(&["3", "1", "2"])], (600, 200));
            assert!(svg.starts_with("<svg") && svg.contains("-1\"") && svg.contains("-2\""), "{svg}");
            assert!(!svg.contains("=\"#") && !svg.contains("style="), "{svg}");
            assert!(svg.contains("Tue"), "{svg}");
        }
    }

    #[test]
    fn the_table_twin_shows_the_exact_figures() {
        let labels = vec!["2026-10".to_owned(), "2026-11".to_owned()];
        let html =
            view! { <Chart title="Aging" note="open" unit="EUR" plot=Plot::Bars labels series=vec![series(&["1234567.80"])]/> }.to_html();
        assert!(html.contains("1,234,567.80") && html.contains("n/a"), "{html}");
    }

    #[test]
    fn labels_never_touch_and_extremes_do_not_fail() {
        assert_eq!(label_stride(31, 340), 8);
        assert_eq!(label_stride(3, 1100), 1);
        let svg = draw(Plot::Line, &["a".to_owned()], &[series(&["79228162514264337593543950335"])], (300, 100));
        assert!(svg.starts_with("<svg"), "{svg}");
        assert!(draw(Plot::Bars, &[], &[], (300, 100)).starts_with("<svg"));
    }
}
