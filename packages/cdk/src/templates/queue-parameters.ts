import { ARN, optional, type ParameterDefinition, QUEUE_ARN } from "./parameter-forms.ts";
import { SENDER_PARAMETERS } from "./sender-parameters.ts";

/** The queues of a yard. */
export const QUEUE_PARAMETERS = {
  TaskQueueArn: {
    group: "Queues",
    description: "Queue of tasks (output TaskQueueArn of the state manager).",
    pattern: `^${QUEUE_ARN}$`,
  },
  EventQueueArn: {
    group: "Queues",
    description: "Queue of events, for answers (output EventQueueArn).",
    pattern: `^${QUEUE_ARN}$`,
  },
  TaskDeadLetterQueueArn: {
    group: "Queues",
    description: "Queue for task messages that nobody can work (output TaskDeadLetterQueueArn).",
    pattern: `^${QUEUE_ARN}$`,
  },
  LongTaskQueueArn: {
    group: "Queues",
    description: "Queue of tasks that do not fit a function's time (output LongTaskQueueArn). Empty: there is none.",
    ...optional(QUEUE_ARN, "The ARN of a queue, or nothing."),
  },
  EventOrder: {
    group: "Queues",
    description:
      "standard: events mostly come in order. fifo: those of a stack always do, and senders give a group. Changing it makes new queues.",
    default: "standard",
    values: ["standard", "fifo"],
  },
  ...SENDER_PARAMETERS,
  QueueKeyArn: {
    group: "Queues",
    description:
      "Customer's KMS key for the queues. Its policy must let those send that do, such as sns.amazonaws.com. Empty: SQS's own key.",
    ...optional(`${ARN}:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+`, "The ARN of a key, or nothing."),
  },
  MessageBucket: {
    group: "Queues",
    description: "Bucket for messages above 1 MiB; give it a lifecycle rule of 15 days. Empty: they are refused.",
    ...optional("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "The name of a bucket, or nothing."),
  },
  MessagePrefix: {
    group: "Queues",
    description: "Beginning of the keys of such messages.",
    default: "stackyard/messages/",
    pattern: "^[^\\s*?]{1,512}$",
    constraint: "Without spaces, * and ?.",
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;
