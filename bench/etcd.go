package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/asctl/as/test/cluster/nodes"
)

// etcdCluster is three etcd processes with their default time-outs.
type etcdCluster struct {
	members []*etcdMember
}

type etcdMember struct {
	name, client string
	args         []string
	binary, dir  string
	cmd          *exec.Cmd
}

func startEtcd(ctx context.Context, binary, dir string) (*etcdCluster, error) {
	ports, err := nodes.FreePorts(6)
	if err != nil {
		return nil, err
	}
	var initial []string
	for i := range 3 {
		initial = append(initial, fmt.Sprintf("e%d=http://%s", i, ports[3+i]))
	}
	c := &etcdCluster{}
	for i := range 3 {
		m := &etcdMember{name: fmt.Sprintf("e%d", i), client: ports[i], binary: binary, dir: filepath.Join(dir, fmt.Sprintf("etcd%d", i))}
		m.args = []string{m.name, m.dir, "http://" + ports[i], "http://" + ports[3+i], strings.Join(initial, ",")}
		c.members = append(c.members, m)
		if err := m.start(); err != nil {
			c.stop()
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if _, err := c.leader(ctx); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

func (m *etcdMember) start() error {
	m.cmd = exec.Command(m.binary, m.args...)
	m.cmd.Stderr = os.Stderr
	return m.cmd.Start()
}

func (m *etcdMember) kill() {
	if m.cmd != nil {
		_ = m.cmd.Process.Kill()
		_ = m.cmd.Wait()
		m.cmd = nil
	}
}

func (c *etcdCluster) stop() {
	for _, m := range c.members {
		m.kill()
	}
}

// leader finds the member that leads, by the status that each gives of itself.
func (c *etcdCluster) leader(ctx context.Context) (*etcdMember, error) {
	for {
		for _, m := range c.members {
			if m.cmd != nil && m.leads(ctx) {
				return m, nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("etcd has no leader: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// leads asks for Maintenance/Status: header.member_id (1.2) against leader (4).
func (m *etcdMember) leads(ctx context.Context) bool {
	conns, err := dial(m.client, 1)
	if err != nil {
		return false
	}
	defer closeAll(conns)
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	answer, err := callRaw(ctx, conns[0], "/etcdserverpb.Maintenance/Status", nil)
	if err != nil {
		return false
	}
	header, _ := field(answer, 1)
	_, member := field(header, 2)
	_, leader := field(answer, 4)
	return leader != 0 && leader == member
}

// put is KV/Put of a key and a value.
func put(ctx context.Context, conn *grpc.ClientConn, key string, value []byte) error {
	request := protowire.AppendTag(nil, 1, protowire.BytesType)
	request = protowire.AppendString(request, key)
	request = protowire.AppendTag(request, 2, protowire.BytesType)
	request = protowire.AppendBytes(request, value)
	_, err := callRaw(ctx, conn, "/etcdserverpb.KV/Put", request)
	return err
}

// field is the first field of the number in an encoded message.
func field(message []byte, number protowire.Number) ([]byte, uint64) {
	for len(message) > 0 {
		n, kind, length := protowire.ConsumeTag(message)
		if length < 0 {
			break
		}
		message = message[length:]
		if n == number && kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(message)
			return value, 0
		}
		if n == number && kind == protowire.VarintType {
			value, _ := protowire.ConsumeVarint(message)
			return nil, value
		}
		if length = protowire.ConsumeFieldValue(n, kind, message); length < 0 {
			break
		}
		message = message[length:]
	}
	return nil, 0
}
