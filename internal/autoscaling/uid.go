package autoscaling

import (
	"encoding/binary"
	"encoding/hex"
)

// The uids of instances and activities are not stored: they carry the id, in a
// version 8 UUID (RFC 9562), whose first byte tells the two kinds apart.
//
//	byte   0      kind
//	       1      of an instance, digits 1 and 2 of its 17
//	       6      version 8 in the high half; of an instance, digit 3 in the low one
//	       7      of an activity, the highest byte of its number
//	       8      the variant in the two highest bits
//	       9..15  of an instance, digits 4 to 17; of an activity, the other bytes
const (
	uidOfInstance = 0x1a
	uidOfActivity = 0xac
)

// InstanceUID is the instance's uid; "" for an id that is none.
func InstanceUID(id InstanceID) UID {
	if !validInstanceID(string(id)) {
		return ""
	}
	var u [16]byte
	u[0] = uidOfInstance
	digits := id[2:]
	first, _ := hex.DecodeString(string(digits[0:2]))
	u[1] = first[0]
	u[6] = 0x80 | unhex(digits[2])
	rest, _ := hex.DecodeString(string(digits[3:]))
	u[8] = 0x80
	copy(u[9:], rest)
	return formatUID(u)
}

// ActivityUID is the activity's uid.
func ActivityUID(id ActivityID) UID {
	var u [16]byte
	u[0] = uidOfActivity
	u[6], u[8] = 0x80, 0x80
	u[7] = byte(id >> 56)
	var low [8]byte
	binary.BigEndian.PutUint64(low[:], uint64(id))
	copy(u[9:], low[1:])
	return formatUID(u)
}

// InstanceOfUID is the inverse of InstanceUID.
func InstanceOfUID(uid UID) (InstanceID, bool) {
	u, ok := parseUID(uid)
	if !ok || u[0] != uidOfInstance {
		return "", false
	}
	id := InstanceID("i-" + hex.EncodeToString(u[1:2]) + hex.EncodeToString(u[6:7])[1:] + hex.EncodeToString(u[9:]))
	return id, InstanceUID(id) == uid
}

// ActivityOfUID is the inverse of ActivityUID.
func ActivityOfUID(uid UID) (ActivityID, bool) {
	u, ok := parseUID(uid)
	if !ok || u[0] != uidOfActivity {
		return 0, false
	}
	var low [8]byte
	low[0] = u[7]
	copy(low[1:], u[9:])
	id := ActivityID(binary.BigEndian.Uint64(low[:]))
	return id, ActivityUID(id) == uid
}

func formatUID(u [16]byte) UID {
	s := hex.EncodeToString(u[:])
	return UID(s[0:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:])
}

func parseUID(uid UID) (u [16]byte, ok bool) {
	if !IsUID(string(uid)) {
		return u, false
	}
	s := string(uid[0:8] + uid[9:13] + uid[14:18] + uid[19:23] + uid[24:])
	_, err := hex.Decode(u[:], []byte(s))
	return u, err == nil
}

// IsUID says whether the text has a uid's form: 36 characters, lower-case hex.
func IsUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if s[i] != '-' {
				return false
			}
		} else if !isHex(s[i]) {
			return false
		}
	}
	return true
}

func validInstanceID(s string) bool {
	if len(s) != 19 || s[:2] != "i-" {
		return false
	}
	for i := 2; i < len(s); i++ {
		if !isHex(s[i]) {
			return false
		}
	}
	return true
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' }

func unhex(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}
