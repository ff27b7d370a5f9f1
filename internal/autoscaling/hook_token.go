package autoscaling

import "encoding/hex"

// A hook's token finds its instance without an index: it is a version 8 UUID
// (RFC 9562) that carries the 68 bits of the instance's id among 54 random ones.
//
//	bytes 0..5   random
//	byte  6      version 8 in the high half; digit 3 of the instance's 17 in the low one
//	byte  7      digits 1 and 2
//	byte  8      the variant in the two highest bits, six random ones
//	bytes 9..15  digits 4 to 17

// HookToken makes the token of a wait of the instance out of a random uid; "" for
// an id that is none.
func HookToken(id InstanceID, random UID) UID {
	r, ok := parseUID(random)
	if !ok || !validInstanceID(string(id)) {
		return ""
	}
	digits := id[2:]
	first, _ := hex.DecodeString(string(digits[0:2]))
	rest, _ := hex.DecodeString(string(digits[3:]))
	r[6], r[7] = 0x80|unhex(digits[2]), first[0]
	r[8] = 0x80 | r[8]&0x3f
	copy(r[9:], rest)
	return formatUID(r)
}

// InstanceOfToken is the instance that a token was made for. That the token has
// the right form says nothing about whether it was ever given out.
func InstanceOfToken(token UID) (InstanceID, bool) {
	u, ok := parseUID(token)
	if !ok || u[6]>>4 != 8 || u[8]>>6 != 2 {
		return "", false
	}
	return InstanceID("i-" + hex.EncodeToString(u[7:8]) + hex.EncodeToString(u[6:7])[1:] + hex.EncodeToString(u[9:])), true
}
