//! What an act on many left alone, one by one, with the reason.

use crate::{
    api::bulk::EditView,
    components::{Column, DataTable},
};
use leptos::prelude::*;

#[component]
pub fn LeftAlone(told: EditView) -> AnyView {
    let listed = told.left_alone.len();
    let rows = told.left_alone.into_iter().map(|item| {
        let why = item.why();
        view! {
            <tr>
                <th scope="row"><a href=format!("/exceptions/{}", item.exception_id)>{item.number}</a></th>
                <td data-label="Entity">{item.entity_code}</td>
                <td data-label="Why">{why}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    let note = match usize::try_from(told.edit.left_alone) {
        Ok(all) if all > listed => format!("the first {listed} of {}", domain::money::grouped(all.into())),
        _ => String::new(),
    };
    let columns = ["Exception", "Entity", "Why"].map(Column::text).to_vec();
    view! { <DataTable caption="Left alone" note columns cards=true><tbody>{rows}</tbody></DataTable> }.into_any()
}
