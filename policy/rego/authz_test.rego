package plinth.authz_test

import data.plinth.authz

# One grant that permits, and a question it answers with yes. Each test spoils one thing.
grant := {
	"id": "gr_1",
	"state": "active",
	"dataset": "ds_1",
	"department": "civil",
	"purpose": "statistics",
	"columns": ["at", "class"],
	"masks": {"class": "null"},
	"not_before": 1000,
	"not_after": 2000,
	"rows_per_day": 100,
}

question := {
	"subject": {"type": "user", "id": "ac_1", "properties": {"department": "civil", "roles": ["analyst"]}},
	"action": {"name": "query"},
	"resource": {"type": "dataset", "id": "ds_1", "properties": {"columns": []}},
	"context": {
		"grant": "gr_1", "purpose": "statistics", "now": 1500, "data_age_ms": 0,
		"rows_today": 0, "rows_asked": 10, "admitted": true,
	},
}

ask(q, g, r) := a if {
	a := authz.answer with input as q with data.grants as {"gr_1": g} with data.risk as {"ac_1": r}
}

calm := {"band": "low", "contained": false}

spoiled(path, value) := json.patch(question, [{"op": "replace", "path": path, "value": value}])

bad(path, value) := json.patch(grant, [{"op": "replace", "path": path, "value": value}])

denied_by(a, rules) if {
	not a.allow
	a.failed == rules
	a.rows == 0
}

test_permits_what_is_granted if {
	a := ask(question, grant, calm)
	a.allow
	a.failed == set()
	a.rows == 10
	a.quota == 100
	a.obligations == {"mask:class:null"}
}

test_unknown_consumer_is_low_risk if {
	a := authz.answer with input as question with data.grants as {"gr_1": grant} with data.risk as {}
	a.allow
}

test_rows_are_cut_to_the_quota if {
	a := ask(spoiled("/context/rows_today", 95), grant, calm)
	a.rows == 5
}

test_no_grant if {
	a := ask(spoiled("/context/grant", "gr_2"), grant, calm)
	not a.allow
	"grant.exists" in a.failed
}

test_no_data_denies if {
	not authz.answer.allow with input as question with data.grants as {} with data.risk as {}
}

test_empty_input_denies if {
	a := authz.answer with input as {} with data.grants as {} with data.risk as {}
	not a.allow
}

test_stale if denied_by(ask(spoiled("/context/data_age_ms", 2001), grant, calm), {"data.fresh"})

test_revoked if denied_by(ask(question, bad("/state", "revoked"), calm), {"grant.active"})

test_blocked if denied_by(ask(question, bad("/state", "blocked"), calm), {"grant.active"})

test_before_period if denied_by(ask(spoiled("/context/now", 999), grant, calm), {"period.current"})

test_at_end_of_period if denied_by(ask(spoiled("/context/now", 2000), grant, calm), {"period.current"})

test_other_purpose if denied_by(ask(spoiled("/context/purpose", "supervision"), grant, calm), {"purpose.match"})

test_other_dataset if denied_by(ask(spoiled("/resource/id", "ds_2"), grant, calm), {"dataset.match"})

test_other_department if {
	denied_by(ask(spoiled("/subject/properties/department", "market"), grant, calm), {"department.match"})
}

test_no_role if denied_by(ask(spoiled("/subject/properties/roles", ["department"]), grant, calm), {"role.analyst"})

test_other_column if {
	denied_by(ask(spoiled("/resource/properties/columns", ["at", "contact"]), grant, calm), {"columns.granted"})
}

test_quota_used if denied_by(ask(spoiled("/context/rows_today", 100), grant, calm), {"quota.left"})

test_contained if denied_by(ask(question, grant, {"band": "low", "contained": true}), {"risk.contained"})

test_medium_risk_halves_the_quota if ask(question, grant, {"band": "medium", "contained": false}).quota == 50

test_high_risk_may_not_export if {
	q := spoiled("/action/name", "export")
	denied_by(ask(q, grant, {"band": "high", "contained": false}), {"risk.band"})
}

test_critical_risk if {
	denied_by(ask(question, grant, {"band": "critical", "contained": false}), {"risk.band", "quota.left"})
}

test_unknown_band if {
	denied_by(ask(question, grant, {"band": "fine", "contained": false}), {"risk.band", "quota.left"})
}

test_text_not_admitted if denied_by(ask(spoiled("/context/admitted", false), grant, calm), {"query.admitted"})

test_unknown_action if {
	denied_by(ask(spoiled("/action/name", "delete"), grant, calm), {"risk.band"})
}

test_bare_question_has_no_text if {
	a := ask(json.patch(question, [
		{"op": "replace", "path": "/action/name", "value": "preview"},
		{"op": "replace", "path": "/context/admitted", "value": false},
	]), grant, calm)
	a.allow
}
