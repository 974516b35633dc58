package api

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"

	pb "plinth/api/plinth/v1"
)

// EngineState is how one engine was found when it was last asked.
type EngineState struct {
	Name, Detail string
	Ready        bool
	CheckedAt    time.Time
}

// Figure reads some of the overview's numbers into o.
type Figure struct {
	Name string
	Read func(ctx context.Context, o *pb.Overview) error
}

// System is what the service of the house's state is made of.
type System struct {
	Now     func() time.Time
	Log     *slog.Logger
	Engines func() []EngineState
	Figures []Figure
}

// figureTime bounds how long one figure may take: a slow engine must not hold the first screen.
const figureTime = 3 * time.Second

// NewSystem is the service of the overview and the engines.
func NewSystem(c System) Service {
	s := &systemService{c: c}
	return Service{
		Register: func(r grpc.ServiceRegistrar) { pb.RegisterSystemServiceServer(r, s) },
		Gateway:  pb.RegisterSystemServiceHandler,
	}
}

type systemService struct {
	pb.UnimplementedSystemServiceServer
	c System

	// The numbers are the same for everybody, so a moment's answer serves all who ask in it.
	mu   sync.Mutex
	last *pb.Overview
}

const overviewLife = time.Second

// GetOverview reads all figures side by side. One that fails is named in missing; the others still stand.
func (s *systemService) GetOverview(ctx context.Context, _ *pb.GetOverviewRequest) (*pb.Overview, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.c.Now()
	if s.last != nil && now.Sub(s.last.GetAt().AsTime()) < overviewLife {
		return s.last, nil
	}
	out := &pb.Overview{At: stamp(now)}
	var wg sync.WaitGroup
	missing := make([]string, len(s.c.Figures))
	for i, f := range s.c.Figures {
		wg.Go(func() {
			ctx, done := context.WithTimeout(context.WithoutCancel(ctx), figureTime)
			defer done()
			if err := f.Read(ctx, out); err != nil {
				s.c.Log.WarnContext(ctx, "figure not read", "figure", f.Name, "error", err)
				missing[i] = f.Name
			}
		})
	}
	wg.Wait()
	out.Missing = slices.DeleteFunc(missing, func(name string) bool { return name == "" })
	s.last = out
	return out, nil
}

func (s *systemService) ListEngines(context.Context, *pb.ListEnginesRequest) (*pb.ListEnginesResponse, error) {
	out := &pb.ListEnginesResponse{}
	for _, e := range s.c.Engines() {
		out.Engines = append(out.Engines, &pb.Engine{Name: e.Name, Ready: e.Ready, Detail: e.Detail, CheckedAt: stamp(e.CheckedAt)})
	}
	return out, nil
}
