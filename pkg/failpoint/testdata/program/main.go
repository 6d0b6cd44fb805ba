// Program reaches points and reads the clock, for the tests of failpoint.
package main

import (
	"fmt"
	"os"

	"github.com/dam-delivery/dz/pkg/failpoint"
)

func main() {
	before := failpoint.Now()
	for i := range 3 {
		failpoint.Reach(failpoint.Ingested)
		failpoint.Reach(failpoint.Applied)
		fmt.Println("applied", i+1)
	}
	if path := os.Getenv(failpoint.ClockVariable); path != "" {
		if err := os.WriteFile(path, []byte("-1h\n"), 0o600); err != nil {
			panic(err)
		}
	}
	after := failpoint.Now()
	fmt.Println("by the clock", (after.Unix()-before.Unix()+30)/60, "min, passed", int(after.Sub(before).Minutes()), "min")
	fmt.Println("date moved", before.Round(0).Sub(after.Round(0)).Round(60e9))
}
