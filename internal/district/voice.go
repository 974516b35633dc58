package district

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// voice is one person's way of telling: how they name the place, the time and the matter.
type voice struct {
	r      *rand.Rand
	in     Incident
	street string
	at     time.Time
	named  string // how this person names the place, chosen once
	saw    string // the detail as this person has it, chosen once
}

var (
	surnames = strings.Split("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文", "")
	openings = []string{"", "", "你好，", "您好，", "市民来电反映：", "来电人表示，", "领导你好，", "尊敬的领导：", "我是附近居民，", "市民%s先生称，", "市民%s女士反映，",
		"%s阿姨来电：", "再次反映！", "诉求人称：", "投诉，", "我住在旁边，"}
	soothers = []string{"", "", "", "谢谢！", "请回电。", "望重视。", "急！", "麻烦了。", "已经打过一次电话了。", "拜托了！", "请尽快回复处理结果。"}
	commas   = []string{"，", "，", "，", "。", "！", "；"}
)

// place is how this person names the place, one way throughout.
func (v *voice) place() string {
	if v.named == "" {
		v.named = v.slip(v.name())
	}
	return v.named
}

func (v *voice) name() string {
	p := v.in.Place
	switch p.Kind {
	case Community:
		return pick(v.r, []string{
			p.Name, p.Name + "小区", fmt.Sprintf("%s%d弄", p.Road, p.Lane), fmt.Sprintf("%s%d弄%s", p.Road, p.Lane, p.Name),
			fmt.Sprintf("普陀区%s%d弄%s", p.Road, p.Lane, p.Name), fmt.Sprintf("%s（%s%d弄）", p.Name, p.Road, p.Lane),
			p.Road + p.Name, p.Name + "门口"})
	case Construction:
		return pick(v.r, []string{
			p.Name, fmt.Sprintf("%s%d号", p.Road, p.Lane), fmt.Sprintf("%s%d号工地", p.Road, p.Lane), p.Road + "上的工地",
			fmt.Sprintf("%s近%s的工地", p.Road, p.Cross), p.Road + p.Name, fmt.Sprintf("%s%s路口工地", p.Road, p.Cross)})
	case Creek:
		return pick(v.r, []string{p.Name, p.Name + p.Road + "桥", fmt.Sprintf("%s（%s段）", p.Name, p.Road), p.Road + "边上的" + p.Name, p.Name + "靠近" + p.Road})
	case RoadSection:
		return pick(v.r, []string{
			p.Road + "近" + p.Cross, p.Road + p.Cross + "路口", p.Road + "靠近" + p.Cross, p.Road + "（" + p.Cross + "口）",
			p.Cross + p.Road + "交叉口", p.Road + "上", fmt.Sprintf("%s%d号附近", p.Road, p.Lane)})
	default:
		return pick(v.r, []string{
			fmt.Sprintf("%s%d号", p.Road, p.Lane), fmt.Sprintf("%s%d号%s", p.Road, p.Lane, p.Name), p.Road + p.Name, p.Road + "的" + p.Name,
			fmt.Sprintf("%s（%s%d号）", p.Name, p.Road, p.Lane)})
	}
}

// slip makes a small mistake now and then: full-width digits, 弄 for 号, a lost 路.
func (v *voice) slip(s string) string {
	switch v.r.IntN(24) {
	case 0:
		return strings.Map(func(c rune) rune {
			if c >= '0' && c <= '9' {
				return c - '0' + '０'
			}
			return c
		}, s)
	case 1:
		return strings.Replace(s, "弄", "号", 1)
	case 2:
		return strings.Replace(s, "路", "", 1)
	case 3:
		return strings.Replace(s, "近", "，靠近", 1)
	case 4:
		return v.street + s
	default:
		return s
	}
}

// address is what the operator types into the address field; it may be empty.
func (v *voice) address() string {
	p := v.in.Place
	switch v.r.IntN(10) {
	case 0:
		return ""
	case 1, 2:
		return v.place()
	case 3:
		return v.slip(v.name())
	case 4, 5, 6:
		return v.slip("普陀区" + p.Address())
	case 7:
		return v.street + p.Address()
	default:
		return p.Address()
	}
}

func (v *voice) when() string {
	local := v.at.In(Shanghai)
	hour := local.Hour()
	var rough string
	switch {
	case hour < 5:
		rough = pick(v.r, []string{"半夜", "凌晨", "后半夜", "大半夜"})
	case hour < 9:
		rough = pick(v.r, []string{"一大早", "今天早上", "早上"})
	case hour < 12:
		rough = pick(v.r, []string{"上午", "今天上午"})
	case hour < 14:
		rough = pick(v.r, []string{"中午", "今天中午"})
	case hour < 18:
		rough = pick(v.r, []string{"下午", "今天下午"})
	case hour < 22:
		rough = pick(v.r, []string{"晚上", "今晚", "傍晚"})
	default:
		rough = pick(v.r, []string{"深夜", "这么晚了", "夜里"})
	}
	if chance(v.r, .3) {
		return fmt.Sprintf("%s%d点多", rough, (hour+11)%12+1)
	}
	return rough
}

// detail is what all witnesses speak of, but one in five has it otherwise.
func (v *voice) detail() string {
	if v.saw == "" {
		v.saw = v.in.Detail
		if chance(v.r, .2) {
			v.saw = pick(v.r, v.in.story.details)
		}
	}
	return v.saw
}

// fill puts the place, the time and the detail into a text.
func (v *voice) fill(s string) string {
	return strings.NewReplacer("{p}", v.place(), "{t}", v.when(), "{d}", v.detail()).Replace(s)
}

func (v *voice) title() string {
	s := v.fill(pick(v.r, v.in.story.titles))
	if !strings.Contains(s, v.place()) && chance(v.r, .45) {
		s = v.place() + s
	}
	return s
}

func (v *voice) text() string {
	st, r := v.in.story, v.r
	what := v.fill(pick(r, st.what))
	if chance(r, .8) || v.in.Place.Kind == Creek {
		what = pick(r, []string{v.place() + what, v.place() + "，" + what, "在" + v.place() + "，" + what, v.place() + "这边" + what, "反映" + v.place() + what})
	}
	opening := pick(r, openings)
	if strings.Contains(opening, "%s") {
		opening = fmt.Sprintf(opening, pick(r, surnames))
	}
	parts := []string{what}
	for range 1 + r.IntN(2) {
		if e := pick(r, st.effects); !strings.Contains(strings.Join(parts, ""), e) {
			parts = append(parts, e)
		}
	}
	ask := pick(r, st.asks)
	if chance(r, .12) {
		parts = append([]string{ask}, parts...)
	} else if chance(r, .9) {
		parts = append(parts, ask)
	}
	var b strings.Builder
	b.WriteString(opening)
	for i, p := range parts {
		b.WriteString(p)
		if i < len(parts)-1 {
			b.WriteString(pick(r, commas))
		}
	}
	end := pick(r, soothers)
	if end != "" {
		return b.String() + pick(r, []string{"。", "！"}) + end
	}
	return b.String() + pick(r, []string{"。", "。", "！", ""})
}
