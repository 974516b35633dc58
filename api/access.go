package api

import (
	"sort"

	"google.golang.org/grpc"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/sensors"
)

// Access says who may call an RPC. The zero value admits anyone who is signed in.
type Access struct {
	Public bool          // needs no authentication
	Roles  []plinth.Role // one of these; empty means anyone signed in
	Secret bool          // the answer holds a secret or governed rows: it is never kept for replay
}

func anyone() Access                     { return Access{} }
func public() Access                     { return Access{Public: true} }
func only(roles ...plinth.Role) Access   { return Access{Roles: roles} }
func secret(roles ...plinth.Role) Access { return Access{Roles: roles, Secret: true} }

// Short names keep the table readable.
const (
	steward    = plinth.RoleSteward
	registrar  = plinth.RoleRegistrar
	provider   = plinth.RoleProvider
	department = plinth.RoleDepartment
	analyst    = plinth.RoleAnalyst
	auditor    = plinth.RoleAuditor
	officer    = plinth.RoleSecurity
	operator   = plinth.RoleOperator
	device     = plinth.RoleDevice
)

// access is the whole table: an RPC that is not listed may be called by nobody. It is the first gate, by role alone;
// a room checks whose object it is.
var access = map[string]Access{
	// Alarms tell of people's homes. Who handles one is further narrowed to operators and the unit that must answer.
	pb.AlarmService_ListAlarms_FullMethodName:       only(operator, provider, steward, officer, auditor),
	pb.AlarmService_GetAlarm_FullMethodName:         only(operator, provider, steward, officer, auditor),
	pb.AlarmService_AlarmCounts_FullMethodName:      only(operator, provider, steward, officer, auditor),
	pb.AlarmService_AcknowledgeAlarm_FullMethodName: only(operator, provider),
	pb.AlarmService_HandleAlarm_FullMethodName:      only(operator, provider),
	pb.AlarmService_ReopenAlarm_FullMethodName:      only(operator, provider),
	pb.AlarmService_ListPermits_FullMethodName:      anyone(),
	pb.AlarmService_PutPermits_FullMethodName:       only(operator, provider),
	pb.AlarmService_ListPacks_FullMethodName:        anyone(),

	pb.AuthService_SignIn_FullMethodName:         {Public: true, Secret: true},
	pb.AuthService_SignOut_FullMethodName:        anyone(),
	pb.AuthService_Me_FullMethodName:             anyone(),
	pb.AuthService_ChangePassword_FullMethodName: secret(),
	pb.AuthService_CreateToken_FullMethodName:    secret(),
	pb.AuthService_ListTokens_FullMethodName:     anyone(),
	pb.AuthService_RevokeToken_FullMethodName:    anyone(),
	pb.AuthService_ListAccounts_FullMethodName:   only(operator, officer),
	pb.AuthService_CreateAccount_FullMethodName:  secret(operator),
	pb.AuthService_DisableAccount_FullMethodName: only(operator),

	pb.CatalogService_ListAgents_FullMethodName:        anyone(),
	pb.CatalogService_ListDatasets_FullMethodName:      anyone(),
	pb.CatalogService_GetDataset_FullMethodName:        anyone(),
	pb.CatalogService_GetTimeline_FullMethodName:       anyone(),
	pb.CatalogService_CreateDataset_FullMethodName:     only(steward),
	pb.CatalogService_UpdateDataset_FullMethodName:     only(steward),
	pb.CatalogService_ListRegistrations_FullMethodName: only(steward, registrar, provider, auditor),
	pb.CatalogService_GetRegistration_FullMethodName:   only(steward, registrar, provider, auditor),
	pb.CatalogService_ActOnRegistration_FullMethodName: only(steward, registrar, provider),
	pb.CatalogService_OpenRegistration_FullMethodName:  only(steward),
	pb.CatalogService_PreviewOpenList_FullMethodName:   only(steward, registrar, auditor),
	pb.CatalogService_PublishOpenList_FullMethodName:   only(steward),
	pb.CatalogService_ListOpenLists_FullMethodName:     public(),
	pb.CatalogService_GetOpenList_FullMethodName:       public(),

	pb.EventService_ListEvents_FullMethodName:    only(steward, provider, operator, officer, auditor),
	pb.EventService_ListIncidents_FullMethodName: anyone(),
	pb.EventService_GetIncident_FullMethodName:   anyone(),
	pb.EventService_CountEvents_FullMethodName:   anyone(),
	pb.EventService_HotWords_FullMethodName:      anyone(),
	pb.EventService_GetMap_FullMethodName:        anyone(),

	pb.EvidenceService_ListRecords_FullMethodName: only(auditor, steward, registrar, officer, operator),
	pb.EvidenceService_GetRecord_FullMethodName:   anyone(),
	pb.EvidenceService_GetChain_FullMethodName:    anyone(),
	pb.EvidenceService_GetRoots_FullMethodName:    public(),

	pb.EvidenceService_GetCase_FullMethodName:           only(auditor, steward, registrar, officer, operator),
	pb.EvidenceService_GetDeviceEvidence_FullMethodName: only(auditor, steward, registrar, officer, operator),

	// An audit reads everything and costs much of the machine: auditors start it, operators may watch.
	pb.EvidenceService_StartAudit_FullMethodName:        only(auditor),
	pb.EvidenceService_StartDrill_FullMethodName:        only(auditor),
	pb.EvidenceService_CancelEvidenceJob_FullMethodName: only(auditor),
	pb.EvidenceService_GetEvidenceJob_FullMethodName:    only(auditor, operator),
	pb.EvidenceService_ListEvidenceJobs_FullMethodName:  only(auditor, operator),

	pb.PipelineService_ListPipelines_FullMethodName:   only(operator, steward, auditor),
	pb.PipelineService_GetPipeline_FullMethodName:     only(operator, steward, auditor),
	pb.PipelineService_DeclarePipeline_FullMethodName: only(operator),
	pb.PipelineService_PausePipeline_FullMethodName:   only(operator),
	pb.PipelineService_ResumePipeline_FullMethodName:  only(operator),
	pb.PipelineService_ListMappings_FullMethodName:    only(operator, steward),
	pb.PipelineService_ListRuns_FullMethodName:        only(operator, steward, auditor),
	pb.PipelineService_GetRun_FullMethodName:          only(operator, steward, auditor),

	pb.PipelineService_StartReplay_FullMethodName:  only(operator),
	pb.PipelineService_ListReplays_FullMethodName:  only(operator, steward, auditor),
	pb.PipelineService_GetReplay_FullMethodName:    only(operator, steward, auditor),
	pb.PipelineService_CancelReplay_FullMethodName: only(operator),
	pb.PipelineService_ApplyReplay_FullMethodName:  only(operator),

	// A dead letter holds what was sent, which may be personal: it is for those who mend it.
	pb.PipelineService_ListDeadLetters_FullMethodName:   only(operator, steward),
	pb.PipelineService_CountDeadLetters_FullMethodName:  only(operator, steward),
	pb.PipelineService_GetDeadLetter_FullMethodName:     only(operator, steward),
	pb.PipelineService_ReplayDeadLetters_FullMethodName: only(operator),
	pb.PipelineService_DropDeadLetters_FullMethodName:   only(operator),

	pb.PolicyService_ListPurposes_FullMethodName:  anyone(),
	pb.PolicyService_CreateRequest_FullMethodName: only(department),
	pb.PolicyService_ListRequests_FullMethodName:  anyone(),
	pb.PolicyService_GetRequest_FullMethodName:    anyone(),
	pb.PolicyService_AnswerRequest_FullMethodName: only(provider, steward),
	pb.PolicyService_ListGrants_FullMethodName:    anyone(),
	pb.PolicyService_GetGrant_FullMethodName:      anyone(),
	pb.PolicyService_RevokeGrant_FullMethodName:   only(provider, steward, officer),
	pb.PolicyService_Decide_FullMethodName:        anyone(),
	pb.PolicyService_ListDecisions_FullMethodName: only(analyst, department, provider, auditor, officer, steward),
	pb.PolicyService_GetDecision_FullMethodName:   only(analyst, department, provider, auditor, officer, steward),

	pb.QueryService_RunQuery_FullMethodName: secret(analyst),

	pb.SecurityService_ListAlerts_FullMethodName:    only(officer, auditor),
	pb.SecurityService_GetAlert_FullMethodName:      only(officer, auditor),
	pb.SecurityService_HandleAlert_FullMethodName:   only(officer),
	pb.SecurityService_ListConsumers_FullMethodName: only(officer, auditor),

	pb.SensorService_ListDevices_FullMethodName:      anyone(),
	pb.SensorService_ListPlaces_FullMethodName:       anyone(),
	pb.SensorService_GetDevice_FullMethodName:        anyone(),
	pb.SensorService_GetDeviceByCode_FullMethodName:  anyone(),
	pb.SensorService_RegisterDevice_FullMethodName:   secret(operator),
	pb.SensorService_UpdateDevice_FullMethodName:     only(operator),
	pb.SensorService_MoveDevice_FullMethodName:       only(operator),
	pb.SensorService_RotateCredential_FullMethodName: secret(operator),
	pb.SensorService_ListReadings_FullMethodName:     only(sensors.SeriesReaders...), // narrowed by the device's privacy
	pb.SensorService_ListSegments_FullMethodName:     anyone(),
	pb.SensorService_GetDeviceFigures_FullMethodName: only(people...),
	pb.SensorService_ListDeviceFaults_FullMethodName: only(people...),
	pb.SensorService_IngestReadings_FullMethodName:   only(device, operator),

	pb.SystemService_GetOverview_FullMethodName: anyone(),
	pb.SystemService_ListEngines_FullMethodName: anyone(),

	pb.VitalService_ListIndicators_FullMethodName:     anyone(),
	pb.VitalService_GetIndicator_FullMethodName:       anyone(),
	pb.VitalService_ListGrades_FullMethodName:         anyone(),
	pb.VitalService_DeclareIndicator_FullMethodName:   only(steward),
	pb.VitalService_ChangeIndicator_FullMethodName:    only(steward),
	pb.VitalService_RetireIndicator_FullMethodName:    only(steward),
	pb.VitalService_RecomputeIndicator_FullMethodName: only(steward, operator),
}

// RolesOf are the roles that may call an RPC, for routes that show the same data in another form.
func RolesOf(method string) []plinth.Role { return access[method].Roles }

// unlisted names the RPCs of s that the table forgets, sorted.
func unlisted(s *grpc.Server) []string {
	var missing []string
	for service, info := range s.GetServiceInfo() {
		for _, m := range info.Methods {
			full := "/" + service + "/" + m.Name
			if _, ok := access[full]; !ok {
				missing = append(missing, full)
			}
		}
	}
	sort.Strings(missing)
	return missing
}
