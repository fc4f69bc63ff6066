package api

import (
	"context"
	"net/http"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// EraseAgent erases an agent.
func (a *API) EraseAgent(ctx context.Context, r apigen.EraseAgentRequestObject) (apigen.EraseAgentResponseObject, error) {
	name, err := slugOf(r.Slug)
	if err != nil {
		return nil, err
	}
	caller := callOf(ctx)
	return answer(a.Starter.StartErase(ctx, caller.actor, name, r.Body.Agent, caller.write()))
}

// VisitEraseAgentResponse writes the answer.
func (s started) VisitEraseAgentResponse(w http.ResponseWriter) error { return s.visit(w) }

// erasureTo shows an erasure without the name.
func erasureTo(op operation.Operation) *apigen.Erasure {
	if op.Kind != operation.Erase {
		return nil
	}
	found := op.Memo.Erase
	return &apigen.Erasure{
		Subject: string(op.Erase.Subject), Before: op.Erase.Before, Documents: found.Documents, ArchiveRecords: found.ArchiveRecords,
		DirectoryEntries: found.Directory, DeadLetters: found.DeadLetters,
	}
}
