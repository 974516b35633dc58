package api

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/sensors"
)

func (s *sensorService) ListDevices(ctx context.Context, r *pb.ListDevicesRequest) (*pb.ListDevicesResponse, error) {
	limit, after, err := pageOf(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	f, err := deviceFilter(r)
	if err != nil {
		return nil, err
	}
	all := s.Registry.Devices(f, func(d *sensors.Device) bool {
		return r.GetLiveness() == "" || string(s.Watch.Status(d).Liveness) == r.GetLiveness()
	})
	out := &pb.ListDevicesResponse{TotalSize: int32(len(all))}
	from, _ := slices.BinarySearchFunc(all, after, func(d *sensors.Device, id string) int {
		if string(d.ID) <= id {
			return -1
		}
		return 1
	})
	page, next := cut(all[from:], limit, func(d *sensors.Device) string { return string(d.ID) })
	for _, d := range page {
		out.Devices = append(out.Devices, s.device(ctx, d))
	}
	out.NextPageToken = next
	return out, nil
}

// deviceFilter reads what a list is narrowed by.
func deviceFilter(r *pb.ListDevicesRequest) (sensors.Filter, error) {
	f := sensors.Filter{Kind: r.GetKind(), Street: r.GetStreet(), Grid: r.GetGrid(), Query: r.GetQuery(),
		Owner: plinth.AgentID(r.GetOwner()), Life: sensors.Life(r.GetLife())}
	if f.Life != "" && !slices.Contains(sensors.Lives, f.Life) {
		return f, plinth.Invalid("life", "a device is one of %v", sensors.Lives)
	}
	if r.GetNear() != "" {
		n, err := numbers("near", r.GetNear(), 3)
		if err != nil {
			return f, err
		}
		f.Near = &sensors.Circle{Longitude: n[0], Latitude: n[1], Radius: n[2]}
		if err := f.Near.Validate(); err != nil {
			return f, err
		}
	}
	if r.GetBbox() != "" {
		n, err := numbers("bbox", r.GetBbox(), 4)
		if err != nil {
			return f, err
		}
		f.Box = &sensors.Box{West: n[0], South: n[1], East: n[2], North: n[3]}
		if err := f.Box.Validate(); err != nil {
			return f, err
		}
	}
	return f, nil
}

// numbers reads n numbers between commas.
func numbers(field, s string, n int) ([]float64, error) {
	parts := strings.Split(s, ",")
	out := make([]float64, n)
	for i := range out {
		if len(parts) != n {
			return nil, plinth.Invalid(field, "want %d numbers between commas", n)
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(parts[i]), 64)
		if err != nil {
			return nil, plinth.Invalid(field, "want %d numbers between commas", n)
		}
		out[i] = v
	}
	return out, nil
}

func (s *sensorService) GetDevice(ctx context.Context, r *pb.GetDeviceRequest) (*pb.Device, error) {
	d, err := s.find(r.GetId())
	if err != nil {
		return nil, err
	}
	return s.device(ctx, d), nil
}

func (s *sensorService) GetDeviceByCode(ctx context.Context, r *pb.GetDeviceByCodeRequest) (*pb.Device, error) {
	d, err := s.Registry.ByCode(r.GetCode())
	if err != nil {
		return nil, err
	}
	return s.device(ctx, d), nil
}

func (s *sensorService) find(id string) (*sensors.Device, error) {
	if d := s.Registry.Device(plinth.DeviceID(id)); d != nil {
		return d, nil
	}
	return nil, noDevice(id)
}

func noDevice(id string) error {
	return plinth.Errorf(plinth.ErrNotFound, "there is no device %.64q", id)
}

func (s *sensorService) RegisterDevice(ctx context.Context, r *pb.RegisterDeviceRequest) (*pb.RegisterDeviceResponse, error) {
	in, err := s.deviceIn(r.GetDevice())
	if err != nil {
		return nil, err
	}
	d, secret, err := s.Registry.Register(ctx, in)
	if err != nil {
		return nil, err
	}
	return &pb.RegisterDeviceResponse{Device: s.device(ctx, &d), MqttUser: string(d.ID), MqttPassword: secret}, nil
}

func (s *sensorService) UpdateDevice(ctx context.Context, r *pb.UpdateDeviceRequest) (*pb.Device, error) {
	in, err := s.deviceIn(r.GetDevice())
	if err != nil {
		return nil, err
	}
	mask := r.GetUpdateMask()
	if mask != nil { // the REST form lists what says which device of which version is meant
		mask.Paths = slices.DeleteFunc(mask.Paths, func(p string) bool { return p == "id" || p == "version" })
	}
	paths, err := maskOf(mask, deviceFields...)
	if err != nil {
		return nil, err
	}
	d, err := s.Registry.Change(ctx, in.ID, r.GetDevice().GetVersion(), func(d *sensors.Device) error {
		for _, p := range paths {
			replaceDevice(d, &in, p)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.device(ctx, &d), nil
}

// deviceFields are what of a device can change, as they are named in a mask.
var deviceFields = []string{"name", "owner", "street", "grid", "site", "longitude", "latitude", "position", "metrics", "interval_s",
	"segment_s", "codec", "maker", "model", "installed", "calibrated", "calibration_due", "twins", "attrs"}

// replaceDevice takes one part of a device from in.
func replaceDevice(d, in *sensors.Device, path string) {
	switch path {
	case "name":
		d.Name = in.Name
	case "owner":
		d.Owner = in.Owner
	case "street":
		d.Street = in.Street
	case "grid":
		d.Grid = in.Grid
	case "site":
		d.Site = in.Site
	case "longitude":
		d.Longitude, d.System = in.Longitude, in.System
	case "latitude":
		d.Latitude, d.System = in.Latitude, in.System
	case "position":
		d.Longitude, d.Latitude, d.System = in.Longitude, in.Latitude, in.System
	case "metrics":
		d.Metrics = in.Metrics
	case "interval_s":
		d.Interval = in.Interval
	case "segment_s":
		d.Segment = in.Segment
	default:
		replaceCare(d, in, path)
	}
}

// replaceCare takes one part of what is known of a device's make and upkeep.
func replaceCare(d, in *sensors.Device, path string) {
	switch path {
	case "codec":
		d.Codec = in.Codec
	case "maker":
		d.Maker = in.Maker
	case "model":
		d.Model = in.Model
	case "installed":
		d.Installed = in.Installed
	case "calibrated":
		d.Calibrated = in.Calibrated
	case "calibration_due":
		d.CalibrationDue = in.CalibrationDue
	case "twins":
		d.Twins = in.Twins
	case "attrs":
		d.Attrs = in.Attrs
	}
}

func (s *sensorService) MoveDevice(ctx context.Context, r *pb.MoveDeviceRequest) (*pb.Device, error) {
	d, err := s.Registry.Move(ctx, plinth.DeviceID(r.GetId()), r.GetVersion(), sensors.Life(r.GetLife()), r.GetNote())
	if err != nil {
		return nil, err
	}
	return s.device(ctx, &d), nil
}

func (s *sensorService) RotateCredential(ctx context.Context, r *pb.RotateCredentialRequest) (*pb.RegisterDeviceResponse, error) {
	d, secret, err := s.Registry.Rotate(ctx, plinth.DeviceID(r.GetId()), time.Duration(r.GetGraceS())*time.Second)
	if err != nil {
		return nil, err
	}
	return &pb.RegisterDeviceResponse{Device: s.device(ctx, &d), MqttUser: string(d.ID), MqttPassword: secret}, nil
}
