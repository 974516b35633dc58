package api

import (
	"context"

	pb "plinth/api/plinth/v1"
	"plinth/sensors"
)

func (s *sensorService) ListPlaces(_ context.Context, r *pb.ListPlacesRequest) (*pb.ListPlacesResponse, error) {
	all := s.Registry.Devices(sensors.Filter{Kind: r.GetKind(), Query: r.GetQuery()}, nil)
	out := &pb.ListPlacesResponse{Places: make([]*pb.DevicePlace, len(all))}
	for i, d := range all {
		out.Places[i] = &pb.DevicePlace{Id: string(d.ID), Name: &pb.Text{Zh: d.Name.ZH, En: d.Name.EN}, Kind: d.Kind,
			Street: d.Street, Longitude: d.Longitude, Latitude: d.Latitude, Liveness: string(s.Watch.Status(d).Liveness)}
	}
	return out, nil
}
