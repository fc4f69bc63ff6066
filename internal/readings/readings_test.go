package readings_test

import (
	"strconv"
	"testing"
	"testing/quick"

	"github.com/earshot-hq/earshot/internal/readings"
)

func TestAsManyDigitsAsTheMeasurementIsWorth(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		got, want string
	}{
		{readings.Percent.Text(2.5455), "2.5 %"},
		{readings.Percent.Text(4), "4.0 %"},
		{readings.Percent.Text(0), "0.0 %"},
		{readings.Percent.Number(-0.0001), "0.0"},
		{readings.Millis.Text(312.4962), "312 ms"},
		{readings.Millis.Number(0.5), "1"},
		{readings.MOS.Number(4.3794), "4.38"},
		{readings.MOS.Text(1), "1.00"},
		{readings.Seconds.Text(12.25), "12.3 s"},
		{readings.Duration.Text(44), "44 s"},
		{readings.Count.Text(3), "3"},
		{readings.Percent.Beyond(2.52, 2.5), "2.6"},
		{readings.Percent.Beyond(2.5455, 1), "2.5"},
		{readings.Percent.Beyond(0.3, 0), "0.3"},
		{readings.Percent.Beyond(0.01, 0), "0.1"},
		{readings.Millis.Beyond(300.2, 300), "301"},
		{readings.Millis.Beyond(300.2, 299.5), "300"},
		{readings.MOS.Beyond(3.5981, 3.6), "3.59"},
		{readings.MOS.Beyond(3.0001, 3.1), "3.00"},
		{readings.Percent.Beyond(2.5, 2.5), "2.5"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}

func TestWhatIsBeyondALimitIsWrittenSo(t *testing.T) {
	t.Parallel()
	for _, unit := range []readings.Unit{readings.Percent, readings.Millis, readings.MOS, readings.Seconds, readings.Count} {
		isBeyond := func(a, b uint16) bool {
			value, limit := float64(a)/997, float64(b)/997
			written, err := strconv.ParseFloat(unit.Beyond(value, limit), 64)
			return err == nil && (value == limit || (written > limit) == (value > limit) && (written < limit) == (value < limit))
		}
		if err := quick.Check(isBeyond, &quick.Config{MaxCount: 2000}); err != nil {
			t.Errorf("%v: %v", unit, err)
		}
	}
}
