package datafile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/pages"
	"github.com/hannoydb/hannoy/kv/place"
)

// Salvage calls use with the data file of a damaged environment, which nobody may
// write meanwhile. It opens the file for reading and no other, and needs no lock.
// If a sound record says that other files have taken its place and they are still
// apart, use gets these.
func Salvage(ctx context.Context, dir string, use func(file *pages.File) error) error {
	path := filepath.Join(dir, place.DataFile)
	for range 2 {
		moved, err := salvage(ctx, path, use)
		if err != nil || moved == "" {
			return err
		}
		path = filepath.Join(dir, moved, place.DataFile)
	}
	return fmt.Errorf("salvage %s: %w: its files name others that name others", dir, codec.ErrCorrupt)
}

func salvage(ctx context.Context, path string, use func(file *pages.File) error) (moved string, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("salvage %s: %w: no index in this directory", path, ErrNotFound)
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	file := pages.OpenDamaged(dataSource{f}, PageSize())
	_, err = file.Salvage(ctx, nil, func(from pages.Origin, key []byte, value *pages.Value) error {
		if from != pages.InTree || string(key) != string(codec.MovedKey()) {
			return nil
		}
		v, err := value.Append(nil, 1<<10)
		if err != nil {
			return nil
		}
		name, err := codec.Open(key, v)
		if err != nil || !place.NamesSuccessor(string(name)) {
			return nil
		}
		if _, err := os.Lstat(filepath.Join(filepath.Dir(path), string(name), place.DataFile)); err == nil {
			moved = string(name)
		}
		return nil
	})
	if err != nil || moved != "" {
		return moved, err
	}
	return "", use(file)
}
