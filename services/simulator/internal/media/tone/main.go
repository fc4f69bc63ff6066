// Tone writes tone.ogg anew: what the stand-in's customer "says". It needs opusenc (package opus-tools) on the path and is run
// by hand (go run ./services/simulator/internal/media/tone), because encoders differ in bytes from version to version.
//
// Six seconds that repeat: four of a two-tone melody as loud as speech, with the rise and fall of syllables, and two of a third
// of that, so that level meters move. It is never silent, so that silence means a fault.
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
)

const (
	rate    = 48_000
	seconds = 6
	file    = "services/simulator/internal/media/tone.ogg"
)

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "tone:", err)
		os.Exit(1)
	}
}

func write() error {
	var samples bytes.Buffer
	for n := range rate * seconds {
		samples.Write(binary.LittleEndian.AppendUint16(nil, uint16(sample(float64(n)/rate))))
	}
	encode := exec.CommandContext(context.Background(), "opusenc", "--quiet", "--raw", "--raw-rate", "48000", "--raw-chan", "1", "--bitrate", "24",
		"--hard-cbr", "--framesize", "20", "--discard-comments", "--serial", "1", "-", file)
	encode.Stdin, encode.Stderr = &samples, os.Stderr
	return encode.Run()
}

// sample is the wave at a moment: whole periods in six seconds, so that the end meets the beginning.
func sample(second float64) int16 {
	loudness := 0.3
	if second >= 4 {
		loudness = 0.1
	}
	syllable := 0.6 + 0.4*math.Sin(2*math.Pi*4*second)
	wave := math.Sin(2*math.Pi*440*second) + 0.5*math.Sin(2*math.Pi*660*second)
	return int16(math.MaxInt16 * loudness * syllable * wave / 1.5)
}
