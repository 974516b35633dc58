package analytics

import (
	"strings"
	"time"
)

// classRules says, by prefix of the class standard, for how long reports of one matter are expected to keep coming.
// Version 2026-11. Source: the handling limits by class of GB/T 30428.8 read as upper bounds; a later issue puts them
// into the catalogue's standards, where a steward keeps them.
var classRules = []struct {
	prefix  string
	horizon time.Duration
}{
	{"商贸旅游/质监检验检疫/特种设备管理", 3 * time.Hour}, // people in a lift
	{"城乡建设/城市建设和市政管理/燃气供应", 4 * time.Hour},
	{"城乡建设/城市建设和市政管理/电力供应", 6 * time.Hour},
	{"政法/交通管理", 6 * time.Hour},
	{"环境保护/环境污染/噪音污染", 7 * time.Hour},
	{"农村农业/水利水电/防汛抗旱", 8 * time.Hour},
	{"城乡建设/城市建设和市政管理/自来水供应", 10 * time.Hour},
	{"环境保护/环境污染/水污染", 24 * time.Hour},
	{"城乡建设/城市建设和市政管理/园林绿化", 24 * time.Hour},
	{"环境保护/环境污染/大气污染", 32 * time.Hour},
	{"城乡建设/住房保障与房地产", 36 * time.Hour},
	{"城乡建设/城市建设和市政管理/环境卫生", 48 * time.Hour},
	{"政法/社会治安/消防安全", 48 * time.Hour},
	{"城乡建设/城市建设和市政管理/城市公共设施", 60 * time.Hour},
	{"城乡建设/城市建设和市政管理/基础设施", 72 * time.Hour},
}

const (
	usualHorizon = 24 * time.Hour
	maxHorizon   = 72 * time.Hour
)

// horizonOf returns for how long reports of a matter of the class are expected.
func horizonOf(class string) time.Duration {
	for _, r := range classRules {
		if strings.HasPrefix(class, r.prefix) {
			return r.horizon
		}
	}
	return usualHorizon
}

// kinship names how two classes of the standard are related.
func kinship(a, b string) string {
	switch {
	case a == "" || b == "":
		return unknown
	case a == b:
		return "same"
	case level(a, 2) == level(b, 2):
		return "siblings"
	case level(a, 1) == level(b, 1):
		return "same top"
	default:
		return "different"
	}
}

// level is the class up to its nth part.
func level(class string, n int) string {
	for i := range len(class) {
		if class[i] == '/' {
			if n--; n == 0 {
				return class[:i]
			}
		}
	}
	return class
}
