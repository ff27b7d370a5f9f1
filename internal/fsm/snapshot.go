package fsm

import (
	"bufio"
	"encoding/binary"
	"hash/crc32"
	"io"
	"iter"
)

// A snapshot is the line "asstate 1\n" followed by blocks
//
//	kind (1 byte) | records (4 bytes) | length of the payload (4 bytes) | payload | CRC-32C of the block so far (4 bytes)
//
// with big-endian numbers. The first block is of kind blockHead; then come the
// records, by kind and in a fixed order within each; the last is of kind
// blockEnd, and its payload is the number of all records (8 bytes) and the
// CRC-32C of all before the block (4 bytes).

const (
	snapshotMagic  = "asstate "
	snapshotFormat = "1"

	blockEnd  kind = 0
	blockHead kind = 255

	blockSize    = 64 << 10 // a block ends with the record that reaches it
	maxBlockSize = 256 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type snapshotWriter struct {
	to      *bufio.Writer
	sum     uint32 // of all that was written
	kind    kind
	records uint32
	payload []byte
	total   uint64
	scratch []byte
}

func (st *state) writeSnapshot(to io.Writer) error {
	w := &snapshotWriter{to: bufio.NewWriterSize(to, 1<<20)}
	if err := w.write([]byte(snapshotMagic + snapshotFormat + "\n")); err != nil {
		return err
	}
	if err := w.block(blockHead, 1, st.appendHead(nil)); err != nil {
		return err
	}
	for k, record := range st.records() {
		if err := w.add(k, record); err != nil {
			return err
		}
	}
	if err := w.flush(); err != nil {
		return err
	}
	end := binary.BigEndian.AppendUint64(nil, w.total)
	end = binary.BigEndian.AppendUint32(end, w.sum)
	if err := w.block(blockEnd, 0, end); err != nil {
		return err
	}
	return w.to.Flush()
}

// appendHead encodes what is neither record nor index.
func (st *state) appendHead(b []byte) []byte {
	parts := uint64(5)
	if st.lastDelivery > 0 {
		parts = 6 // only now, so that nodes from before there were deliveries read all else
	}
	b = appendHead(b, majorArray, parts)
	b = appendHead(b, majorUint, st.at.term)
	b = appendHead(b, majorUint, st.at.sequence)
	b = appendInt(b, int64(st.stamp))
	b = appendHead(b, majorUint, uint64(st.lastActivity))
	b = appendHead(b, majorUint, st.events.last)
	if parts == 6 {
		b = appendHead(b, majorUint, st.lastDelivery)
	}
	return b
}

// records iterates over every record, in the snapshot's order. A record comes
// after those that it belongs to.
func (st *state) records() iter.Seq2[kind, any] {
	return func(yield func(kind, any) bool) {
		more := true
		if st.cluster != nil {
			more = yield(kindCluster, st.cluster)
		}
		more = more && each(kindNode, values(st.nodes.all(nil)), yield)
		more = more && each(kindStore, values(st.stores.all(nil)), yield)
		for _, l := range st.configurations.all(nil) {
			more = more && yield(kindConfiguration, l.record)
		}
		for _, l := range st.configurations.all(nil) {
			more = more && each(kindVersion, eachChild(l.versions), yield)
		}
		for _, s := range st.groups.all(nil) {
			more = more && yield(kindGroup, s.record)
		}
		for _, s := range st.groups.all(nil) {
			more = more && each(kindRule, eachChild(s.rules), yield)
		}
		for _, s := range st.groups.all(nil) {
			more = more && each(kindAlarm, eachChild(s.alarms), yield)
		}
		for _, s := range st.groups.all(nil) {
			more = more && each(kindTask, eachChild(s.tasks), yield)
		}
		for _, s := range st.groups.all(nil) {
			more = more && each(kindHook, eachChild(s.hooks), yield)
		}
		for _, s := range st.groups.all(nil) {
			more = more && each(kindNotification, eachChild(s.notifications), yield)
		}
		for _, s := range st.groups.all(nil) {
			more = more && each(kindActivity, values(s.activities.all(nil)), yield)
		}
		for _, s := range st.groups.all(nil) {
			more = more && each(kindInstance, values(s.live.all(nil)), yield)
			more = more && each(kindInstance, values(s.final.all(nil)), yield)
		}
		more = more && each(kindRequest, values(st.requestOrder.all(nil)), yield)
		more = more && each(kindOrphan, values(st.orphans.all(nil)), yield)
		more = more && each(kindReleased, values(st.released.all(nil)), yield)
		for _, o := range st.targets.all(nil) {
			more = more && yield(kindTarget, o.record)
		}
		for _, o := range st.targets.all(nil) {
			more = more && each(kindDelivery, values(o.deliveries.all(nil)), yield)
		}
		_ = more && each(kindEvent, st.events.after(0), yield)
	}
}

func each[T any](k kind, records iter.Seq[*T], yield func(kind, any) bool) bool {
	for r := range records {
		if !yield(k, r) {
			return false
		}
	}
	return true
}

func (w *snapshotWriter) add(k kind, record any) (err error) {
	if k != w.kind {
		if err := w.flush(); err != nil {
			return err
		}
		w.kind = k
	}
	if w.payload, err = appendRecord(w.payload, k, record, nil); err != nil {
		return err
	}
	w.records++
	w.total++
	if len(w.payload) >= blockSize {
		return w.flush()
	}
	return nil
}

func (w *snapshotWriter) flush() error {
	if w.records == 0 {
		return nil
	}
	err := w.block(w.kind, w.records, w.payload)
	w.records, w.payload = 0, w.payload[:0]
	return err
}

func (w *snapshotWriter) block(k kind, records uint32, payload []byte) error {
	w.scratch = append(w.scratch[:0], byte(k))
	w.scratch = binary.BigEndian.AppendUint32(w.scratch, records)
	w.scratch = binary.BigEndian.AppendUint32(w.scratch, uint32(len(payload)))
	sum := crc32.Update(crc32.Checksum(w.scratch, castagnoli), castagnoli, payload)
	if err := w.write(w.scratch); err != nil {
		return err
	}
	if err := w.write(payload); err != nil {
		return err
	}
	return w.write(binary.BigEndian.AppendUint32(w.scratch[:0], sum))
}

func (w *snapshotWriter) write(b []byte) error {
	w.sum = crc32.Update(w.sum, castagnoli, b)
	_, err := w.to.Write(b)
	return err
}
