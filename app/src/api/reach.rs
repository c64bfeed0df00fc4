//! What the caller may do, and in which entities: what he may not is shown disabled, with the reason.

use domain::access::{Action, Role};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    pub email: String,
    /// Entity codes by action.
    pub entities: Vec<(Action, Vec<String>)>,
}

impl Reach {
    fn of(&self, action: Action) -> &[String] {
        self.entities.iter().find(|(a, _)| *a == action).map_or(&[], |(_, codes)| codes)
    }

    /// Of these entities, those in which he may.
    pub fn within<'a>(&self, action: Action, entities: &'a [String]) -> Vec<&'a str> {
        entities.iter().filter(|code| self.of(action).contains(code)).map(String::as_str).collect()
    }

    /// Which role it takes, when he may in none of these entities.
    pub fn why_not(&self, action: Action, entities: &[String]) -> Option<String> {
        if !self.within(action, entities).is_empty() {
            return None;
        }
        Some(needs(action, &entities.join(" or ")))
    }

    /// Which role it takes, when he may not in every one of these entities.
    pub fn why_not_in_all(&self, action: Action, entities: &[String]) -> Option<String> {
        let missing: Vec<String> = entities.iter().filter(|code| !self.of(action).contains(code)).cloned().collect();
        if missing.is_empty() { None } else { Some(needs(action, &missing.join(" and "))) }
    }

    /// The same for one entity.
    pub fn why_not_in(&self, action: Action, entity: &str) -> Option<String> {
        self.why_not(action, &[entity.to_owned()])
    }
}

fn needs(action: Action, entities: &str) -> String {
    let roles: Vec<&str> = Role::ALL.iter().filter(|role| role.may(action)).map(|role| role.label()).collect();
    format!("needs {} role for {entities}", roles.join(" or "))
}

#[cfg(feature = "ssr")]
mod ssr {
    use super::{Action, Reach};
    use crate::api::ApiError;
    use domain::{access::Caller, view::EntityView};

    /// The entities' code and name are nobody's secret within the company; which of them one reaches is in the grants.
    pub async fn entities(ctx: &pipeline::Context) -> Result<Vec<EntityView>, ApiError> {
        let mut conn = ctx.pool.acquire().await.map_err(store::Error::from)?;
        Ok(store::entities::list(&mut conn).await?)
    }

    pub fn reach(caller: &Caller, entities: &[EntityView]) -> Reach {
        let codes = |action: Action| {
            let scope = caller.scope(action);
            entities.iter().filter(|entity| scope.contains(entity.entity_id)).map(|entity| entity.code.clone()).collect()
        };
        Reach { email: caller.email.clone(), entities: Action::ALL.iter().map(|action| (*action, codes(*action))).collect() }
    }
}
#[cfg(feature = "ssr")]
pub(super) use ssr::{entities, reach};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_names_the_roles_and_the_entity() {
        let reach = Reach { email: "a@b".into(), entities: vec![(Action::Replay, vec!["US".into()])] };
        assert_eq!(reach.why_not_in(Action::Replay, "US"), None);
        assert_eq!(reach.why_not_in(Action::Replay, "DE").unwrap(), "needs Controller or Operator role for DE");
        assert_eq!(reach.why_not(Action::Replay, &["DE".into(), "US".into()]), None, "one entity is enough to press");
        assert_eq!(reach.why_not_in_all(Action::Replay, &["DE".into(), "US".into()]).unwrap(), "needs Controller or Operator role for DE");
        assert_eq!(reach.why_not_in_all(Action::Replay, &["US".into()]), None);
        assert_eq!(reach.within(Action::Replay, &["DE".into(), "US".into()]), ["US"]);
        assert!(reach.why_not_in(Action::Approve, "US").unwrap().contains("Approver"));
    }
}
