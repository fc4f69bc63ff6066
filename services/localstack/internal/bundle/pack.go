package bundle

import (
	"archive/zip"
	"compress/flate"
	"io"
	"os"
	"time"
)

// packed is the time that every archive states, so that equal binaries make equal archives.
var packed = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// packFunction writes the archive that Lambda's provided.al2023 runtime takes: one executable file called bootstrap.
func packFunction(target, binary string) (err error) {
	content, err := os.Open(binary)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }() // read only
	file, err := os.Create(target)
	if err != nil {
		return err
	}
	defer func() {
		if closing := file.Close(); err == nil {
			err = closing
		}
	}()
	archive := zip.NewWriter(file)
	archive.RegisterCompressor(zip.Deflate, func(to io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(to, flate.BestSpeed) // stacks are built far more often than archives are sent
	})
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: packed}
	header.SetMode(0o755)
	entry, err := archive.CreateHeader(header)
	if err != nil {
		return err
	}
	if _, err := io.Copy(entry, content); err != nil {
		return err
	}
	return archive.Close()
}

func copyFile(target, source string) (err error) {
	content, err := os.Open(source)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }() // read only
	file, err := os.Create(target)
	if err != nil {
		return err
	}
	defer func() {
		if closing := file.Close(); err == nil {
			err = closing
		}
	}()
	_, err = io.Copy(file, content)
	return err
}
