package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/earshot-hq/earshot/internal/service"
)

func TestAPanicOfAJobSaysWhoseItWas(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		job  rivertype.JobRow
		want map[string]any
	}{
		"of an operation": {
			rivertype.JobRow{ID: 7, Kind: "advance_operation", Attempt: 2, EncodedArgs: []byte(`{"tenant_id":"t","operation_id":"o"}`), Metadata: []byte(`{"request_id":"r"}`)},
			map[string]any{"job_id": 7.0, "job_kind": "advance_operation", "attempt": 2.0, "operation": "o", "request_id": "r"},
		},
		"that nobody asked for": {
			rivertype.JobRow{ID: 8, Kind: "housekeeping", Attempt: 1, EncodedArgs: []byte(`{}`), Metadata: []byte(`{}`)},
			map[string]any{"job_id": 8.0, "job_kind": "housekeeping", "attempt": 1.0},
		},
		"that cannot be read": {
			rivertype.JobRow{ID: 9, Kind: "odd", Attempt: 1, EncodedArgs: []byte(`[`)},
			map[string]any{"job_id": 9.0, "job_kind": "odd", "attempt": 1.0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var line bytes.Buffer
			f := failures{service.NewLogger(&line, "admin-work", slog.LevelInfo)}
			assert.Nil(t, f.HandlePanic(t.Context(), &test.job, "out of range", "where"))
			var said map[string]any
			require.NoError(t, json.Unmarshal(line.Bytes(), &said))
			delete(said, "time")
			test.want["level"], test.want["service"], test.want["msg"] = "ERROR", "admin-work", "job panicked"
			test.want["error"], test.want["stack"] = "out of range", "where"
			assert.Equal(t, test.want, said)
		})
	}
}
