package analytics

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"plinth"
)

// HotWord is a word with how many documents hold it.
type HotWord struct {
	Word        string
	Count       int64
	Share       float64 // documents with it per 1,000, in the period
	ShareBefore float64 // the same in the period before, of equal length
}

// HotWords returns the words that most documents of a period hold, and the number of documents. Words are found
// without a dictionary: a run of characters is one when it is not a piece of a longer run, when its parts meet more
// often than by chance, and when it neither begins nor ends with a word of grammar.
func HotWords(ctx context.Context, t Trends, f CountFilter, limit int) ([]HotWord, int64, error) {
	if limit < 1 || limit > MaxWords {
		return nil, 0, plinth.Invalid("limit", "must be 1 to %d", MaxWords)
	}
	_, docs, err := t.Documents(ctx, f, nil)
	if err != nil || docs == 0 {
		return nil, 0, err
	}
	grams, docs, err := t.Grams(ctx, f, leastDocuments(docs))
	if err != nil {
		return nil, 0, err
	}
	words := wordsOf(grams, docs, limit)
	before := f
	before.From, before.To = f.From.Add(-f.To.Sub(f.From)), f.From
	counts, docsBefore, err := t.Documents(ctx, before, words)
	if err != nil {
		return nil, 0, err
	}
	out := make([]HotWord, len(words))
	for i, w := range words {
		out[i] = HotWord{Word: w, Count: grams[w], Share: perThousand(grams[w], docs)}
		if i < len(counts) {
			out[i].ShareBefore = perThousand(counts[i], docsBefore)
		}
	}
	return out, docs, nil
}

// leastDocuments is in how many documents a run must occur to be looked at: it bounds the work on long periods.
func leastDocuments(docs int64) int { return int(max(2, docs/400)) }

func perThousand(n, of int64) float64 {
	if of == 0 {
		return 0
	}
	return 1000 * float64(n) / float64(of)
}

// Rules of what is a word, found by reading the lists of the city's hotline sample.
const (
	pieceOf  = .6 // a run that occurs mostly inside one longer run is a piece of it
	together = 3. // how much more often than by chance the parts of a word meet
)

// wordsOf returns the words among the grams, the most frequent first.
func wordsOf(grams map[string]int64, docs int64, limit int) []string {
	pieces := piecesOf(grams)
	var words []string
	for g, n := range grams {
		if utf8.RuneCountInString(g) >= 2 && !pieces[g] && !grammatical(g) && coheres(g, n, grams, docs) {
			words = append(words, g)
		}
	}
	slices.SortFunc(words, func(a, b string) int {
		return cmp.Or(cmp.Compare(grams[b], grams[a]), cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	return words[:min(limit, len(words))]
}

// piecesOf finds the grams that occur mostly inside a gram of one more character.
func piecesOf(grams map[string]int64) map[string]bool {
	out := map[string]bool{}
	for _, g := range slices.Sorted(maps.Keys(grams)) {
		if grammatical(g) {
			continue // 工地的 does not make a piece of 工地
		}
		_, first := utf8.DecodeRuneInString(g)
		_, last := utf8.DecodeLastRuneInString(g)
		for _, inner := range []string{g[first:], g[:len(g)-last]} {
			if float64(grams[g]) >= pieceOf*float64(grams[inner]) {
				out[inner] = true
			}
		}
	}
	return out
}

// coheres tells whether every cut of the gram parts what belongs together: its parts meet more often than by chance, or
// the rarer of them is hardly seen elsewhere, as in words that half of all documents hold.
func coheres(g string, n int64, grams map[string]int64, docs int64) bool {
	for i := range g {
		if i == 0 {
			continue
		}
		a, b := grams[g[:i]], grams[g[i:]]
		if float64(n)*float64(docs) < together*float64(a)*float64(b) && float64(n) < pieceOf*float64(min(a, b)) {
			return false
		}
	}
	return true
}

// grammar are characters with which no word of matter begins or ends; stops are words that say nothing of it.
const (
	notFirst = "的了着过吗呢吧啊么们和与及或者但而且就都也还又再很太更最被把给让使对向从由在到于以为是有没不无这那哪其此该每各某我你他她它之所得地可能会要请" +
		"个第多些上下后前里中内外等年月日时分点号元一二三四五六七八九十两几已经将使因如若却并则只仅"
	notLast = "的了着过吗呢吧啊么们和与及或但而且就都也还又再很太更最被把给让使对向从由在于以为是有没不这那哪其此该每各某我你他她它之所得可会要请" +
		"个第些等因如若却并则只仅称到说"
)

var stops = map[string]bool{}

func init() {
	for _, w := range strings.Fields(`领导 尊敬 您好 你好 反映 希望 要求 来电 市民 先生 女士 阿姨 问题 情况 相关 部门 有关 政府 处理 解决 回复 尽快 谢谢 感谢
		居民 居民反映 诉求 诉求人 投诉 咨询 请问 表示 人表示 来电人 来电人表示 附近 附近居民 旁边 住在 住在旁边 今天 现在 目前 时间 时候 近期 之后 之前 可以 应该 需要 进行
		自己 知道 开始 发现 看到 造成 导致 存在 根据 关于 通过 但是 因为 所以 如果 还是 非常 严重 影响 领导你好 尊敬的领导 重视 望重视 麻烦 拜托 回电
		智能发现 视频点位 点位 识别到 识别 置信度 抓拍 抓拍张 巡查发现 巡查 附近居民 靠近 路口 门口 网格 什么 怎么 为什么 我们 他们 大家 你们 书记 市长
		处理结果 回复处理结果 街道 普陀区 这边 投诉人 任何 甚至 特别 左右 告知 答复 强烈 帮助 贵局 百忙 百忙之中 工作人员 工作 单位 人员`) {
		stops[w] = true
	}
}

func grammatical(g string) bool {
	first, _ := utf8.DecodeRuneInString(g)
	last, _ := utf8.DecodeLastRuneInString(g)
	return stops[g] || strings.ContainsRune(notFirst, first) || strings.ContainsRune(notLast, last)
}
