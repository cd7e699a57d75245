import { ARN, LIST, optional, type ParameterDefinition } from "./parameter-forms.ts";

/** Additional senders of events from other accounts: parameters of the queue's policy. */
export const SENDER_PARAMETERS = {
  EventTopicArn: {
    group: "Queues",
    description:
      "Topic of SNS in front of the queue of events, which is subscribed to it. A FIFO queue takes a FIFO topic. Empty: none.",
    ...optional(`${ARN}:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\\.fifo)?`, "The ARN of a topic, or nothing."),
  },
  EventRuleArns: {
    group: "Queues",
    description: "Rules of EventBridge that send to the queue of events, ARNs by commas. Empty: none.",
    ...LIST,
    ...optional(`${ARN}:events:[a-z0-9-]+:[0-9]{12}:rule/[A-Za-z0-9._/-]{1,320}`, "ARNs of rules, or nothing."),
  },
  EventSenderArns: {
    group: "Queues",
    description:
      "Senders of events in other accounts, by commas: numbers of accounts, ARNs of roles and users. Empty: none.",
    ...LIST,
    ...optional(
      `[0-9]{12}|${ARN}:iam::[0-9]{12}:(root|(role|user)/[A-Za-z0-9+=,.@_/-]{1,576})`,
      "Numbers of accounts, ARNs of roles or users, or nothing.",
    ),
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;
