// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
// https://docs.aws.amazon.com/general/latest/gr/sns.html

/** The most that one message, attributes included, or one batch of them may hold. A queue may be set to less. */
export const MAX_QUEUE_BYTES = 1_048_576;
/** As `MAX_QUEUE_BYTES`, for topics. */
export const MAX_TOPIC_BYTES = 262_144;
/** Attributes of one message. */
export const MAX_ATTRIBUTES = 10;
/** Entries of one batch, and messages of one receive. */
export const MAX_ENTRIES = 10;
/** The longest delay of a message of a standard queue; those of FIFO queues have none of their own. */
export const MAX_DELAY_MS = 900_000;
/** From the receive on; extending does not begin it anew. */
export const MAX_VISIBILITY_MS = 43_200_000;
/** The longest wait of a receive. */
export const MAX_WAIT_MS = 20_000;
