package fsm

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/asctl/as/internal/autoscaling"
)

// ErrCorrupt is what a snapshot that was changed or cut off is refused with.
var ErrCorrupt = errors.New("the snapshot is damaged")

type snapshotReader struct {
	from    *bufio.Reader
	sum     uint32 // of all that was read
	payload []byte
}

// readSnapshot answers the frozen state that a snapshot holds.
func readSnapshot(from io.Reader, d *decoder) (*state, error) {
	r := &snapshotReader{from: bufio.NewReaderSize(from, 1<<20)}
	if err := r.magic(); err != nil {
		return nil, err
	}
	st := (&state{}).fork()
	k, _, payload, err := r.block()
	if err != nil {
		return nil, err
	}
	if k != blockHead {
		return nil, fmt.Errorf("%w: it has no head", ErrCorrupt)
	}
	lastEvent, err := st.readHead(payload)
	if err != nil {
		return nil, err
	}
	var total uint64
	for {
		sum := r.sum
		k, records, payload, err := r.block()
		if err != nil {
			return nil, err
		}
		if k == blockEnd {
			if len(payload) != 12 || binary.BigEndian.Uint64(payload) != total || binary.BigEndian.Uint32(payload[8:]) != sum {
				return nil, fmt.Errorf("%w: records or blocks are missing", ErrCorrupt)
			}
			break
		}
		if err := st.readRecords(d, k, records, payload); err != nil {
			return nil, err
		}
		total += uint64(records)
	}
	if _, err := r.from.ReadByte(); err != io.EOF {
		return nil, fmt.Errorf("%w: it goes on after its end", ErrCorrupt)
	}
	if st.events.last != lastEvent {
		return nil, fmt.Errorf("%w: it ends with event %d and should with %d", ErrCorrupt, st.events.last, lastEvent)
	}
	st.freeze()
	return st, nil
}

func (r *snapshotReader) magic() error {
	line := make([]byte, len(snapshotMagic)+len(snapshotFormat)+1)
	if err := r.read(line); err != nil {
		return err
	}
	if string(line[:len(snapshotMagic)]) != snapshotMagic {
		return fmt.Errorf("%w: it does not begin as one", ErrCorrupt)
	}
	if format := string(line[len(snapshotMagic):]); format != snapshotFormat+"\n" {
		return &olderError{fmt.Sprintf("a snapshot of format %q, which this node does not know", format)}
	}
	return nil
}

// read fills b.
func (r *snapshotReader) read(b []byte) error {
	_, err := io.ReadFull(r.from, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("%w: %w", ErrCorrupt, errTruncated)
	}
	r.sum = crc32.Update(r.sum, castagnoli, b)
	return err
}

// block reads the next block; the payload is valid until the next call.
func (r *snapshotReader) block() (k kind, records uint32, payload []byte, err error) {
	var head [9]byte
	if err := r.read(head[:]); err != nil {
		return 0, 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[5:])
	if size > maxBlockSize {
		return 0, 0, nil, fmt.Errorf("%w: a block of %d bytes", ErrCorrupt, size)
	}
	if uint32(cap(r.payload)) < size {
		r.payload = make([]byte, size)
	}
	payload = r.payload[:size]
	if err := r.read(payload); err != nil {
		return 0, 0, nil, err
	}
	var sum [4]byte
	if err := r.read(sum[:]); err != nil {
		return 0, 0, nil, err
	}
	if binary.BigEndian.Uint32(sum[:]) != crc32.Update(crc32.Checksum(head[:], castagnoli), castagnoli, payload) {
		return 0, 0, nil, fmt.Errorf("%w: a block's checksum is wrong", ErrCorrupt)
	}
	return kind(head[0]), binary.BigEndian.Uint32(head[1:]), payload, nil
}

// readHead reads what appendHead wrote.
func (st *state) readHead(b []byte) (lastEvent uint64, err error) {
	n, b, err := readMajor(b, majorArray)
	if err != nil {
		return 0, err
	}
	if n != 5 && n != 6 {
		return 0, &olderError{fmt.Sprintf("a head of %d parts", n)}
	}
	var numbers [6]uint64
	for i := range numbers[:n] {
		if err != nil {
			return 0, err
		}
		numbers[i], b, err = readUint(b)
	}
	st.at = position{numbers[0], numbers[1]}
	st.stamp = autoscaling.Time(numbers[2])
	st.lastActivity = autoscaling.ActivityID(numbers[3])
	st.lastDelivery = numbers[5]
	return numbers[4], err
}

func (st *state) readRecords(d *decoder, k kind, records uint32, payload []byte) error {
	var ignored touched
	for range records {
		record, rest, err := d.sound(payload, k)
		if err != nil {
			return err
		}
		payload = rest
		if e, ok := record.(*autoscaling.Event); ok && st.events.last == 0 {
			st.events.append(st.mutable, e) // the first that was kept, whatever its index
			continue
		}
		if err := st.replayPut(record, &ignored); err != nil {
			return err
		}
	}
	if len(payload) != 0 {
		return fmt.Errorf("%w: a block of %s records has something after its end", ErrCorrupt, k)
	}
	return nil
}
