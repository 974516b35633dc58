package main

import (
	"fmt"
	"strings"

	"plinth"
	"plinth/internal/district"
	"plinth/policy"
)

// need is what a department of the simulated district asks for: a part of one table, in the catalogue's words.
type need struct {
	table   string
	columns []string
	masks   map[string]policy.Mask // for the columns about people
	filter  []policy.Condition     // none asks for all rows
}

// text is the query that reads the newest rows of the need.
func (n need) text(rows int) string {
	view := n.table[strings.LastIndexByte(n.table, '.')+1:]
	return fmt.Sprintf("SELECT %s FROM %s ORDER BY at DESC LIMIT %d", strings.Join(n.columns, ", "), view, rows)
}

const (
	eventTable   = "plinth.event"
	readingTable = "plinth.reading"
)

// needs are the simulated consumers' datasets as the catalogue knows them.
var needs = map[string]need{
	"hotline-ticket": {table: eventTable, columns: []string{"at", "source", "class", "title", "street", "grid"}},
	"flood-points": {table: eventTable, columns: []string{"at", "class", "title", "street", "grid", "address"},
		masks:  map[string]policy.Mask{"address": policy.MaskPartial},
		filter: []policy.Condition{{Column: "class", Op: policy.StartsWith, Values: []string{"农村农业/水利水电"}}}},
	"elderly-water":    readingsOf("water-meter-"),
	"lift-status":      readingsOf("lift-"),
	"creek-quality":    readingsOf("water-quality-"),
	"site-noise":       readingsOf("construction-noise-"),
	"heritage-monitor": readingsOf("heritage-building-"),
}

func readingsOf(prefix string) need {
	return need{table: readingTable, columns: []string{"device", "metric", "at", "value"},
		filter: []policy.Condition{{Column: "device", Op: policy.StartsWith, Values: []string{prefix}}}}
}

// purposes say the consumers' purposes in the words of the policy.
var purposes = map[string]string{
	"独居老人关爱": "civil-service", "电梯安全监管": "supervision", "水环境治理": "governance", "夜间施工监管": "supervision",
	"热线分析": "statistics", "市容管理": "governance", "历史建筑保护": "supervision", "应急值守": "emergency", "公共卫生": "statistics",
}

// purpose is what a simulated query states. One that no policy knows stays as it is, for the decision to refuse.
func purpose(simulated string) string {
	if id := purposes[simulated]; id != "" {
		return id
	}
	return simulated
}

// ask is a request of the simulated district. Its reason is what it is known by.
type ask struct {
	need
	department plinth.AgentID
	purpose    string
	reason     string
}

// demoAsk gives the demo department something to query at once.
var demoAsk = ask{department: "civil", purpose: "civil-service", reason: "核对涉老诉求的办理情况，安排上门走访（演示）",
	need: need{table: eventTable, columns: []string{"at", "source", "class", "title", "street", "grid", "address", "contact"},
		masks: map[string]policy.Mask{"address": policy.MaskPartial, "contact": policy.MaskPartial}}}

// waitingAsk is left for whoever signs in as the provider.
var waitingAsk = ask{department: "urban", purpose: "supervision", reason: "核查曹杨、长风两街道占道经营的反映，需与反映人核实（演示，待供数部门答复）",
	need: need{table: eventTable, columns: []string{"at", "class", "title", "text", "street", "address", "contact"},
		filter: []policy.Condition{{Column: "street", Op: policy.In, Values: []string{"caoyang", "changfeng"}}}}}

// askOf is what a consumer's department asks for on its behalf.
func askOf(c district.Consumer) ask {
	return ask{need: needs[c.Dataset], department: plinth.AgentID(c.Department), purpose: purpose(c.Purpose),
		reason: fmt.Sprintf("%s（模拟用户 %s）", c.Purpose, c.Account)}
}
