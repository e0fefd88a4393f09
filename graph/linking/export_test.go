package linking

// What tests of rounds compare with.
const (
	LeastRound = leastRound
	QueueShare = queueShare
)
