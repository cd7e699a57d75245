/** What a code means, and what to do about it. */
export interface CodeAdvice {
  readonly meaning: string;
  readonly advice: string;
}

/** For people who see a report for the first time; undefined for codes of AWS services, which name themselves. */
export function explainCode(code: string): CodeAdvice | undefined {
  return ADVICE.get(code);
}

const ADVICE: ReadonlyMap<string, CodeAdvice> = new Map(
  Object.entries({
    COMMAND_FAILED: [
      "The command ran on the instance and ended with an exit code that is not zero.",
      "Read what it said; correct the playbook, the artifact or the instance, and run again what failed.",
    ],
    EXECUTION_TIMEOUT: [
      "The command ran longer than it may and was stopped.",
      "Look at what it said last; raise `timeout`, or find what hangs.",
    ],
    DELIVERY_TIMEOUT: [
      "The command did not reach the instance in time: it is stopped, cut off, or its agent is not running.",
      "Look at the instance and at its agent (`amazon-ssm-agent`), then run again what failed.",
    ],
    UNDELIVERABLE: [
      "Systems Manager does not know the instance, or its agent does not answer.",
      "Check the agent, the instance profile (AmazonSSMManagedInstanceCore) and the way to the endpoints of Systems Manager.",
    ],
    CANCELLED: [
      "Somebody cancelled the run before the command had ended.",
      "Run again what was cancelled if it is wanted.",
    ],
    TERMINATED: [
      "Systems Manager stopped the command because too many others had failed.",
      "Correct what made the others fail, then run again.",
    ],
    NOT_SENT: [
      "Nothing was sent to the instance: the run had stopped because more failed than `maxErrors` allows, or its command was refused.",
      "Correct what made the others fail, then run again; the instance is as it was.",
    ],
    SSM_NOT_ONLINE: [
      "The agent of the instance is not connected to Systems Manager.",
      "Check the agent, the instance profile and the way to the endpoints of Systems Manager.",
    ],
    SSM_NOT_REGISTERED: [
      "The instance has never registered with Systems Manager.",
      "Install the agent and give the instance a profile with AmazonSSMManagedInstanceCore.",
    ],
    SSM_AGENT_TIMEOUT: [
      "The instance started, but its agent did not register in time.",
      "Check the agent in the image, the instance profile and the network; then run again.",
    ],
    SSM_THROTTLED: [
      "Systems Manager refused the request again and again: the account sends too many.",
      "Run again later, with a lower concurrency.",
    ],
    INSTANCE_GONE: ["The instance was stopped or terminated meanwhile.", "Nothing, if that was meant."],
    INVALID_INSTANCE_ID: ["The id is not that of an instance.", "Correct the id."],
    DUPLICATE: ["The instance was named twice; it is worked on once.", "Nothing."],
    STATE_NOT_RUNNING: ["The instance is not running.", "Start it if it shall be configured."],
    TAG_MISSING: [
      "The instance does not carry the tag that makes it a part of the fleet.",
      "Add the tag if it belongs to it.",
    ],
    TAG_VALUE: [
      "The instance carries the tag with another value; values are compared exactly.",
      "Correct the value if it belongs to the fleet.",
    ],
    PLATFORM_MISMATCH: [
      "The instance runs another platform than the run is meant for.",
      "Nothing, or use a profile for its platform.",
    ],
    NO_ROLES: [
      "The instance has no role in its tag, so there was nothing to configure.",
      "Give it roles if it shall have some.",
    ],
    ROLE_NAME_INVALID: [
      "A role in the tag of the instance has a name that an inventory cannot hold.",
      "Use letters, digits, `_` and `-`, beginning with a letter or `_`; at most 63 characters.",
    ],
    TOO_MANY_ROLES: [
      "The tag of the instance names more than 50 roles.",
      "Give it fewer roles, or a role that includes others.",
    ],
    ACCESS_DENIED: [
      "AWS refused the request.",
      "Give the role of the dispatcher the permission that the message names.",
    ],
    AWS_UNAVAILABLE: ["A service of AWS did not answer.", "Run again later."],
  } satisfies Record<string, readonly [string, string]>).map(([code, [meaning = "", advice = ""]]) => [
    code,
    { meaning, advice },
  ]),
);

/** The codes that are explained. */
export const CODES: readonly string[] = [...ADVICE.keys()];
