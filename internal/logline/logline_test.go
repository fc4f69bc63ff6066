package logline_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/earshot-hq/earshot/internal/logline"
)

func TestLinesSayWhatTheirContextDoes(t *testing.T) {
	t.Parallel()
	one := logline.With(t.Context(), slog.String("tenant", "acme"), slog.String("request_id", ""))
	two := logline.With(one, slog.String("operation", "1"))
	for name, test := range map[string]struct {
		ctx  context.Context
		said []any
		want string
	}{
		"nothing is known":          {t.Context(), []any{"a", 1}, `"service":"s","a":1`},
		"what is empty is left out": {one, []any{"a", 1}, `"service":"s","a":1,"tenant":"acme"`},
		"what was known before":     {two, nil, `"service":"s","tenant":"acme","operation":"1"`},
		"the line says it itself":   {two, []any{"tenant", "beta"}, `"service":"s","tenant":"beta","operation":"1"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var lines bytes.Buffer
			log := logline.Logger(slog.New(slog.NewJSONHandler(&lines, nil))).With("service", "s")
			log.InfoContext(test.ctx, "done", test.said...)
			assert.Contains(t, lines.String(), `"msg":"done",`+test.want+"}\n")
		})
	}
}
