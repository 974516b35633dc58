package sensors

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"plinth"
)

// MaxPartitions is the most that a domain can be split into.
const MaxPartitions = 64

// Part is what one session at the broker takes in: a domain's messages, or those of one of the partitions that a busy
// domain is split into. A device is always of the same partition, so its messages stay in order and in one place. The
// plain topic is the part whose Of is zero; it is there also when the domain is split, for devices that do not know.
type Part struct {
	Domain     string
	Number, Of int // Number counts from 0 below Of
}

// Parts are a domain's parts when it is split into n; below 2 it is not split.
func Parts(domain string, n int) []Part {
	parts := []Part{{Domain: domain}}
	for i := 0; n > 1 && i < n; i++ {
		parts = append(parts, Part{domain, i, n})
	}
	return parts
}

// Name tells the part apart: "lift", "lift-p03". It names the part's session at the broker, so it stays the same.
func (p Part) Name() string {
	if p.Of == 0 {
		return p.Domain
	}
	return fmt.Sprintf("%s-p%02d", p.Domain, p.Number)
}

// ParsePart is the part of a name. Of how many it is one the name does not say; the part has the most there can be.
func ParsePart(name string) (Part, error) {
	p := Part{Domain: name}
	if domain, number, split := strings.Cut(name, "-p"); split {
		n, err := strconv.Atoi(number)
		if p = (Part{domain, n, MaxPartitions}); err != nil || n < 0 || n >= MaxPartitions {
			p = Part{}
		}
	}
	if !metricName.MatchString(p.Domain) || p.Name() != name {
		return Part{}, plinth.Invalid("part", "%q is not a domain, nor a domain with the number of a partition", clip(name, 64))
	}
	return p, nil
}

// Filter is the topic filter of the part.
func (p Part) Filter() string {
	if p.Of == 0 {
		return "plinth/v1/" + p.Domain + "/+/data"
	}
	return fmt.Sprintf("plinth/v1/%s/p%02d/+/data", p.Domain, p.Number)
}

// Partition is the partition of a device when its domain is split into n: FNV-1a of its id, modulo n.
func Partition(d plinth.DeviceID, n int) int {
	h := fnv.New32a()
	h.Write([]byte(d))
	return int(h.Sum32() % uint32(n))
}

// TopicIn is where d publishes when its domain is split into n.
func (d *Device) TopicIn(n int) string {
	if n < 2 {
		return d.Topic()
	}
	return fmt.Sprintf("plinth/v1/%s/p%02d/%s/data", d.Kind, Partition(d.ID, n), d.ID)
}

// PartOf is the part that d belongs to when its domain is split into n, also when its messages come to the plain topic
// or not by a broker at all.
func PartOf(d *Device, n int) Part {
	if n < 2 {
		return Part{Domain: d.Kind}
	}
	return Part{d.Kind, Partition(d.ID, n), n}
}
