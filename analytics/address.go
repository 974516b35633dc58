package analytics

import (
	"slices"
	"strings"
	"unicode"
)

// An address in a sentence has no marks around it, and no gazetteer is assumed. What can be found is what ends in a
// telling character: a road (…路), a lane or house number (914弄), a name (…新村). Each becomes a token of fixed length
// before the ending, so that the same place gives the same token whatever words stand before it.

// places are the tokens of an address.
type places struct {
	roads  []string // the two characters before 路, 街, 道 and the ending
	exact  []string // a road's token with the number that follows it
	number []string // numbers with their unit
	names  []string // the two characters before the ending of an estate, a site, a creek, with the ending
}

func (p places) empty() bool {
	return len(p.roads)+len(p.exact)+len(p.number)+len(p.names) == 0
}

const roadEndings = "路街道"

// nameEndings end the names of estates, sites and waters; longer ones first.
var nameEndings = []string{"新村", "北苑", "南苑", "东苑", "西苑", "花园", "家园", "名邸", "公寓", "雅苑", "华庭", "豪庭", "嘉苑", "一村", "二村",
	"三村", "四村", "五村", "六村", "七村", "八村", "九村", "大厦", "广场", "大楼", "旧址", "仓库", "大殿", "小区", "项目", "工程", "学校", "医院", "市场",
	"公园", "河", "港", "浦", "浜"}

// addressEndings are those and some that would find too much in a sentence.
var addressEndings = append(slices.Clone(nameEndings), "苑", "里", "城", "村", "园")

// notBefore are characters that a name does not hold right before its ending, so that 我们小区 is no name.
const notBefore = "的在我们这该本个我整旧老家各到路弄号边上从住往和与跟及有是，"

// withoutArea drops the administrative prefix: it says nothing inside a district and would make roads of 新村街道.
var withoutArea = strings.NewReplacer("上海市", "", "普陀区", "", "街道", "　")

// placesOf finds the places of an address field, where every ending counts, and of sentences, where some do not.
func placesOf(address string, sentences ...string) places {
	var p places
	p.scan(widthFold(withoutArea.Replace(address)), addressEndings)
	for _, s := range sentences {
		p.scan(widthFold(withoutArea.Replace(s)), nameEndings)
	}
	for _, list := range []*[]string{&p.roads, &p.exact, &p.number, &p.names} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return p
}

func widthFold(s string) []rune {
	out := []rune(s)
	if len(out) > maxRunes {
		out = out[:maxRunes]
	}
	for i, c := range out {
		if c >= '！' && c <= '～' {
			out[i] = c - ('！' - '!')
		}
	}
	return out
}

func (p *places) scan(s []rune, endings []string) {
	road, roadEnd := "", -1
	for i := 0; i < len(s); i++ {
		switch {
		case strings.ContainsRune(roadEndings, s[i]) && han(s, i-2, i):
			road, roadEnd = string(s[i-2:i+1]), i+1
			p.roads = append(p.roads, road)
		case s[i] >= '0' && s[i] <= '9':
			j := i
			for j < len(s) && s[j] >= '0' && s[j] <= '9' {
				j++
			}
			if j < len(s) && j-i <= 5 && strings.ContainsRune("弄号", s[j]) {
				// 弄 and 号 are mixed up by callers: the number is what counts.
				p.number = append(p.number, string(s[i:j]))
				if i == roadEnd {
					p.exact = append(p.exact, road+string(s[i:j]))
				}
			}
			i = j - 1
		default:
			if name, ok := nameEndingAt(s, i, endings); ok {
				p.names = append(p.names, name)
			}
		}
	}
}

// nameEndingAt returns the token of a name whose ending begins at i.
func nameEndingAt(s []rune, i int, endings []string) (string, bool) {
	if i < 2 || !han(s, i-2, i) || strings.ContainsRune(notBefore, s[i-1]) || strings.ContainsRune(notBefore, s[i-2]) {
		return "", false
	}
	if slices.Contains(endings, string(s[i-2:i])) {
		return "", false // 名邸小区: the name was found at 名邸
	}
	for _, end := range endings {
		e := []rune(end)
		if i+len(e) > len(s) || !slices.Equal(s[i:i+len(e)], e) {
			continue
		}
		if end == "河" && i+1 < len(s) && strings.ContainsRune("里面水道长边岸", s[i+1]) {
			return "", false // 往河里, 巡河道: a creek, but not its name
		}
		return string(s[i-2 : i+len(e)]), true
	}
	return "", false
}

// han tells whether s[from:to] lies inside s and is all Chinese characters.
func han(s []rune, from, to int) bool {
	if from < 0 {
		return false
	}
	for _, c := range s[from:to] {
		if !unicode.Is(unicode.Han, c) {
			return false
		}
	}
	return true
}

// keys are the tokens by which events of one place are looked up.
func (p places) keys() []string {
	out := make([]string, 0, len(p.exact)+len(p.names)+1)
	for _, s := range p.exact {
		out = append(out, "x"+s)
	}
	for _, s := range p.names {
		out = append(out, "n"+s)
	}
	for _, s := range p.roads {
		out = append(out, "r"+s)
	}
	return out
}

// add joins another's tokens.
func (p *places) add(q places) {
	for _, pair := range [][2]*[]string{{&p.roads, &q.roads}, {&p.exact, &q.exact}, {&p.number, &q.number}, {&p.names, &q.names}} {
		for _, s := range *pair[1] {
			if i, found := slices.BinarySearch(*pair[0], s); !found {
				*pair[0] = slices.Insert(*pair[0], i, s)
			}
		}
	}
}

// agreement compares two places' tokens and names the level, best first.
func (p places) agreement(q places) string {
	names, exact, roads := common(p.names, q.names), common(p.exact, q.exact), common(p.roads, q.roads)
	switch {
	case p.empty() || q.empty():
		return unknown
	case exact != "" && names != "":
		return "number and name"
	case exact != "":
		return "road and number"
	case names != "" && len(p.exact) > 0 && len(q.exact) > 0:
		return "name, other number"
	case names != "" && roads != "":
		return "name and road"
	case names != "":
		return "name"
	case countCommon(p.roads, q.roads) >= 2:
		return "two roads"
	case common(p.number, q.number) != "" && roads != "":
		return "road, number apart"
	case roads != "" && len(p.exact) > 0 && len(q.exact) > 0:
		return "road, other number"
	case roads != "":
		return "road"
	case len(p.roads) > 0 && len(q.roads) > 0:
		return "other road"
	default:
		return "nothing in common"
	}
}

// common returns the first element of both sorted lists.
func common(a, b []string) string {
	for _, s := range a {
		if _, found := slices.BinarySearch(b, s); found {
			return s
		}
	}
	return ""
}

func countCommon(a, b []string) (n int) {
	for _, s := range a {
		if _, found := slices.BinarySearch(b, s); found {
			n++
		}
	}
	return n
}
