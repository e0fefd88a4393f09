package writer

import (
	"maps"
	"slices"

	"github.com/hannoydb/hannoy/codec"
)

// label gives a slot its labels: the slot goes into the set of each, and the labels
// into the entry of the slot.
func (s *stage) label(slot uint32, labels []string) error {
	if len(labels) == 0 {
		return nil // unlabel has emptied the entry
	}
	block, err := s.block(s.slotLabels, codec.KindLabels, slot/codec.BlockSlots)
	if err != nil {
		return err
	}
	block[slot%codec.BlockSlots] = codec.AppendLabels(nil, labels)
	for _, label := range labels {
		s.labelled(label).add(slot)
	}
	return nil
}

// unlabel takes the labels of a slot away.
func (s *stage) unlabel(slot uint32) error {
	n := slot / codec.BlockSlots
	if s.slotLabels[n] == nil {
		// Most indexes have no labels: no block is kept for those that have none here.
		key := codec.AppendNumberKey(nil, s.id, codec.KindLabels, n)
		if value, err := s.txn.GetUnverified(key); value == nil || err != nil {
			return err
		}
	}
	block, err := s.block(s.slotLabels, codec.KindLabels, n)
	if err != nil {
		return err
	}
	entry := &block[slot%codec.BlockSlots]
	labels, err := codec.ParseLabels(codec.AppendNumberKey(nil, s.id, codec.KindLabels, n), *entry)
	if err != nil {
		return err
	}
	for _, label := range labels {
		s.labelled(label).remove(slot)
	}
	*entry = nil
	return nil
}

// labelled is the set of the slots that have the label.
func (s *stage) labelled(label string) *slotSet {
	set := s.labels[label]
	if set == nil {
		set = slotSetAt(s.txn, func(chunk uint16) []byte { return codec.AppendLabelKey(nil, s.id, label, chunk) })
		s.labels[label] = set
	}
	return set
}

func (s *stage) flushLabels() error {
	for _, label := range slices.Sorted(maps.Keys(s.labels)) {
		if err := s.labels[label].flush(); err != nil {
			return err
		}
	}
	return flushNumbered(s, codec.KindLabels, codec.BlockSlots, s.slotLabels, blockValue)
}
