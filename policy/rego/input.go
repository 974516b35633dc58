package rego

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"plinth/policy"
)

// Terms of the input's keys, made once.
var (
	kSubject, kAction, kResource, kContext = key("subject"), key("action"), key("resource"), key("context")
	kID, kName, kProperties, kType         = key("id"), key("name"), key("properties"), key("type")
	kDepartment, kRoles, kColumns          = key("department"), key("roles"), key("columns")
	kGrant, kPurpose, kNow, kAge           = key("grant"), key("purpose"), key("now"), key("data_age_ms")
	kRowsToday, kRowsAsked, kAdmitted      = key("rows_today"), key("rows_asked"), key("admitted")
)

func key(s string) *ast.Term { return ast.StringTerm(s) }

// input is the question in the shape of an AuthZEN evaluation. A question without a dataset means the grant's.
func (e *Engine) input(q policy.Question, g policy.Grant) ast.Value {
	dataset := q.Dataset
	if dataset == "" {
		dataset = g.Dataset
	}
	roles := make([]*ast.Term, len(q.Subject.Roles))
	for i, r := range q.Subject.Roles {
		roles[i] = ast.StringTerm(string(r))
	}
	return object(
		pair(kSubject, object(pair(kType, ast.String("user")), pair(kID, ast.String(q.Subject.Account)),
			pair(kProperties, object(pair(kDepartment, ast.String(q.Subject.Department)), pair(kRoles, ast.NewArray(roles...)))))),
		pair(kAction, object(pair(kName, ast.String(q.Action)))),
		pair(kResource, object(pair(kType, ast.String("dataset")), pair(kID, ast.String(dataset)),
			pair(kProperties, object(pair(kColumns, list(q.Columns)))))),
		pair(kContext, object(pair(kGrant, ast.String(q.Grant)), pair(kPurpose, ast.String(q.Purpose)),
			pair(kNow, number(q.At.UnixMilli())), pair(kAge, number(e.age())),
			pair(kRowsToday, number(q.RowsToday)), pair(kRowsAsked, number(q.RowsAsked)),
			pair(kAdmitted, ast.Boolean(q.Text != "" && q.Admission == nil)))),
	)
}

// age is how old the data is in milliseconds; very old before the first load.
func (e *Engine) age() int64 {
	if e.asOf.IsZero() {
		return int64(time.Hour / time.Millisecond)
	}
	return e.now().Sub(e.asOf).Milliseconds()
}

func object(pairs ...[2]*ast.Term) ast.Value { return ast.NewObject(pairs...) }

func pair(k *ast.Term, v ast.Value) [2]*ast.Term { return [2]*ast.Term{k, ast.NewTerm(v)} }

func list(texts []string) ast.Value {
	terms := make([]*ast.Term, len(texts))
	for i, s := range texts {
		terms[i] = ast.StringTerm(s)
	}
	return ast.NewArray(terms...)
}

func number(n int64) ast.Value { return ast.Number(num(n)) }

// num is a whole number as OPA's store keeps numbers.
func num(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }
