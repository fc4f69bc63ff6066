package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/earshot-hq/earshot/internal/tenant"
)

func TestReadCells(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "cells.json")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`[{"name":"local","region":"eu-central-1","stack_name":"s","role_arn":"r","external_id":"e","max_tenants":7}]`)
	cells, err := readCells(file)
	want := tenant.Cell{Name: "local", Region: "eu-central-1", StackName: "s", RoleARN: "r", ExternalID: "e", MaxTenants: 7}
	if err != nil || len(cells) != 1 || cells[0] != want {
		t.Errorf("got %+v, %v", cells, err)
	}
	write("{}")
	if _, err := readCells(file); err == nil {
		t.Error("an object was taken for a list")
	}
	if _, err := readCells(file + "x"); err == nil {
		t.Error("a missing file was taken for no cells")
	}
	if cells, err := readCells(""); cells != nil || err != nil {
		t.Errorf("without a file: %v, %v", cells, err)
	}
}
