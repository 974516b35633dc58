package api

import (
	"testing"

	"google.golang.org/grpc"

	pb "plinth/api/plinth/v1"
)

func TestAccessTableListsEveryRPC(t *testing.T) {
	s := grpc.NewServer()
	pb.RegisterAlarmServiceServer(s, pb.UnimplementedAlarmServiceServer{})
	pb.RegisterAuthServiceServer(s, pb.UnimplementedAuthServiceServer{})
	pb.RegisterCatalogServiceServer(s, pb.UnimplementedCatalogServiceServer{})
	pb.RegisterEventServiceServer(s, pb.UnimplementedEventServiceServer{})
	pb.RegisterEvidenceServiceServer(s, pb.UnimplementedEvidenceServiceServer{})
	pb.RegisterPipelineServiceServer(s, pb.UnimplementedPipelineServiceServer{})
	pb.RegisterPolicyServiceServer(s, pb.UnimplementedPolicyServiceServer{})
	pb.RegisterQueryServiceServer(s, pb.UnimplementedQueryServiceServer{})
	pb.RegisterSecurityServiceServer(s, pb.UnimplementedSecurityServiceServer{})
	pb.RegisterSensorServiceServer(s, pb.UnimplementedSensorServiceServer{})
	pb.RegisterSystemServiceServer(s, pb.UnimplementedSystemServiceServer{})
	pb.RegisterVitalServiceServer(s, pb.UnimplementedVitalServiceServer{})
	if missing := unlisted(s); len(missing) > 0 {
		t.Errorf("nobody may call %v", missing)
	}
	rpcs := 0
	for _, info := range s.GetServiceInfo() {
		rpcs += len(info.Methods)
	}
	if rpcs != len(access) {
		t.Errorf("the table has %d rows for %d RPCs", len(access), rpcs)
	}
}

func TestAnUnlistedRPCIsOpenToNobody(t *testing.T) {
	g := &guard{}
	if _, err := g.enter(t.Context(), &call{method: "/plinth.v1.Nothing/Do"}, ""); err == nil {
		t.Error("admitted")
	}
}

func TestWritesAreWhatIsNotGet(t *testing.T) {
	w := writes()
	for method, want := range map[string]bool{
		pb.CatalogService_CreateDataset_FullMethodName: true, pb.CatalogService_UpdateDataset_FullMethodName: true,
		pb.CatalogService_GetDataset_FullMethodName: false, pb.AuthService_SignIn_FullMethodName: true,
	} {
		if got, ok := w[method]; !ok || got != want {
			t.Errorf("%s: got %v %v, want %v", method, got, ok, want)
		}
	}
}
