//! Signing in: one card, one step at a time. Works without a script.

use crate::{
    api::{
        ApiError, form_error,
        session::{Step, sign_in_step},
    },
    components::{Field, Notice, Submit, Tone, nav::Brand},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

#[component]
pub fn LoginPage() -> impl IntoView {
    let step = Resource::new_blocking(|| (), |()| sign_in_step());
    view! {
        <Title text="Sign in"/>
        <main class="gate" id="main">
            <div class="card">
                <h1><Brand/></h1>
                <Suspense>
                    {move || Suspend::new(async move {
                        match step.await {
                            Ok(Step::Password) => view! { <PasswordForm/> }.into_any(),
                            Ok(Step::Code) => view! { <CodeForm/> }.into_any(),
                            Ok(Step::Enrol { secret, url, qr_svg }) => view! { <Enrolment secret url qr_svg/><CodeForm/> }.into_any(),
                            Err(error) => view! { <Notice tone=Tone::Off title=error.to_string()/><StartAgain/> }.into_any(),
                        }
                    })}
                </Suspense>
            </div>
        </main>
    }
}

/// What belongs to no field of the form.
fn notice(error: Option<&ApiError>, fields: &[&str]) -> impl IntoView + use<> {
    error.and_then(|error| error.of_form(fields)).map(|text| view! { <Notice tone=Tone::Off title=text/> })
}

#[component]
fn PasswordForm() -> impl IntoView {
    let error = form_error("sign_in");
    let next = use_query_map().get_untracked().get("next").unwrap_or_default();
    let wrong = error.as_ref().and_then(|error| error.of_field("password"));
    view! {
        <form class="form" method="post" action="/fn/sign_in">
            {notice(error.as_ref(), &["password"])}
            <input type="hidden" name="next" value=next/>
            <Field name="email" label="E-mail" kind="email" autocomplete="username" required=true/>
            <Field name="password" label="Password" kind="password" autocomplete="current-password" required=true error=wrong/>
            <Submit text="Sign in" primary=true/>
        </form>
    }
}

#[component]
fn CodeForm() -> impl IntoView {
    let error = form_error("confirm_code");
    let wrong = error.as_ref().and_then(|error| error.of_field("code"));
    view! {
        <form class="form" method="post" action="/fn/confirm_code">
            {notice(error.as_ref(), &["code"])}
            <Field name="code" label="Code" hint="Six digits from your authenticator app" autocomplete="one-time-code" required=true error=wrong/>
            <Submit text="Continue" primary=true/>
        </form>
        <StartAgain/>
    }
}

/// Shown until the first code of the app is right.
#[component]
fn Enrolment(secret: String, url: String, qr_svg: String) -> impl IntoView {
    view! {
        <p>"Set up an authenticator app: scan this code, or type the secret. Then enter the six digits that it shows."</p>
        <div role="img" aria-label="QR code of the secret" inner_html=qr_svg></div>
        <p><a href=url>"Open in an app on this device"</a></p>
        <p>"Secret: "<code>{secret}</code></p>
    }
}

/// Forgets the first step.
#[component]
fn StartAgain() -> impl IntoView {
    view! { <form method="post" action="/fn/sign_out"><button type="submit" class="quiet">"Start again"</button></form> }
}
