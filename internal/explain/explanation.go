package explain

import "github.com/asctl/as/internal/autoscaling"

// Explanation is what there is to say about a resource.
type Explanation struct {
	Resource   string // full name
	Summary    string // all of it in one sentence
	Statements []Statement
}

// Statement is one sentence, and what it speaks of.
type Statement struct {
	Topic Topic
	Text  string
	Time  autoscaling.Time // when it happened, or will; 0 where no time belongs to it
	Links []Link
}

// Topic is the question that a statement answers.
type Topic uint8

const (
	Origin  Topic = iota + 1 // why it is there at all
	History                  // what happened since
	Present                  // why it is as it is now
	Problem                  // what holds it back, or is wrong
	Next                     // what happens next, and when at the latest
	End                      // why it left
)

// Link is something that a sentence speaks of.
type Link struct {
	Kind string // as in ARIs, or "principal"
	Name string // full name; of a principal its own
	ARI  string // empty for what has none
}
