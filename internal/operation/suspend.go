package operation

// A suspension is an update of the stack's parameter Suspended. A resumption takes it back and proves the tenant as an update
// does; a stack that is not there any more is built as an onboarding builds it.
var (
	suspending = updating[:2]
	resuming   = append(updating[:3:3], onboarding...)
)
