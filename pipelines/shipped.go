package pipelines

import (
	"maps"
	"slices"
	"strings"

	"plinth"
)

// ShippedStream is the pipeline of a kind of device's messages.
func ShippedStream(domain string, owner plinth.AgentID) Declaration {
	zh := shippedTitles[domain]
	if zh == "" {
		zh = domain
	}
	return Declaration{ID: domain, Title: Label{ZH: zh + "数据流", EN: "Stream of " + strings.ReplaceAll(domain, "_", " ")}, Kind: StreamPipeline,
		Source: Intake{Domain: domain}, Sink: ToReadings, Owner: owner}
}

// shippedTitles are the kinds' names in Chinese.
var shippedTitles = map[string]string{"lift": "电梯", "water_meter": "水表", "water_quality": "水质", "heritage_building": "历史建筑",
	"construction_noise": "工地噪声"}

// ShippedHTTP is the pipeline of readings that callers send.
func ShippedHTTP(owner plinth.AgentID) Declaration {
	return Declaration{ID: HTTPID, Title: Label{ZH: "接口上报读数", EN: "Readings by HTTP"}, Kind: HTTPPipeline, Sink: ToReadings, Owner: owner}
}

// ShippedFiles are the pipelines of files, one of each mapping, by name.
func ShippedFiles(ms map[string]*Mapping, owner plinth.AgentID) []Declaration {
	var out []Declaration
	for _, name := range slices.Sorted(maps.Keys(ms)) {
		m := ms[name]
		out = append(out, Declaration{ID: m.Name, Title: m.Title, Kind: FilePipeline, Mapping: m.Name, Sink: m.Target, Owner: owner})
	}
	return out
}
