package api

import (
	"context"

	"google.golang.org/grpc"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/security"
)

// Directory knows the departments' names. An unknown department's name is its id.
type Directory interface {
	AgentName(ctx context.Context, id plinth.AgentID) string
}

// NewAuth is the service of accounts, sessions and API tokens.
func NewAuth(accounts *security.Accounts, names Directory) Service {
	s := &authService{accounts: accounts, names: names}
	return Service{
		Register: func(r grpc.ServiceRegistrar) { pb.RegisterAuthServiceServer(r, s) },
		Gateway:  pb.RegisterAuthServiceHandler,
	}
}

type authService struct {
	pb.UnimplementedAuthServiceServer
	accounts *security.Accounts
	names    Directory
}

func (s *authService) SignIn(ctx context.Context, r *pb.SignInRequest) (*pb.SignInResponse, error) {
	secret, expires, a, err := s.accounts.SignIn(ctx, r.GetLogin(), r.GetPassword())
	if err != nil {
		return nil, err
	}
	return &pb.SignInResponse{Token: secret, ExpiresAt: stamp(expires), Account: s.account(ctx, a)}, nil
}

func (s *authService) SignOut(ctx context.Context, _ *pb.SignOutRequest) (*pb.SignOutResponse, error) {
	return &pb.SignOutResponse{}, s.accounts.SignOut(ctx, bearer(incoming(ctx, "authorization")))
}

// Me shows the roles of the call, which an API token may have narrowed.
func (s *authService) Me(ctx context.Context, _ *pb.MeRequest) (*pb.Account, error) {
	p := plinth.PrincipalFrom(ctx)
	if p.Device != "" {
		return &pb.Account{Id: string(p.Account), Login: string(p.Device), Name: p.Name, Roles: roleNames(p.Roles)}, nil
	}
	a, err := s.accounts.Account(ctx, p.Account)
	if err != nil {
		return nil, err
	}
	a.Roles = p.Roles
	return s.account(ctx, a), nil
}

func (s *authService) ChangePassword(ctx context.Context, r *pb.ChangePasswordRequest) (*pb.ChangePasswordResponse, error) {
	err := s.accounts.ChangePassword(ctx, bearer(incoming(ctx, "authorization")), r.GetOldPassword(), r.GetNewPassword())
	return &pb.ChangePasswordResponse{}, err
}

func (s *authService) CreateToken(ctx context.Context, r *pb.CreateTokenRequest) (*pb.CreateTokenResponse, error) {
	t, secret, err := s.accounts.CreateToken(ctx, r.GetName(), rolesOf(r.GetScopes()), int(r.GetValidDays()))
	if err != nil {
		return nil, err
	}
	return &pb.CreateTokenResponse{Token: tokenOut(t), Secret: secret}, nil
}

func (s *authService) ListTokens(ctx context.Context, r *pb.ListTokensRequest) (*pb.ListTokensResponse, error) {
	limit, after, err := pageOf(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	all, err := s.accounts.Tokens(ctx, limit+1, after)
	if err != nil {
		return nil, err
	}
	all, next := cut(all, limit, func(t security.Token) string { return t.ID })
	out := &pb.ListTokensResponse{NextPageToken: next}
	for _, t := range all {
		out.Tokens = append(out.Tokens, tokenOut(t))
	}
	return out, nil
}

func (s *authService) RevokeToken(ctx context.Context, r *pb.RevokeTokenRequest) (*pb.Token, error) {
	t, err := s.accounts.RevokeToken(ctx, r.GetId())
	if err != nil {
		return nil, err
	}
	return tokenOut(t), nil
}

func (s *authService) ListAccounts(ctx context.Context, r *pb.ListAccountsRequest) (*pb.ListAccountsResponse, error) {
	limit, after, err := pageOf(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	all, err := s.accounts.List(ctx, limit+1, after)
	if err != nil {
		return nil, err
	}
	all, next := cut(all, limit, func(a security.Account) string { return a.Login })
	out := &pb.ListAccountsResponse{NextPageToken: next}
	for _, a := range all {
		out.Accounts = append(out.Accounts, s.account(ctx, a))
	}
	return out, nil
}

func (s *authService) CreateAccount(ctx context.Context, r *pb.CreateAccountRequest) (*pb.Account, error) {
	in := r.GetAccount()
	a, err := s.accounts.Create(ctx, security.Account{Login: in.GetLogin(), Name: in.GetName(),
		Department: plinth.AgentID(in.GetDepartment()), Roles: rolesOf(in.GetRoles())}, in.GetPassword())
	if err != nil {
		return nil, err
	}
	return s.account(ctx, a), nil
}

func (s *authService) DisableAccount(ctx context.Context, r *pb.DisableAccountRequest) (*pb.Account, error) {
	a, err := s.accounts.Disable(ctx, plinth.AccountID(r.GetId()))
	if err != nil {
		return nil, err
	}
	return s.account(ctx, a), nil
}

func (s *authService) account(ctx context.Context, a security.Account) *pb.Account {
	return &pb.Account{Id: string(a.ID), Login: a.Login, Name: a.Name, Department: string(a.Department),
		DepartmentName: s.names.AgentName(ctx, a.Department), Roles: roleNames(a.Roles), Disabled: a.Disabled,
		CreatedAt: stamp(a.CreatedAt)}
}

func tokenOut(t security.Token) *pb.Token {
	return &pb.Token{Id: t.ID, Name: t.Name, Scopes: roleNames(t.Scopes), CreatedAt: stamp(t.CreatedAt),
		ExpiresAt: stamp(t.ExpiresAt), RevokedAt: stamp(t.RevokedAt), LastUsedAt: stamp(t.LastUsedAt)}
}
