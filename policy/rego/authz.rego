# Whether one subject may use one dataset for one purpose under one grant.
#
# Every premise must be proven: what is undefined does not hold, and what does not hold denies. The premises' names
# are the contract with the service, which says them in words.
package plinth.authz

# How old the policy data may be.
max_age_ms := 2000

required := {
	"data.fresh",
	"grant.exists",
	"grant.active",
	"period.current",
	"purpose.match",
	"dataset.match",
	"department.match",
	"role.analyst",
	"columns.granted",
	"quota.left",
	"risk.contained",
	"risk.band",
	"query.admitted",
}

# A query's text has been read by the engine's own parser before it is decided; the other actions have no text.
premises := required - {"query.admitted"} if {
	input.action.name in {"preview", "export"}
} else := required

grant := data.grants[input.context.grant]

holds contains "data.fresh" if input.context.data_age_ms <= max_age_ms

holds contains "grant.exists" if grant.id == input.context.grant

holds contains "grant.active" if grant.state == "active"

holds contains "period.current" if {
	grant.not_before <= input.context.now
	input.context.now < grant.not_after
}

holds contains "purpose.match" if grant.purpose == input.context.purpose

holds contains "dataset.match" if grant.dataset == input.resource.id

holds contains "department.match" if grant.department == input.subject.properties.department

holds contains "role.analyst" if "analyst" in input.subject.properties.roles

holds contains "columns.granted" if {
	grant.columns
	every c in input.resource.properties.columns { c in grant.columns }
}

holds contains "quota.left" if input.context.rows_today < quota

holds contains "risk.contained" if risk.contained == false

holds contains "risk.band" if input.action.name in actions_by_band[risk.band]

holds contains "query.admitted" if input.context.admitted == true

# A consumer nobody has scored yet is of low risk.
risk := object.get(data.risk, input.subject.id, {"band": "low", "contained": false})

actions_by_band := {
	"low": {"query", "preview", "export"},
	"medium": {"query", "preview", "export"},
	"high": {"query", "preview"},
	"critical": set(),
}

# Risk lowers the day's rows before it closes the door.
share_by_band := {"low": 100, "medium": 50, "high": 25, "critical": 0}

default quota := 0

quota := floor((grant.rows_per_day * share_by_band[risk.band]) / 100)

failed := premises - holds

default allow := false

allow if {
	count(premises) > 0
	count(failed) == 0
}

default rows := 0

rows := min([input.context.rows_asked, quota - input.context.rows_today]) if allow

obligations contains concat(":", ["mask", column, mask]) if {
	allow
	some column, mask in grant.masks
}

answer := {
	"allow": allow,
	"holds": holds,
	"failed": failed,
	"rows": rows,
	"quota": quota,
	"obligations": obligations,
}
