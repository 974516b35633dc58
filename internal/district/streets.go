package district

import "fmt"

// Street is a street or town (街道、镇) of the district.
type Street struct {
	ID     string
	Name   string
	NameEn string
	Shape  Polygon
	Roads  []string
	grids  int
}

// Grid is an urban grid (综合网格) of a street.
type Grid struct {
	ID     string
	Name   string
	NameEn string
	Street string
	Shape  Polygon
}

// corners are the shared corners of the schematic map, near the real junctions of the boundaries.
var corners = map[byte]Point{
	'A': {121.345, 31.272}, 'B': {121.352, 31.300}, 'C': {121.378, 31.298}, 'D': {121.392, 31.283},
	'E': {121.388, 31.264}, 'F': {121.372, 31.252}, 'G': {121.415, 31.279}, 'H': {121.412, 31.262},
	'I': {121.436, 31.274}, 'J': {121.432, 31.259}, 'K': {121.456, 31.268}, 'L': {121.453, 31.251},
	'M': {121.436, 31.249}, 'N': {121.418, 31.244}, 'O': {121.460, 31.243}, 'P': {121.448, 31.232},
	'Q': {121.425, 31.234}, 'R': {121.402, 31.243}, 'T': {121.386, 31.225}, 'U': {121.366, 31.236},
	'V': {121.405, 31.230}, 'W': {121.426, 31.222}, 'X': {121.402, 31.213},
}

// streetPlan draws each street counter-clockwise through the corners; neighbours name the same corners, so they share
// whole edges.
var streetPlan = []struct {
	id, name, nameEn, ring string
	grids                  int
	roads                  []string
}{
	{"caoyang", "曹杨新村街道", "Caoyang Xincun", "RVQN", 7,
		[]string{"兰溪路", "梅岭北路", "枣阳路", "桐柏路", "花溪路", "杏山路", "棠浦路"}},
	{"changfeng", "长风新村街道", "Changfeng Xincun", "TXWQV", 9,
		[]string{"金沙江路", "大渡河路", "云岭东路", "丹巴路", "中江路", "白玉路", "怒江路", "光复西路"}},
	{"changshou", "长寿路街道", "Changshou Road", "QPOLMN", 9,
		[]string{"长寿路", "常德路", "昌化路", "胶州路", "武宁南路", "澳门路", "宜昌路", "安远路", "西康路"}},
	{"ganquan", "甘泉路街道", "Ganquan Road", "HJIG", 7,
		[]string{"甘泉路", "志丹路", "延长西路", "新村路", "子长路", "合阳路", "黄陵路"}},
	{"shiquan", "石泉路街道", "Shiquan Road", "NMJH", 7,
		[]string{"石泉路", "岚皋路", "宁强路", "管弄路", "镇坪路", "平利路"}},
	{"yichuan", "宜川路街道", "Yichuan Road", "MLKIJ", 8,
		[]string{"宜川路", "华阴路", "泰山路", "骊山路", "洛川东路", "中山北路", "交通路"}},
	{"wanli", "万里街道", "Wanli", "EHGD", 6,
		[]string{"新村路西段", "富平路", "水泉路", "万泉路", "真华路", "武威东路"}},
	{"zhenru", "真如镇街道", "Zhenru Town", "RNHE", 8,
		[]string{"兰溪路北段", "真如路", "北石路", "铜川路", "曹杨路", "南大街", "芝川路", "桃浦路"}},
	{"changzheng", "长征镇", "Changzheng Town", "UTVREF", 9,
		[]string{"真北路", "梅川路", "祁连山南路", "怒江北路", "同普路", "清涧路", "真光路", "泸定路"}},
	{"taopu", "桃浦镇", "Taopu Town", "AFEDCB", 10,
		[]string{"祁连山路", "真南路", "雪松路", "白丽路", "绿杨路", "武威路", "金通路", "敦煌路", "永登路"}},
}

func drawStreets() []Street {
	var out []Street
	for _, p := range streetPlan {
		s := Street{ID: p.id, Name: p.name, NameEn: p.nameEn, Roads: p.roads, grids: p.grids}
		for i := range len(p.ring) {
			s.Shape = append(s.Shape, corners[p.ring[i]])
		}
		out = append(out, s)
	}
	return out
}

func cutGrids(s Street) []Grid {
	var out []Grid
	for i, shape := range s.Shape.split(s.grids) {
		out = append(out, Grid{
			ID: fmt.Sprintf("%s-%02d", s.ID, i+1), Street: s.ID, Shape: shape,
			Name: fmt.Sprintf("%s第%d网格", s.Name, i+1), NameEn: fmt.Sprintf("%s grid %d", s.NameEn, i+1),
		})
	}
	return out
}

// GridAt returns the grid that holds p, or false outside the district.
func (d *District) GridAt(p Point) (Grid, bool) {
	for _, g := range d.grids {
		if g.Shape.Contains(p) {
			return g, true
		}
	}
	return Grid{}, false
}
