package process

import (
	"fmt"
	"os"
	"strings"
)

// identity names one process for all time: its number, when it began (clock
// ticks since boot) and the boot that this was in. A number alone would be
// somebody else's sooner or later.
type identity struct {
	PID    int    `json:"pid"`
	Ticks  uint64 `json:"start_ticks"`
	BootID string `json:"boot_id"`
}

// ownIdentity is that of the calling process. exec changes none of it.
func ownIdentity() (identity, error) {
	boot, err := readBootID()
	if err != nil {
		return identity{}, err
	}
	stat, err := readStat(os.Getpid())
	if err != nil {
		return identity{}, fmt.Errorf("read own start time: %w", err)
	}
	return identity{PID: os.Getpid(), Ticks: stat.start, BootID: boot}, nil
}

func readBootID() (string, error) {
	content, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("read the boot id: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}

// leadsGroup says whether its number is that of its process group, too.
func (p *Provider) leadsGroup(id identity) bool {
	stat, err := readStat(id.PID)
	return err == nil && stat.start == id.Ticks && stat.group == id.PID
}

// alive says whether the process runs. A zombie does not.
func (p *Provider) alive(id identity) bool {
	if id.BootID != p.bootID {
		return false
	}
	stat, err := readStat(id.PID)
	return err == nil && stat.start == id.Ticks && !stat.dead()
}
