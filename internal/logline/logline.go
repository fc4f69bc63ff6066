// Package logline has log lines say whose work they are of, without each place that writes one having to know.
package logline

import (
	"context"
	"log/slog"
	"slices"
)

type key struct{}

// With returns a context within which lines have these attributes, beside those that ctx gives them. One whose value is the empty
// text is left out.
func With(ctx context.Context, attrs ...slog.Attr) context.Context {
	all := slices.Concat(of(ctx), attrs)
	return context.WithValue(ctx, key{}, slices.DeleteFunc(all, func(a slog.Attr) bool { return a.Value.String() == "" }))
}

func of(ctx context.Context) []slog.Attr {
	attrs, _ := ctx.Value(key{}).([]slog.Attr)
	return attrs
}

// Logger returns a logger like log whose lines have the attributes of the context in which they are written. What a line says itself
// stands.
func Logger(log *slog.Logger) *slog.Logger { return slog.New(handler{log.Handler()}) }

type handler struct{ slog.Handler }

func (h handler) Handle(ctx context.Context, line slog.Record) error {
	attrs := of(ctx)
	if len(attrs) == 0 {
		return h.Handler.Handle(ctx, line)
	}
	said := map[string]bool{}
	line.Attrs(func(a slog.Attr) bool {
		said[a.Key] = true
		return true
	})
	line = line.Clone()
	for _, a := range attrs {
		if !said[a.Key] {
			line.AddAttrs(a)
		}
	}
	return h.Handler.Handle(ctx, line)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs)}
}

func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }
