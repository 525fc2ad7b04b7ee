/** The consumer group that folds `queue-events`. Its committed offsets say how far commands were sent: a rebuild folds up to them. */
export const GROUP = 'workflows';
