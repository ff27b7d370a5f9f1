// Package explain says in sentences why things are as they are, and finds what
// is late or wrong: from a state and a time, and nothing else. It decides
// nothing; what it says will happen next is what the scheduler does by the same
// functions.
package explain
