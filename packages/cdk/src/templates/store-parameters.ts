import { ARN, optional, type ParameterDefinition, TABLE } from "./parameter-forms.ts";

/** Where a yard stores its state. */
export const STORE_PARAMETERS = {
  ConnectionSecretArn: {
    group: "Store",
    description: "Secret of a Postgres database, as RDS writes it. Empty: the yard keeps its state in DynamoDB.",
    ...optional(`${ARN}:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[^\\s]{1,512}`, "The ARN of a secret, or nothing."),
  },
  ExistingStacksTable: {
    group: "Store",
    description:
      "Table of stacks that is there, such as CloudSeam's. Empty: one is made, and kept when this stack is deleted.",
    ...TABLE,
  },
  ExistingWorkTable: {
    group: "Store",
    description: "Work table that is there. Empty: one is made, and kept.",
    ...TABLE,
  },
  StacksTable: {
    group: "Store",
    description: "Table of stacks, for a runner with the store. Empty: it works by message alone.",
    ...TABLE,
  },
  WorkTable: { group: "Store", description: "Work table, together with StacksTable.", ...TABLE },
  RunnersHaveStore: {
    group: "Store",
    description:
      "true when every runner that reads the queues of tasks has the store, so that claims, cancels and exclusive keys hold.",
    default: "false",
    values: ["true", "false"],
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;
