package main

import "context"

// underLoad does something while a writer writes events and, unless it is nil, a
// changer changes endpoints, and beside what else is given. They end after it, in order.
func (r *rig) underLoad(ctx context.Context, w *writer, c *changer, work func(context.Context) error, more ...func(context.Context) error) error {
	working, rest := context.WithCancel(ctx)
	defer rest()
	beside := func(run func(context.Context) error) func(context.Context) error {
		return func(ctx context.Context) error {
			defer context.AfterFunc(ctx, rest)() // what runs beside it has failed
			return run(working)
		}
	}
	all := []func(context.Context) error{
		func(ctx context.Context) error {
			defer rest()
			return work(ctx)
		},
		beside(w.run),
	}
	if c != nil {
		all = append(all, beside(c.run))
	}
	for _, run := range more {
		all = append(all, beside(run))
	}
	return together(ctx, all...)
}
