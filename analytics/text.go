package analytics

import (
	"math"
	"slices"
	"unicode"
)

// maxRunes bounds the text that is compared: what matters is said early.
const maxRunes = 600

// fold normalises text for comparing: full-width forms become ASCII, letters lower case, 號 becomes 号, and whatever
// is neither letter nor digit goes.
func fold(s string) []rune {
	out := make([]rune, 0, min(len(s)/2, maxRunes))
	for _, c := range s {
		if c >= '！' && c <= '～' {
			c -= '！' - '!'
		}
		if c == '號' {
			c = '号'
		}
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			continue
		}
		if out = append(out, unicode.ToLower(c)); len(out) == maxRunes {
			break
		}
	}
	return out
}

// gram is a character bigram's hash with its weight.
type gram struct {
	hash   uint32
	weight float32
}

// vector is a unit vector of bigrams, sorted by hash; nil for text without any.
type vector []gram

// politeness are bigrams that callers and operators use whatever the matter is.
var politeness = hashesOf("尊敬的领导", "领导你好", "您好", "市民来电反映", "诉求人称", "来电人表示", "先生称", "女士反映", "阿姨来电", "我是附近居民", "我住在旁边",
	"再次反映", "投诉", "谢谢", "请回电", "望重视", "麻烦了", "拜托了", "已经打过一次电话了", "请尽快回复处理结果", "希望", "要求", "请派人来处理", "请相关部门", "反映", "巡查发现",
	"智能发现", "视频点位于", "识别到", "置信度", "抓拍", "这边", "近", "靠近", "路口", "附近", "门口", "影响", "居民", "解决", "问题")

func hashesOf(texts ...string) map[uint32]bool {
	out := map[uint32]bool{}
	for _, s := range texts {
		for _, h := range bigrams(fold(s)) {
			out[h] = true
		}
	}
	return out
}

func bigrams(runes []rune) []uint32 {
	out := make([]uint32, 0, len(runes))
	for i := 1; i < len(runes); i++ {
		out = append(out, (uint32(runes[i-1])*2654435761^uint32(runes[i]))*2246822519)
	}
	return out
}

// vectorOf weighs the bigrams of a text by 1 + ln(count), without politeness and without those of the named places: the
// vector is to say what the matter is, the place is compared by itself.
func vectorOf(s string, named ...string) vector {
	skip := hashesOf(named...)
	hashes := slices.DeleteFunc(bigrams(fold(s)), func(h uint32) bool { return politeness[h] || skip[h] })
	if len(hashes) == 0 {
		return nil
	}
	slices.Sort(hashes)
	var out vector
	var norm float64
	for i := 0; i < len(hashes); {
		j := i
		for j < len(hashes) && hashes[j] == hashes[i] {
			j++
		}
		w := 1 + math.Log(float64(j-i))
		out = append(out, gram{hashes[i], float32(w)})
		norm += w * w
		i = j
	}
	scale := float32(1 / math.Sqrt(norm))
	for i := range out {
		out[i].weight *= scale
	}
	return out
}

// centroid is the sum of vectors.
type centroid struct {
	sum   map[uint32]float32
	norm2 float64
}

func (c *centroid) add(v vector) {
	if c.sum == nil {
		c.sum = make(map[uint32]float32, 2*len(v))
	}
	for _, g := range v {
		old := c.sum[g.hash]
		c.sum[g.hash] = old + g.weight
		c.norm2 += float64(g.weight) * float64(2*old+g.weight)
	}
}

// cosine of a vector and the centroid, in [0, 1]; false when either is empty.
func (c *centroid) cosine(v vector) (float64, bool) {
	if len(v) == 0 || c.norm2 <= 0 {
		return 0, false
	}
	var dot float64
	for _, g := range v {
		dot += float64(g.weight) * float64(c.sum[g.hash])
	}
	return min(1, dot/math.Sqrt(c.norm2)), true
}
