package output

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"google.golang.org/protobuf/proto"
)

// Column is one column of a kind's table.
type Column struct {
	Title string
	// Wide columns are shown with -o wide only.
	Wide  bool
	Value func(m proto.Message, now time.Time) string
}

// Col makes a column of a message type.
func Col[M proto.Message](title string, value func(M) string) Column {
	return Column{Title: title, Value: func(m proto.Message, _ time.Time) string { return value(m.(M)) }}
}

// ColAt makes a column whose value depends on the time.
func ColAt[M proto.Message](title string, value func(M, time.Time) string) Column {
	return Column{Title: title, Value: func(m proto.Message, now time.Time) string { return value(m.(M), now) }}
}

// InWide makes columns of the wide table.
func InWide(columns ...Column) []Column {
	for i := range columns {
		columns[i].Wide = true
	}
	return columns
}

// Rows are a title row and one row per message.
func Rows(items []proto.Message, columns []Column, wide bool, now time.Time) [][]string {
	var title []string
	var shown []Column
	for _, c := range columns {
		if wide || !c.Wide {
			shown = append(shown, c)
			title = append(title, c.Title)
		}
	}
	rows := [][]string{title}
	for _, m := range items {
		var row []string
		for _, c := range shown {
			row = append(row, c.Value(m, now))
		}
		rows = append(rows, row)
	}
	return rows
}

// WriteTable aligns the rows. Empty cells are shown as "-", so that each line has
// the same number of words for programs that split it.
func WriteTable(out io.Writer, rows [][]string, noHeader bool) error {
	if noHeader {
		rows = rows[1:]
	}
	w := tabwriter.NewWriter(out, 0, 8, 3, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			if cell == "" {
				cell = "-"
			}
			if i > 0 {
				cell = "\t" + cell
			}
			if _, err := io.WriteString(w, cell); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
	}
	return w.Flush()
}

// Last is the last segment of a name.
func Last(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
