package district

import (
	"fmt"
	"math/rand/v2"
)

// PlaceKind is what stands at a place.
type PlaceKind string

// The kinds of place.
const (
	Community    PlaceKind = "community"    // 居民小区
	Construction PlaceKind = "construction" // 工地
	Creek        PlaceKind = "creek"        // 河道断面
	Heritage     PlaceKind = "heritage"     // 历史保护建筑
	RoadSection  PlaceKind = "road"         // 路段
	Shopfront    PlaceKind = "shopfront"    // 沿街商铺
)

// Place is somewhere that things happen and devices stand.
type Place struct {
	ID     string
	Kind   PlaceKind
	Name   string
	Street string
	Grid   string
	Road   string
	Cross  string // a road that crosses nearby
	Lane   int    // 弄号 or 门牌号
	At     Point
}

// Address is the place as an official would write it.
func (p Place) Address() string {
	switch p.Kind {
	case Community:
		return fmt.Sprintf("%s%d弄%s", p.Road, p.Lane, p.Name)
	case RoadSection:
		return fmt.Sprintf("%s近%s", p.Road, p.Cross)
	case Creek:
		return fmt.Sprintf("%s%s桥", p.Name, p.Road)
	default:
		return fmt.Sprintf("%s%d号%s", p.Road, p.Lane, p.Name)
	}
}

// Parts of invented names. A community's name joins a head and a tail; twins such as 北苑 and 南苑 arise by chance and
// are welcome: they are the look-alikes that fusion must tell apart.
var (
	communityHeads = []string{"兰馨", "梅川", "金沙", "清水", "怡和", "阳光", "中远", "绿洲", "同济", "文华", "海鑫", "品尊", "新湖",
		"银都", "恒盛", "月星", "天汇", "秀水", "锦绣", "泾阳", "双山", "建德", "东旺", "康泰", "芙蓉", "百合", "丁香", "紫藤", "玉兰",
		"樱花", "香樟", "枫桥", "白玉", "石岚", "管弄", "武宁", "普雄", "沙田", "合利", "未来", "祥和", "李子园", "真源", "杨家桥",
		"府村", "大华", "华池", "静宁", "灵石", "平江", "龙潭", "凤城", "西部", "秋月", "春江", "长城", "河滨", "半岛", "星光", "太阳"}
	communityTails = []string{"新村", "北苑", "南苑", "东苑", "西苑", "花园", "家园", "名邸", "公寓", "小区", "一村", "二村", "三村",
		"雅苑", "华庭", "豪庭", "嘉苑", "里"}
	builderHeads  = []string{"申城", "浦江", "东方", "华东", "沪西", "宏远", "建中", "隧道", "市政", "城投"}
	projectTails  = []string{"商办综合楼项目", "地块住宅项目", "旧改安置房项目", "学校迁建工程", "地铁车站附属工程", "雨污分流工程", "桥梁拓宽工程", "园区厂房项目"}
	creekNames    = []string{"苏州河", "桃浦河", "真如港", "彭越浦", "横港", "木渎港", "新槎浦", "李家浜", "大场浦", "朝阳河"}
	heritageNames = []string{"老啤酒厂酿造楼", "面粉厂旧址", "老弄堂石库门群", "纺织厂老仓库", "救火会旧楼", "古寺大殿", "工人新村示范楼", "造币厂老楼",
		"沪西老教堂", "栈桥旧址", "老火车站站房", "印钞厂旧楼"}
	shopNames = []string{"川味小馆", "东北烧烤", "兰州拉面", "大排档", "小龙虾馆", "棋牌室", "KTV", "健身房", "早点铺", "奶茶店", "洗车行", "快递驿站", "生鲜超市", "五金店"}
)

// buildPlaces puts about eleven places into every grid.
func buildPlaces(seed uint64, streets []Street, grids []Grid) []Place {
	roads := map[string][]string{}
	for _, s := range streets {
		roads[s.ID] = s.Roads
	}
	var out []Place
	for gi, g := range grids {
		r := dice(seed, word("places"), uint64(gi))
		add := func(kind PlaceKind, name string) {
			p := placeIn(r, g, roads[g.Street], kind, name)
			p.ID = fmt.Sprintf("%s-p%04d", g.ID, len(out))
			out = append(out, p)
		}
		for range 5 {
			add(Community, pick(r, communityHeads)+pick(r, communityTails))
		}
		add(Construction, pick(r, builderHeads)+pick(r, projectTails))
		add(RoadSection, "")
		add(RoadSection, "")
		add(Shopfront, pick(r, shopNames))
		if gi%2 == 0 {
			add(Creek, creekNames[(gi/2)%len(creekNames)])
		} else if gi%3 == 0 {
			add(Heritage, heritageNames[(gi/3)%len(heritageNames)])
		}
	}
	return out
}

func placeIn(r *rand.Rand, g Grid, roads []string, kind PlaceKind, name string) Place {
	i := r.IntN(len(roads))
	at := g.Shape.At(r.Float64(), r.Float64())
	return Place{
		Kind: kind, Name: name, Street: g.Street, Grid: g.ID, Road: roads[i],
		Cross: roads[(i+1+r.IntN(len(roads)-1))%len(roads)], Lane: 10 + 2*r.IntN(500),
		At: Point{round(at.Lon, 6), round(at.Lat, 6)},
	}
}
