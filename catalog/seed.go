package catalog

import (
	"context"
	"fmt"

	"plinth"
)

// Seed fills an empty catalogue with the datasets of the simulated district: some registered and listed, one closed,
// one under review, one a draft. It walks each through its registration as the steward and the registrar given, so that
// each step has its evidence, and sets the length of public notice to zero by a rule that says why. A catalogue that
// holds anything is left as it is.
func (c *Catalog) Seed(ctx context.Context, steward, registrar plinth.Principal) error {
	_, total, err := c.store.Datasets(ctx, Filter{AllDrafts: true, Limit: 1, Now: c.cfg.Now()})
	if err != nil || total > 0 {
		return err
	}
	asSteward, asRegistrar := plinth.WithPrincipal(ctx, steward), plinth.WithPrincipal(ctx, registrar)
	err = c.AddRule(asRegistrar, Rule{Key: RuleNotice, Value: 0, Source: "demonstration of the simulated district: no public notice"})
	if err != nil {
		return fmt.Errorf("seed the catalogue: %w", err)
	}
	for _, s := range samples {
		d, err := c.Create(asSteward, s.content)
		if err != nil {
			return fmt.Errorf("seed %s: %w", s.content.Title.EN, err)
		}
		for _, a := range s.actions {
			as := asRegistrar
			if a == Submit {
				as = asSteward
			}
			if _, err := c.Act(as, d.Registration, a, ""); err != nil {
				return fmt.Errorf("seed %s: %s: %w", s.content.Title.EN, a, err)
			}
		}
	}
	if _, err := c.PublishOpenList(asSteward, "首期开放清单"); err != nil {
		return fmt.Errorf("seed the open list: %w", err)
	}
	return nil
}

// sample is a dataset of the simulated district and how far its registration goes.
type sample struct {
	content Content
	actions []Action
}

var (
	whole    = []Action{Submit, Accept, Review, Notice, Register}
	toReview = []Action{Submit, Accept, Review}
)

func field(name, zh, en, kind, sensitivity, standard string) Field {
	return Field{Name: name, Title: Text{zh, en}, Type: kind, Grade: "general", Sensitivity: sensitivity, Standard: standard}
}

// of marks a field's grade.
func (f Field) of(grade string) Field { f.Grade = grade; return f }

var samples = []sample{
	{actions: whole, content: Content{
		Title:       Text{"城市运行事件工单", "City operation events"},
		Description: Text{"12345 市民服务热线、网格巡查和智能发现汇聚的城市运行事件，含诉求内容、分类、所属街镇与网格、位置。", "Events of the 12345 hotline, grid patrols and smart discovery, with text, class, street, grid and place."},
		Publisher:   "opcentre", Theme: "city-operation", Keywords: []string{"12345", "热线", "网格", "工单"}, Grade: "important",
		Openness: "conditional", OpennessReason: "含联系电话等个人信息，依申请并脱敏后使用（个人信息保护法）", Frequency: "realtime", Table: "plinth.event",
		Fields: []Field{
			field("source", "来源", "Source", "string", "none", ""),
			field("source_id", "来源编号", "Number at the source", "string", "none", ""),
			field("at", "发生时间", "Time", "datetime", "none", "GB/T 7408.1-2023"),
			field("class", "事件分类", "Class", "string", "none", ""),
			field("title", "标题", "Title", "string", "none", ""),
			field("text", "诉求内容", "Text", "string", "personal", "").of("important"),
			field("street", "街镇", "Street or town", "string", "none", "GB/T 2260"),
			field("grid", "网格", "Grid", "string", "none", "GB/T 34300-2017"),
			field("address", "地址", "Address", "string", "personal", "").of("important"),
			field("longitude", "经度", "Longitude", "decimal", "none", "CGCS2000"),
			field("latitude", "纬度", "Latitude", "decimal", "none", "CGCS2000"),
			field("contact", "联系电话", "Contact", "string", "sensitive", "").of("important"),
		}}},
	{actions: whole, content: Content{
		Title:       Text{"物联感知监测读数", "Sensor readings"},
		Description: Text{"电梯、水表、河道水质、历史建筑和工地噪声感知设备的逐条读数，含质量标志。", "Each reading of the lift, water meter, water quality, heritage building and construction noise sensors, with quality flags."},
		Publisher:   "opcentre", Theme: "city-operation", Keywords: []string{"物联网", "感知", "体征"}, Grade: "general",
		Openness: "unconditional", Frequency: "realtime", Table: "plinth.reading",
		Fields: []Field{
			field("device", "设备编号", "Device", "string", "none", ""),
			field("metric", "指标", "Metric", "string", "none", ""),
			field("at", "测量时间", "Time", "datetime", "none", "GB/T 7408.1-2023"),
			field("seq", "序号", "Sequence", "integer", "none", ""),
			field("value", "数值", "Value", "decimal", "none", ""),
			field("flags", "质量标志", "Quality flags", "integer", "none", ""),
		}}},
	{actions: whole, content: Content{
		Title:       Text{"物联感知设备登记册", "Device register"},
		Description: Text{"接入区城运平台的感知设备名称、类型、位置和运维单位。", "Name, kind, place and keeper of the devices connected to the district's operation platform."},
		Publisher:   "opcentre", Theme: "city-operation", Keywords: []string{"物联网", "设备"}, Grade: "general", Openness: "unconditional", Frequency: "monthly",
		Fields: []Field{
			field("device_id", "设备编号", "Device", "string", "none", ""),
			field("kind", "设备类型", "Kind", "string", "none", ""),
			field("street", "街镇", "Street or town", "string", "none", "GB/T 2260"),
			field("grid", "网格", "Grid", "string", "none", "GB/T 34300-2017"),
			field("installed_on", "安装日期", "Installed on", "date", "none", ""),
		}}},
	{actions: whole, content: Content{
		Title:       Text{"城市管理网格划分", "Grids of city management"},
		Description: Text{"全区十个街镇的管理网格编号、名称、边界与责任单位。", "Number, name, border and responsible unit of the management grids of the ten streets and towns."},
		Publisher:   "opcentre", Theme: "city-operation", Keywords: []string{"网格", "边界"}, Grade: "general", Openness: "unconditional", Frequency: "yearly",
		Fields: []Field{
			field("grid", "网格编号", "Grid", "string", "none", "GB/T 34300-2017"),
			field("name", "网格名称", "Name", "string", "none", ""),
			field("street", "街镇", "Street or town", "string", "none", "GB/T 2260"),
			field("unit", "责任单位", "Responsible unit", "string", "none", ""),
		}}},
	{actions: whole, content: Content{
		Title:       Text{"电梯定期检验结果", "Lift inspections"},
		Description: Text{"住宅和公共场所电梯的定期检验日期、结论和下次检验日期。", "Date, result and next date of the periodic inspection of lifts in housing and public places."},
		Publisher:   "market", Theme: "public-safety", Keywords: []string{"电梯", "特种设备", "检验"}, Grade: "general", Openness: "unconditional", Frequency: "monthly",
		Fields: []Field{
			field("lift_id", "电梯编号", "Lift", "string", "none", ""),
			field("address", "所在地址", "Address", "string", "none", ""),
			field("inspected_on", "检验日期", "Inspected on", "date", "none", ""),
			field("result", "检验结论", "Result", "string", "none", "TSG T7001-2023"),
			field("next_on", "下次检验日期", "Next inspection", "date", "none", ""),
		}}},
	{actions: whole, content: Content{
		Title:       Text{"河道水质监测日报", "Daily water quality of creeks"},
		Description: Text{"区内主要河道断面的 pH、溶解氧、氨氮、总磷日均值与水质类别。", "Daily means of pH, dissolved oxygen, ammonia and phosphorus and the water class of the main creeks."},
		Publisher:   "ecology", Theme: "environment", Keywords: []string{"水质", "河道", "苏州河"}, Grade: "general", Openness: "unconditional", Frequency: "daily",
		Fields: []Field{
			field("section", "断面", "Section", "string", "none", ""),
			field("day", "日期", "Day", "date", "none", ""),
			field("ph", "pH 值", "pH", "decimal", "none", "GB 3838-2002"),
			field("do", "溶解氧", "Dissolved oxygen", "decimal", "none", "GB 3838-2002"),
			field("nh3n", "氨氮", "Ammonia nitrogen", "decimal", "none", "GB 3838-2002"),
			field("grade", "水质类别", "Water class", "string", "none", "GB 3838-2002"),
		}}},
	{actions: whole, content: Content{
		Title:       Text{"独居老人关爱服务名册", "Care register of elderly people living alone"},
		Description: Text{"街镇登记的独居老人及其关爱服务情况，仅供履职使用。", "Elderly people living alone and the care given to them, for official duties alone."},
		Publisher:   "civil", Theme: "civil-affairs", Keywords: []string{"养老", "独居"}, Grade: "important", Openness: "closed",
		OpennessReason: "含敏感个人信息，不予开放（个人信息保护法第二十八条）", Frequency: "monthly",
		Fields: []Field{
			field("person", "姓名", "Name", "string", "sensitive", "").of("important"),
			field("address", "住址", "Address", "string", "sensitive", "").of("important"),
			field("street", "街镇", "Street or town", "string", "none", "GB/T 2260"),
			field("visits", "上门次数", "Visits", "integer", "none", ""),
		}}},
	{actions: toReview, content: Content{
		Title:       Text{"夜间施工噪声许可", "Permits for night construction"},
		Description: Text{"建设工地夜间施工许可的工地、时段与许可单位。", "Site, hours and authority of the permits for construction at night."},
		Publisher:   "ecology", Theme: "construction", Keywords: []string{"噪声", "施工", "许可"}, Grade: "general", Openness: "unconditional", Frequency: "weekly",
		Fields: []Field{
			field("permit", "许可编号", "Permit", "string", "none", ""),
			field("site", "工地", "Site", "string", "none", ""),
			field("starts_at", "开始时间", "From", "datetime", "none", ""),
			field("ends_at", "结束时间", "Until", "datetime", "none", ""),
		}}},
	{content: Content{
		Title:       Text{"优秀历史建筑保护名录", "Register of heritage buildings"},
		Description: Text{"区内优秀历史建筑的名称、地址、保护类别和批次。", "Name, address, class and batch of the protected heritage buildings."},
		Publisher:   "housing", Theme: "culture", Keywords: []string{"历史建筑", "保护"}, Grade: "general", Openness: "unconditional", Frequency: "yearly",
		Fields: []Field{
			field("name", "建筑名称", "Name", "string", "none", ""),
			field("address", "地址", "Address", "string", "none", ""),
			field("class", "保护类别", "Class", "string", "none", ""),
		}}},
}
