package district

import "time"

// story is a kind of incident: where and when it happens, who sees it, and how people speak of it. In texts {p} is the
// place, {t} a time, {d} a detail that all witnesses of one incident share.
type story struct {
	kind    string
	class   string   // by the class standard of the city's hotline
	also    []string // classes that an operator may choose instead
	at      []PlaceKind
	hours   [][2]int // local hours in which it may begin, [from, to)
	lasts   [2]time.Duration
	reach   float64 // metres around the place from which people report
	weight  int     // how often it happens
	crowd   float64 // the chance that several people report it
	most    int     // at most so many reports
	camera  float64 // the chance that a camera sees it
	patrol  float64 // the chance that a grid worker reports it
	device  Kind    // the devices at the place that feel it
	details []string
	titles  []string
	what    []string
	effects []string
	asks    []string
	patrols []string
	seen    []string // what the camera's recogniser calls it
}

const (
	noiseClass    = "环境保护/环境污染/噪音污染"
	liftClass     = "商贸旅游/质监检验检疫/特种设备管理"
	waterClass    = "城乡建设/城市建设和市政管理/自来水供应"
	cleanClass    = "城乡建设/城市建设和市政管理/环境卫生"
	floodClass    = "农村农业/水利水电/防汛抗旱"
	trafficClass  = "政法/交通管理/交通安全管理"
	creekClass    = "环境保护/环境污染/水污染"
	airClass      = "环境保护/环境污染/大气污染"
	fireClass     = "政法/社会治安/消防安全"
	powerClass    = "城乡建设/城市建设和市政管理/电力供应"
	repairClass   = "城乡建设/住房保障与房地产/修缮装修"
	roadClass     = "城乡建设/城市建设和市政管理/基础设施"
	urbanClass    = "城乡建设/城市建设和市政管理/城管执法"
	publicClass   = "城乡建设/城市建设和市政管理/城市公共设施"
	propertyClass = "城乡建设/住房保障与房地产/物业服务"
	safetyClass   = "城乡建设/安全生产/安全隐患"
	gasClass      = "城乡建设/城市建设和市政管理/燃气供应"
	greenClass    = "城乡建设/城市建设和市政管理/园林绿化"
)

var stories = []story{
	{
		kind: "night_construction", class: noiseClass, also: []string{"城乡建设/工程质量/施工安全", urbanClass},
		at: []PlaceKind{Construction}, hours: [][2]int{{22, 24}, {0, 3}}, lasts: [2]time.Duration{90 * time.Minute, 5 * time.Hour},
		reach: 180, weight: 10, crowd: .6, most: 7, camera: .4, patrol: .3, device: ConstructionNoise,
		details: []string{"打桩", "浇混凝土", "电锯声", "渣土车进出", "卸钢筋", "挖掘机", "破碎锤", "敲打模板"},
		titles:  []string{"夜间施工扰民", "{p}夜间施工噪音", "工地半夜{d}", "投诉{p}深夜施工", "反映工地夜间噪声大", "工地通宵施工影响休息"},
		what: []string{"工地{t}还在施工，{d}声音特别大", "{t}仍有{d}作业，机器轰鸣", "半夜不停地{d}，吵得没法睡", "{t}开始施工，一直没有停，主要是{d}",
			"工地灯火通明，{d}，噪音非常刺耳", "施工单位违规夜间作业，{d}持续不断", "又在夜里赶工，{d}，整栋楼都听得到"},
		effects: []string{"家里有老人和小孩，根本无法入睡", "明天还要上班，严重影响休息", "孩子马上要考试，睡不了觉", "关了窗户也没有用", "楼上楼下邻居都被吵醒了",
			"打过保安电话没人理", "已经连续几天这样了", "心脏不好的老人受不了"},
		asks:    []string{"要求立即停止夜间施工", "请城管来现场查处", "希望核实有没有夜间施工许可", "要求相关部门制止并回复", "请马上派人处理", "希望环保部门测一下分贝"},
		patrols: []string{"巡查发现{p}夜间违规施工，现场有{d}，未见公示夜间施工许可", "夜间巡查：{p}仍在作业（{d}），已联系工地负责人", "{p}夜间施工，居民反映强烈，现场劝阻"},
		seen:    []string{"夜间施工", "工地夜间作业", "渣土车夜间出入"},
	}, {
		kind: "lift_trapped", class: liftClass, also: []string{propertyClass, safetyClass},
		at: []PlaceKind{Community}, hours: [][2]int{{6, 23}}, lasts: [2]time.Duration{30 * time.Minute, 100 * time.Minute},
		reach: 60, weight: 8, crowd: .55, most: 5, camera: .2, patrol: .35, device: Lift,
		details: []string{"3号楼", "6号楼", "9号楼", "12号楼", "15号楼", "18号楼", "21号楼", "27号楼"},
		titles:  []string{"电梯困人", "{p}电梯故障关人", "被困电梯求助", "{d}电梯停了有人被困", "电梯突然停运，里面有人", "电梯坏了关在里面"},
		what: []string{"{d}电梯{t}突然停住，里面困了人", "有人被关在{d}电梯里出不来，按了紧急按钮没人应答", "{d}的电梯卡在两层中间，里面有老人和小孩", "电梯故障困人，位置是{d}",
			"{t}乘{d}电梯时电梯猛地一震就不动了", "{d}电梯门打不开，里面的人在拍门呼救", "电梯坏了把人关住，{d}，物业电话打不通"},
		effects: []string{"里面很闷，老人有点头晕", "已经困了二十多分钟", "这部电梯这个月坏了三次", "孩子吓得一直哭", "维保单位说要半小时才到", "里面信号不好", "居民都很担心"},
		asks:    []string{"请赶快派人救援", "要求物业和维保马上到场", "希望彻底检修电梯", "请特种设备部门查一下维保记录", "要求尽快放人并给说法"},
		patrols: []string{"{p}{d}电梯困人，维保已在途", "接居民反映{p}{d}电梯停运困人，现场安抚", "网格员到场：{p}{d}电梯故障，有人员被困"},
		seen:    []string{"电梯长时间停滞有人", "轿厢内人员滞留"},
	}, {
		kind: "burst_pipe", class: waterClass, also: []string{roadClass, floodClass},
		at: []PlaceKind{RoadSection, Community}, hours: [][2]int{{0, 24}}, lasts: [2]time.Duration{2 * time.Hour, 8 * time.Hour},
		reach: 250, weight: 7, crowd: .7, most: 9, camera: .45, patrol: .5,
		details: []string{"路口", "人行道", "门口的绿化带", "公交站旁", "地下车库入口", "井盖处"},
		titles:  []string{"水管爆裂", "{p}自来水管爆了", "马路冒水", "爆管停水", "{p}漏水严重", "家中突然停水，路上在冒水"},
		what: []string{"水管爆裂，{d}往外喷水", "{d}有自来水管爆了，水流了一地", "{t}开始{d}大量冒水，路面都淹了", "主水管漏水，{d}水柱有一人多高",
			"家里{t}突然没水，下楼看到{d}水管破了", "{d}地面塌了一块，自来水一直往上涌"},
		effects: []string{"整个小区都停水了，没法做饭", "水已经漫到马路中间，电动车都滑倒了", "白白浪费这么多水", "一楼快进水了", "水压很小，楼上完全没水", "车子过不去"},
		asks:    []string{"请自来水公司赶紧抢修", "请尽快关阀维修", "希望告知什么时候恢复供水", "要求安排送水车", "请马上派人来看"},
		patrols: []string{"{p}供水管道破裂，{d}积水约十厘米，已放置警示桩", "巡查发现{p}爆管，已通知供水企业", "{p}{d}自来水外溢，影响通行"},
		seen:    []string{"路面大面积积水", "道路喷水"},
	}, {
		kind: "dumping", class: cleanClass, also: []string{urbanClass, propertyClass},
		at: []PlaceKind{RoadSection, Community, Creek}, hours: [][2]int{{5, 23}}, lasts: [2]time.Duration{8 * time.Hour, 46 * time.Hour},
		reach: 90, weight: 12, crowd: .45, most: 6, camera: .5, patrol: .6,
		details: []string{"建筑垃圾", "装修垃圾", "大件家具", "生活垃圾", "泡沫箱和烂菜叶", "旧床垫", "渣土", "废弃轮胎"},
		titles:  []string{"乱倒垃圾", "{p}堆放{d}无人清理", "偷倒{d}", "{d}堆成山", "反映垃圾成堆有异味", "有人偷倒垃圾"},
		what: []string{"有人偷倒{d}，堆了一大堆", "{d}堆在路边好几天没人清", "{t}看到一辆小货车在卸{d}，卸完就走", "堆满了{d}，都快占到马路上了", "被人扔了很多{d}，臭气熏天",
			"{d}无人清运，越堆越多"},
		effects: []string{"苍蝇蚊子很多", "味道非常难闻", "影响环境也影响走路", "老人差点被绊倒", "打电话给物业推来推去", "下雨污水横流"},
		asks:    []string{"请环卫尽快清理", "要求查是谁倒的并处罚", "希望装个探头", "请相关部门清运并加强管理", "要求今天之内清掉"},
		patrols: []string{"{p}发现无主{d}约两方，已拍照上报", "巡查发现{p}有偷倒{d}现象", "{p}暴露垃圾（{d}），通知作业公司清运"},
		seen:    []string{"暴露垃圾", "堆物堆料", "偷倒垃圾"},
	}, {
		kind: "flooding", class: floodClass, also: []string{roadClass, publicClass},
		at: []PlaceKind{RoadSection, Community}, hours: [][2]int{{5, 23}}, lasts: [2]time.Duration{90 * time.Minute, 6 * time.Hour},
		reach: 200, weight: 5, crowd: .7, most: 8, camera: .6, patrol: .5,
		details: []string{"没过脚踝", "到小腿", "快到膝盖", "二十公分深", "没过路沿"},
		titles:  []string{"道路积水", "{p}下雨积水严重", "小区被淹", "积水{d}", "下水道排不出去"},
		what:    []string{"下雨后积水，水{d}", "雨水井堵了，积水{d}，排不掉", "一下雨就淹，现在水已经{d}", "{t}开始积水，水深{d}，车子熄火了", "路面全是水，{d}，行人没法走"},
		effects: []string{"电瓶车都泡坏了", "一楼居民家里进水", "老人出不了门", "小孩上学只能背过去", "每年都这样没人管", "好几辆车抛锚"},
		asks:    []string{"请派人来抽水", "要求疏通下水道", "希望尽快排水", "请市政部门现场处置", "要求彻底改造排水管"},
		patrols: []string{"{p}积水，水深{d}，已协助疏导交通", "防汛巡查：{p}雨水口堵塞，积水{d}", "{p}道路积水，需增派泵车"},
		seen:    []string{"道路积水", "积水漫溢"},
	}, {
		kind: "parking", class: trafficClass, also: []string{urbanClass, propertyClass},
		at: []PlaceKind{RoadSection, Shopfront, Community}, hours: [][2]int{{7, 22}}, lasts: [2]time.Duration{time.Hour, 5 * time.Hour},
		reach: 60, weight: 16, crowd: .3, most: 4, camera: .6, patrol: .3,
		details: []string{"白色面包车", "黑色轿车", "几辆货车", "一排私家车", "网约车", "快递三轮车", "大巴车"},
		titles:  []string{"违章停车", "{p}乱停车", "{d}占道停放", "机动车占用人行道", "违停堵住出口", "反映{d}违停"},
		what: []string{"{d}停在人行道上，行人只能走马路", "{d}违停，把出入口堵死了", "{t}有{d}占了盲道", "{d}停在路口，公交车都拐不过来", "路边{d}长期占道，双向变单向",
			"{d}停在禁停区没人管"},
		effects: []string{"推婴儿车的根本过不去", "每天早晚高峰堵得一塌糊涂", "很危险，差点撞到人", "车子开不出来，上班要迟到", "叫挪车也不接电话"},
		asks:    []string{"请交警来贴单拖车", "希望加装隔离桩", "请派人来处理", "要求加强管理", "请联系车主挪车"},
		patrols: []string{"{p}机动车违停（{d}），已劝离未果", "巡查发现{p}{d}占道停放"},
		seen:    []string{"机动车违停", "占用盲道", "人行道停车"},
	}, {
		kind: "creek_pollution", class: creekClass, also: []string{cleanClass, "农村农业/水利水电/江河湖治理"},
		at: []PlaceKind{Creek}, hours: [][2]int{{5, 21}}, lasts: [2]time.Duration{4 * time.Hour, 20 * time.Hour},
		reach: 300, weight: 4, crowd: .6, most: 6, camera: .3, patrol: .5, device: WaterQuality,
		details: []string{"发黑", "泛白泡沫", "像牛奶一样白", "发绿有油花", "黄褐色", "漂着死鱼"},
		titles:  []string{"河水发臭", "{p}河水{d}", "河道污染", "有人往河里排污", "反映河道水质差", "河面{d}"},
		what:    []string{"河水{d}，臭味很大", "排水口在往河里排脏水，水面{d}", "{t}发现河里{d}，不知道哪里排的", "河水突然{d}，岸边都能闻到味道", "河道{d}，比上周严重很多"},
		effects: []string{"沿河居民窗都不敢开", "散步的人都捂着鼻子", "去年刚整治过又这样", "担心有毒", "钓鱼的人都走了"},
		asks:    []string{"请环保部门查排污源头", "希望取水样检测", "请河长办来看一下", "要求治理并公布结果", "请尽快清理"},
		patrols: []string{"巡河发现{p}水体{d}，疑有雨污混排", "{p}河面{d}，已上报河长", "{p}排口异常，水体{d}"},
		seen:    []string{"水面漂浮物", "水体异色"},
	}, {
		kind: "fumes", class: airClass, also: []string{urbanClass, "卫生计生/食品药品监管/食品安全"},
		at: []PlaceKind{Shopfront}, hours: [][2]int{{10, 22}}, lasts: [2]time.Duration{3 * time.Hour, 28 * time.Hour},
		reach: 60, weight: 9, crowd: .4, most: 5, camera: .05, patrol: .25,
		details: []string{"烟囱正对着窗", "排风口朝着弄堂", "没有装净化器", "在门口烧烤", "后厨直排"},
		titles:  []string{"餐饮油烟扰民", "{p}油烟大", "饭店油烟直排", "投诉{p}油烟", "饭店排烟呛人"},
		what:    []string{"油烟很大，{d}", "饭店{d}，油烟直接飘进家里", "{t}油烟味特别重，{d}", "这家店{d}，整栋楼都是油烟味", "店家{d}，排出来的烟又黑又呛"},
		effects: []string{"衣服都不能晾", "窗户一层油", "气管炎都发了", "天天闻油烟味头疼", "孕妇受不了"},
		asks:    []string{"请查一下有没有环评和净化设备", "要求店家整改", "希望城管上门检查", "请环保部门检测", "要求关停"},
		patrols: []string{"{p}油烟净化设施未运行，{d}，责令整改", "检查{p}：{d}，居民投诉较多"},
		seen:    []string{"占道烧烤"},
	}, {
		kind: "fire_lane", class: fireClass, also: []string{propertyClass, safetyClass},
		at: []PlaceKind{Community}, hours: [][2]int{{8, 23}}, lasts: [2]time.Duration{6 * time.Hour, 40 * time.Hour},
		reach: 60, weight: 8, crowd: .35, most: 4, camera: .15, patrol: .45,
		details: []string{"电瓶车飞线充电", "楼道堆满纸箱", "消防通道停满车", "旧家具堵门", "楼梯间停电瓶车", "消防栓没有水"},
		titles:  []string{"消防隐患", "{p}{d}", "楼道堆物", "消防通道被占", "举报{d}"},
		what:    []string{"{d}，有很大火灾隐患", "楼里{d}，说了多次没人管", "{t}看到{d}，万一着火不得了", "存在消防隐患：{d}", "长期{d}，物业不作为"},
		effects: []string{"老房子都是木结构", "前几天隔壁小区刚烧过", "真着火人都跑不掉", "电线都裸在外面", "消防车开不进来"},
		asks:    []string{"请消防来检查", "要求物业清理", "希望统一建充电桩", "请居委会出面", "要求整改"},
		patrols: []string{"{p}{d}，已当场要求清理", "消防安全检查：{p}{d}，下发整改单"},
		seen:    []string{"消防通道占用", "电瓶车进楼"},
	}, {
		kind: "power_cut", class: powerClass, also: []string{propertyClass, publicClass},
		at: []PlaceKind{Community}, hours: [][2]int{{6, 24}}, lasts: [2]time.Duration{time.Hour, 4 * time.Hour},
		reach: 120, weight: 5, crowd: .8, most: 9, camera: 0, patrol: .3,
		details: []string{"整幢楼", "半个小区", "只有我们这几栋", "一期", "高层区"},
		titles:  []string{"停电", "{p}突然停电", "小区没电", "{d}停电了", "什么时候来电"},
		what:    []string{"{t}突然停电，{d}都没电", "{d}停电了，对面是有电的", "跳闸以后{d}一直没电", "停电到现在还没恢复，{d}黑的", "没有任何通知就停电，{d}"},
		effects: []string{"冰箱里东西都要坏了", "电梯也停了，老人爬不动楼", "家里有病人用制氧机", "热得受不了", "孩子没法写作业"},
		asks:    []string{"请问什么时候来电", "请电力公司抢修", "希望给个说法", "请尽快恢复供电", "要求说明停电原因"},
		patrols: []string{"{p}{d}停电，供电抢修已到场", "{p}停电，重点关照独居老人"},
	}, {
		kind: "square_dance", class: noiseClass, also: []string{"政法/社会治安/治安案件", urbanClass},
		at: []PlaceKind{RoadSection, Community, Creek}, hours: [][2]int{{18, 21}, {6, 8}}, lasts: [2]time.Duration{time.Hour, 3 * time.Hour},
		reach: 120, weight: 6, crowd: .35, most: 4, camera: .2, patrol: .2,
		details: []string{"广场舞", "露天卡拉OK", "甩鞭子", "吹萨克斯", "唱戏"},
		titles:  []string{"{d}噪音扰民", "{p}{d}太吵", "投诉{d}", "音响声音太大", "公共场所{d}扰民"},
		what:    []string{"{t}又有人{d}，音响开得特别响", "一群人{d}，声音大得隔三条马路都听到", "每天{d}，劝了也不听", "{d}的高音喇叭对着居民楼", "有人{d}，一直闹到很晚"},
		effects: []string{"孩子没法做功课", "上夜班的人没法补觉", "电视声音都听不见", "老人血压都高了", "报警走了又来"},
		asks:    []string{"请民警来制止", "要求限制时间和音量", "请装分贝监测", "希望居委会协调", "要求取缔"},
		patrols: []string{"{p}{d}音量较大，已劝导", "噪声巡查：{p}有人{d}，要求调低音量"},
		seen:    []string{"人群聚集"},
	}, {
		kind: "facade", class: repairClass, also: []string{safetyClass, propertyClass},
		at: []PlaceKind{Community, Heritage}, hours: [][2]int{{7, 21}}, lasts: [2]time.Duration{4 * time.Hour, 30 * time.Hour},
		reach: 60, weight: 4, crowd: .5, most: 5, camera: .15, patrol: .5,
		details: []string{"瓷砖", "水泥块", "空调外机支架", "保温层", "玻璃", "墙皮"},
		titles:  []string{"外墙脱落", "{p}{d}掉下来", "高空坠物隐患", "外墙{d}松动", "楼上掉{d}差点砸到人"},
		what:    []string{"外墙{d}掉下来，差点砸到人", "{t}楼上掉{d}，砸坏了一辆车", "墙面{d}松了，随时会掉", "外立面{d}大面积脱落", "{d}往下掉，地上都是碎块"},
		effects: []string{"下面是小孩玩的地方", "走路都提心吊胆", "幸亏没人经过", "房子才十几年", "物业说没有维修基金"},
		asks:    []string{"请马上围起来", "要求房管部门鉴定", "希望尽快维修", "请安排紧急排险", "要求物业负责"},
		patrols: []string{"{p}外墙{d}脱落，已拉警戒线", "巡查发现{p}{d}松动，通知物业排险"},
		seen:    []string{"高空坠物"},
	}, {
		kind: "road_damage", class: roadClass, also: []string{trafficClass, publicClass},
		at: []PlaceKind{RoadSection}, hours: [][2]int{{6, 22}}, lasts: [2]time.Duration{10 * time.Hour, 60 * time.Hour},
		reach: 50, weight: 8, crowd: .4, most: 5, camera: .35, patrol: .6,
		details: []string{"一个大坑", "井盖翘起来", "窨井盖没了", "地砖碎了一片", "路面下陷", "裂了一条大缝"},
		titles:  []string{"路面破损", "{p}{d}", "马路上{d}", "道路坑洼", "井盖问题"},
		what:    []string{"路上{d}，没有警示", "{t}骑车经过，{d}，摔了一跤", "{d}，车子压过去咣当响", "路面破损，{d}", "马路中间{d}，晚上根本看不见"},
		effects: []string{"已经有人摔伤", "电瓶车都绕着走", "汽车轮胎扎破了", "夜里噪音也大", "下雨积水看不见更危险"},
		asks:    []string{"请市政尽快修补", "要求先放个警示标志", "希望赔偿损失", "请核实是谁家的井盖", "请派人修复"},
		patrols: []string{"{p}{d}，已设围挡", "巡查：{p}道路设施损坏（{d}）"},
		seen:    []string{"井盖异常", "路面破损"},
	}, {
		kind: "shared_bikes", class: urbanClass, also: []string{trafficClass, cleanClass},
		at: []PlaceKind{RoadSection, Shopfront}, hours: [][2]int{{7, 22}}, lasts: [2]time.Duration{3 * time.Hour, 20 * time.Hour},
		reach: 60, weight: 8, crowd: .25, most: 4, camera: .55, patrol: .5,
		details: []string{"蓝色单车", "黄色单车", "青色单车", "共享电单车", "倒了一片的单车"},
		titles:  []string{"共享单车乱停放", "{p}单车堆积", "{d}堵路", "单车占满人行道"},
		what:    []string{"{d}堆满人行道", "{d}乱停，把出入口都堵了", "{t}{d}倒得到处都是", "{d}停了几百辆，没人整理", "非机动车道被{d}占满"},
		effects: []string{"轮椅过不去", "行人只能走机动车道", "很影响市容", "盲道完全被挡", "每天早上都这样"},
		asks:    []string{"请通知单车公司清运", "希望划停车区", "请城管整理", "要求减少投放"},
		patrols: []string{"{p}{d}堆积约八十辆，通知企业清运", "{p}非机动车乱停放（{d}）"},
		seen:    []string{"非机动车乱停放", "单车堆积"},
	}, {
		kind: "street_light", class: publicClass, also: []string{roadClass, powerClass},
		at: []PlaceKind{RoadSection, Community}, hours: [][2]int{{17, 23}}, lasts: [2]time.Duration{3 * time.Hour, 50 * time.Hour},
		reach: 80, weight: 6, crowd: .35, most: 4, camera: .1, patrol: .5,
		details: []string{"一整排", "三盏", "路口那盏", "东面一段", "弄堂里的"},
		titles:  []string{"路灯不亮", "{p}路灯坏了", "{d}路灯不亮", "晚上没有路灯"},
		what:    []string{"{d}路灯不亮，一片漆黑", "{d}路灯坏了好几天", "{t}路过发现{d}路灯全灭", "路灯忽明忽暗，{d}都这样", "{d}路灯不亮，走路看不清"},
		effects: []string{"下夜班的女同志害怕", "老人容易摔跤", "容易出交通事故", "前两天有人被抢包", "孩子补课回来不安全"},
		asks:    []string{"请派人维修", "希望尽快修好", "请电力或市政处理", "要求检查线路"},
		patrols: []string{"{p}{d}路灯熄灭，报路灯所", "夜巡：{p}路灯缺亮（{d}）"},
		seen:    []string{"路灯缺亮"},
	}, {
		kind: "gas_smell", class: gasClass, also: []string{safetyClass, fireClass},
		at: []PlaceKind{Community, Shopfront}, hours: [][2]int{{6, 23}}, lasts: [2]time.Duration{40 * time.Minute, 3 * time.Hour},
		reach: 90, weight: 3, crowd: .65, most: 6, camera: 0, patrol: .4,
		details: []string{"楼道里", "厨房管道", "门口的阀门井", "施工挖断的地方", "一楼商铺"},
		titles:  []string{"煤气味", "{p}疑似燃气泄漏", "闻到很重的煤气味", "{d}有煤气味"},
		what:    []string{"{d}有很浓的煤气味", "{t}闻到{d}有燃气泄漏的味道", "怀疑{d}漏气，味道越来越大", "{d}煤气味刺鼻，不敢开灯"},
		effects: []string{"大家都跑到楼下了", "怕爆炸", "报警器一直在响", "老人头晕恶心"},
		asks:    []string{"请燃气公司马上来", "请赶快派人检查", "要求先关总阀", "请消防过来"},
		patrols: []string{"{p}{d}疑似燃气泄漏，已疏散", "{p}居民反映{d}有煤气味，燃气抢修到场"},
	}, {
		kind: "tree", class: greenClass, also: []string{roadClass, propertyClass},
		at: []PlaceKind{RoadSection, Community}, hours: [][2]int{{6, 21}}, lasts: [2]time.Duration{2 * time.Hour, 18 * time.Hour},
		reach: 60, weight: 4, crowd: .4, most: 4, camera: .3, patrol: .5,
		details: []string{"一棵大树", "梧桐树枝", "香樟树", "一根粗树枝"},
		titles:  []string{"树木倒伏", "{p}{d}倒了", "{d}压到电线", "树枝断了"},
		what:    []string{"{d}倒在路中间", "{d}断了压在车上", "{t}{d}倒下来，压到电线", "{d}歪了快要倒"},
		effects: []string{"车子都过不去", "电线冒火花", "楼下不敢走人", "挡住了红绿灯"},
		asks:    []string{"请绿化部门来清理", "请尽快锯掉", "希望派人处理", "请先拉警戒"},
		patrols: []string{"{p}{d}倒伏，联系绿化养护", "{p}{d}断裂，已临时围护"},
		seen:    []string{"树木倒伏"},
	},
}
