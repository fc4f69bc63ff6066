package depot

import (
	"archive/tar"
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/xi2/xz"
)

// errEscapes guards against an archive that would write outside its folder.
var errEscapes = errors.New("an entry leaves the folder")

// Unzip unpacks the archive below dir, without the first strip elements of each name. Everybody may read the result: the
// servers run under a user of their own when the launcher is root.
func Unzip(archive, dir string, strip int) error {
	reader, err := zip.OpenReader(archive)
	if err != nil {
		return fmt.Errorf("open %s: %w", archive, err)
	}
	defer func() { _ = reader.Close() }() // read only
	for _, entry := range reader.File {
		target, err := targetOf(dir, entry.Name, strip)
		if err != nil {
			return err
		}
		if target == "" || entry.FileInfo().IsDir() {
			continue // folders are made with their files
		}
		if err := unzipEntry(entry, target); err != nil {
			return fmt.Errorf("unpack %s: %w", entry.Name, err)
		}
	}
	return nil
}

func unzipEntry(entry *zip.File, target string) error {
	content, err := entry.Open()
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }() // read only
	return writeFile(target, content, entry.Mode())
}

// UntarXZ unpacks a .tar.xz below dir, links included.
func UntarXZ(archive io.Reader, dir string) error {
	plain, err := xz.NewReader(archive, 0)
	if err != nil {
		return err
	}
	entries := tar.NewReader(plain)
	for {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		target, err := targetOf(dir, header.Name, 0)
		if err != nil {
			return err
		}
		if err := untarEntry(entries, header, target); err != nil {
			return fmt.Errorf("unpack %s: %w", header.Name, err)
		}
	}
}

func untarEntry(content io.Reader, header *tar.Header, target string) error {
	switch header.Typeflag {
	case tar.TypeReg:
		return writeFile(target, content, header.FileInfo().Mode())
	case tar.TypeSymlink:
		if !filepath.IsLocal(header.Linkname) {
			return errEscapes
		}
		if err := makeFolder(filepath.Dir(target)); err != nil {
			return err
		}
		return os.Symlink(header.Linkname, target)
	default:
		return nil // folders are made with their files
	}
}

// OpenInZip returns the first file of a zip whose name ends in suffix. The caller closes both.
func OpenInZip(archive, suffix string) (io.ReadCloser, *zip.ReadCloser, error) {
	reader, err := zip.OpenReader(archive)
	if err != nil {
		return nil, nil, fmt.Errorf("open %s: %w", archive, err)
	}
	for _, entry := range reader.File {
		if strings.HasSuffix(entry.Name, suffix) {
			content, err := entry.Open()
			return content, reader, err
		}
	}
	_ = reader.Close() // nothing was read
	return nil, nil, fmt.Errorf("%s holds no %s", archive, suffix)
}

func targetOf(dir, name string, strip int) (string, error) {
	elements := strings.Split(strings.Trim(filepath.ToSlash(name), "/"), "/")
	if len(elements) <= strip {
		return "", nil
	}
	local := filepath.Join(elements[strip:]...)
	if !filepath.IsLocal(local) {
		return "", fmt.Errorf("%s: %w", name, errEscapes)
	}
	return filepath.Join(dir, local), nil
}

func writeFile(target string, content io.Reader, mode os.FileMode) error {
	if err := makeFolder(filepath.Dir(target)); err != nil {
		return err
	}
	permissions := os.FileMode(0o644)
	if mode&0o100 != 0 {
		permissions = 0o755
	}
	file, err := os.OpenFile(target, os.O_CREATE|os.O_WRONLY|os.O_EXCL, permissions)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, content); err != nil {
		_ = file.Close() // the copy's error says more
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Chmod(target, permissions) // the umask may have taken bits away
}

// makeFolder makes dir and its parents readable for everybody, whatever the umask.
func makeFolder(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if err := makeFolder(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return os.Chmod(dir, 0o755)
}
